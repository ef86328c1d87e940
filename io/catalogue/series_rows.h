#pragma once

#include <string>
#include <string_view>

#include <SQLiteCpp/SQLiteCpp.h>

#include "core/records.h"

namespace marrow {

// SeriesRecord <-> row of the table `series`, columns in this order.
inline constexpr std::string_view kSeriesColumns =
    "key, study, patient, modality, format, verdict, reason_code, reason, split, dropped_because, "
    "volumes, volume, columns, rows, "
    "slices, spacing_x, spacing_y, spacing_z, origin_x, origin_y, origin_z, direction, file_count, "
    "files, facts";
inline constexpr int kSeriesColumnCount = 25;

[[nodiscard]] SeriesRecord series_from_row(SQLite::Statement& row);
void bind_series(SQLite::Statement& statement, const SeriesRecord& record);

// For the tables `series` and `issues`; to be used inside a transaction. `owner`: what a row was
// made of (docs/formats/catalogue.md).
class SeriesWriter {
 public:
  explicit SeriesWriter(SQLite::Database& database);

  void add(const SeriesRecord& record, const std::string& owner);
  // `series`: the key of the refused series; empty for an issue of a file.
  void add(const Issue& issue, const std::string& series, const std::string& owner);

 private:
  SQLite::Statement series_, issue_;
};

[[nodiscard]] Issue issue_from_row(SQLite::Statement& row);
inline constexpr std::string_view kIssueColumns = "path, code, reason_code, reason, advice";

}  // namespace marrow
