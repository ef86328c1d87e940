#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/records.h"
#include "io/catalogue/select.h"

namespace marrow {

// Series for the terminal, as CSV, and as the answer of `list --json`.
[[nodiscard]] std::string list_table(const std::vector<SeriesRecord>& records);
[[nodiscard]] std::string list_csv(const std::vector<SeriesRecord>& records);
[[nodiscard]] nlohmann::json list_json(const std::vector<SeriesRecord>& records);

// Rows of any other list of the catalogue; `columns` are the cells' names.
[[nodiscard]] std::string rows_table(const std::vector<std::string>& columns,
                                     const std::vector<std::vector<Cell>>& rows);
[[nodiscard]] std::string rows_csv(const std::vector<std::string>& columns,
                                   const std::vector<std::vector<Cell>>& rows);
// An array of objects.
[[nodiscard]] nlohmann::json rows_json(const std::vector<std::string>& columns,
                                       const std::vector<std::vector<Cell>>& rows);

}  // namespace marrow
