#pragma once

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

}  // namespace marrow
