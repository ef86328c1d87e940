#pragma once

namespace marrow {

// Bumped with every change of the tables; the file carries it as SQLite's user_version.
inline constexpr int kCatalogueVersion = 2;
inline constexpr int kCatalogueApplicationId = 0x4D524357;  // "MRCW"

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
  facts TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE issues (
  number INTEGER PRIMARY KEY, path BLOB NOT NULL, code INTEGER NOT NULL,
  reason_code TEXT NOT NULL, reason TEXT NOT NULL, advice TEXT NOT NULL);

CREATE TABLE headers (id INTEGER PRIMARY KEY, facts TEXT NOT NULL);

CREATE TABLE files (
  path BLOB PRIMARY KEY, size INTEGER NOT NULL, modified_ns INTEGER NOT NULL, inode INTEGER NOT NULL,
  series TEXT NOT NULL, header INTEGER NOT NULL, own TEXT NOT NULL) WITHOUT ROWID;

CREATE INDEX files_by_series ON files (series, path);

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
)sql";

}  // namespace marrow
