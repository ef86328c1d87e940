#pragma once

#include <nlohmann/json_fwd.hpp>

#include "core/records.h"

namespace marrow {

// The answer of `marrow list --json` for one series: key, patient, study, modality, size [i,j,k],
// spacing_mm, origin_mm, direction (9 numbers, row by row: LPS axis by grid axis), volumes, volume
// (null: all in the files), files (their number), verdict, reason, split, kept, dropped_because;
// also format, reason_code and facts. Grid keys are null where no grid could be made.
[[nodiscard]] nlohmann::json series_json(const SeriesRecord& record);

// One line of issues.jsonl: path, code (the reason code), kind ("unreadable", ...), reason, advice.
[[nodiscard]] nlohmann::json issue_json(const Issue& issue);

// Used and not dropped.
[[nodiscard]] bool is_kept(const SeriesRecord& record);

}  // namespace marrow
