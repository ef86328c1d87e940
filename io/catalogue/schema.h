#pragma once

namespace marrow {

// Bumped with every change of the tables, and of what is read from files or made of them: a scan
// trusts what it finds in the catalogue. The file carries it as SQLite's user_version.
inline constexpr int kCatalogueVersion = 5;
inline constexpr int kCatalogueApplicationId = 0x4D524357;  // "MRCW"

// LIMIT -1 in a view keeps SQLite from copying its inner queries into a condition on its columns:
// select.h counts queries to tell those of an expression.
inline constexpr const char* kCatalogueSchema = R"sql(
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE roots (path BLOB PRIMARY KEY) WITHOUT ROWID;

CREATE TABLE series (
  key TEXT PRIMARY KEY, study TEXT NOT NULL, patient TEXT NOT NULL,
  modality TEXT NOT NULL, format TEXT NOT NULL,
  verdict TEXT NOT NULL, reason_code TEXT NOT NULL, reason TEXT NOT NULL,
  split TEXT NOT NULL, dropped_because TEXT NOT NULL,
  volumes INTEGER NOT NULL, volume INTEGER,
  columns INTEGER, rows INTEGER, slices INTEGER,
  spacing_x REAL, spacing_y REAL, spacing_z REAL,
  origin_x REAL, origin_y REAL, origin_z REAL,
  direction TEXT,
  file_count INTEGER NOT NULL, files BLOB NOT NULL,
  facts TEXT NOT NULL,
  owner TEXT NOT NULL) WITHOUT ROWID;

CREATE INDEX series_by_owner ON series (owner);
CREATE INDEX series_by_patient ON series (patient);
CREATE INDEX series_by_study ON series (study);
CREATE INDEX series_in_split ON series (patient, split) WHERE split != '';
CREATE INDEX series_by_verdict ON series (verdict, reason_code);

CREATE TABLE issues (
  path BLOB NOT NULL, series TEXT NOT NULL, code INTEGER NOT NULL,
  reason_code TEXT NOT NULL, reason TEXT NOT NULL, advice TEXT NOT NULL,
  owner TEXT NOT NULL, PRIMARY KEY (path, series)) WITHOUT ROWID;

CREATE INDEX issues_by_owner ON issues (owner, reason_code);

CREATE TABLE folders (id INTEGER PRIMARY KEY AUTOINCREMENT, path BLOB NOT NULL UNIQUE);

CREATE TABLE chunks (
  id INTEGER PRIMARY KEY AUTOINCREMENT, folder INTEGER NOT NULL, start BLOB NOT NULL,
  file_count INTEGER NOT NULL, stamps BLOB NOT NULL, UNIQUE (folder, start));

CREATE TABLE parts (
  id INTEGER PRIMARY KEY, owner TEXT NOT NULL, chunk INTEGER NOT NULL, facts BLOB NOT NULL);

CREATE INDEX parts_by_owner ON parts (owner, chunk);
CREATE INDEX parts_by_chunk ON parts (chunk);

CREATE TABLE volume_files (
  id INTEGER PRIMARY KEY AUTOINCREMENT, folder INTEGER NOT NULL, name BLOB NOT NULL,
  stem BLOB NOT NULL, place BLOB, facts BLOB NOT NULL, UNIQUE (folder, name));

CREATE INDEX volume_files_by_stem ON volume_files (stem, folder);
CREATE INDEX volume_files_by_place ON volume_files (place);

CREATE TABLE dirty (owner TEXT PRIMARY KEY) WITHOUT ROWID;

CREATE TABLE reports (
  file BLOB NOT NULL, row INTEGER NOT NULL, study TEXT NOT NULL, series TEXT NOT NULL,
  characters INTEGER NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (file, row)) WITHOUT ROWID;

CREATE INDEX reports_by_study ON reports (study);

CREATE TABLE subsets (
  name TEXT PRIMARY KEY, expression TEXT NOT NULL, digest TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE subset_series (
  subset TEXT NOT NULL, key TEXT NOT NULL, digest TEXT NOT NULL,
  PRIMARY KEY (subset, key)) WITHOUT ROWID;

CREATE TABLE reductions (collection TEXT PRIMARY KEY, config TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE dropped_cases (
  collection TEXT NOT NULL, key TEXT NOT NULL, filter TEXT NOT NULL, kept TEXT NOT NULL,
  measure REAL NOT NULL, because TEXT NOT NULL, PRIMARY KEY (collection, key)) WITHOUT ROWID;

CREATE TABLE reduced_cases (
  collection TEXT NOT NULL, key TEXT NOT NULL, axis INTEGER NOT NULL, slices INTEGER NOT NULL,
  PRIMARY KEY (collection, key)) WITHOUT ROWID;

CREATE TABLE dropped_slices (
  collection TEXT NOT NULL, key TEXT NOT NULL, slice INTEGER NOT NULL, filter TEXT NOT NULL,
  kept_key TEXT NOT NULL, kept_slice INTEGER NOT NULL, measure REAL NOT NULL,
  PRIMARY KEY (collection, key, slice)) WITHOUT ROWID;

CREATE VIEW listing AS SELECT
  key, patient, study, modality, format, verdict, reason_code, reason, split, dropped_because,
  (verdict <> 'refuse' AND dropped_because = '') AS kept,
  volumes, columns, rows, slices, spacing_x, spacing_y, spacing_z, file_count AS files,
  json_extract(facts, '$.manufacturer') AS manufacturer,
  json_extract(facts, '$.model') AS model,
  json_extract(facts, '$.body_part') AS body_part,
  json_extract(facts, '$.kernel') AS kernel,
  json_extract(facts, '$.contrast') AS contrast,
  CAST(json_extract(facts, '$.thickness_mm') AS REAL) AS thickness_mm,
  CAST(json_extract(facts, '$.kvp') AS REAL) AS kvp,
  CAST(json_extract(facts, '$.tr_ms') AS REAL) AS tr_ms,
  CAST(json_extract(facts, '$.te_ms') AS REAL) AS te_ms,
  CAST(json_extract(facts, '$.field_strength_t') AS REAL) AS field_strength_t,
  facts
FROM series;

CREATE VIEW studies AS SELECT
  study, min(patient) AS patient,
  (SELECT group_concat(modality, ' ') FROM (SELECT DISTINCT modality FROM series AS other WHERE
    other.study = series.study AND modality <> '' ORDER BY modality)) AS modalities,
  count(*) AS series, sum(verdict <> 'refuse' AND dropped_because = '') AS kept,
  sum(file_count) AS files,
  (SELECT count(*) FROM reports WHERE reports.study = series.study) AS reports,
  max(split) AS split
FROM series GROUP BY study LIMIT -1;

CREATE VIEW volumes AS
WITH RECURSIVE numbers (n) AS (
  SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < (SELECT max(volumes) FROM series))
SELECT
  key, coalesce(volume, n) AS volume, patient, study, modality, format, split,
  (dropped_because = '') AS kept, columns, rows, slices, spacing_x, spacing_y, spacing_z
FROM series JOIN numbers ON n < volumes WHERE verdict <> 'refuse' LIMIT -1;

CREATE VIEW issue_list AS SELECT
  CAST(path AS TEXT) AS path,
  CASE code WHEN 2 THEN 'invalid-argument' WHEN 3 THEN 'nothing-found' WHEN 4 THEN 'unreadable'
    WHEN 5 THEN 'unsupported' WHEN 6 THEN 'partial' WHEN 7 THEN 'refused' WHEN 8 THEN 'resources'
    WHEN 9 THEN 'interrupted' ELSE 'internal' END AS kind,
  reason_code, reason, advice, series
FROM issues;

CREATE VIEW report_list AS SELECT
  reports.study, (SELECT patient FROM series WHERE series.study = reports.study LIMIT 1) AS patient,
  reports.series, CAST(file AS TEXT) AS file, row, characters, digest
FROM reports LIMIT -1;

CREATE VIEW dropped_list AS SELECT
  key, filter, kept, measure, because, collection FROM dropped_cases;

CREATE VIEW dropped_slice_list AS SELECT
  key, slice, filter, kept_key, kept_slice, measure, collection FROM dropped_slices;
)sql";

}  // namespace marrow
