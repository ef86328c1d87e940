#pragma once

#include <optional>
#include <string>

#include <SQLiteCpp/SQLiteCpp.h>

#include "core/reduction.h"

namespace marrow {

// The tables `reductions`, `dropped_cases`, `reduced_cases` and `dropped_slices`, by collection.
// Throws SQLite::Exception.
void put_reduction(SQLite::Database& database,
                   const std::string& collection,
                   const std::optional<Reduction>& reduction);  // replaces; in a transaction
[[nodiscard]] std::optional<Reduction> reduction_of(SQLite::Database& database,
                                                    const std::string& collection);

}  // namespace marrow
