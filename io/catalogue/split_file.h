#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "core/records.h"

namespace marrow {

// A split made by hand: CSV text with a header that names `split` and `key` (of a series) or
// `patient`, or both, as `marrow list --format csv` prints them; other columns do not count. Rows
// with an empty split say nothing. Patient key -> "train" | "validation" | "test".
//
// `file` is for messages. Throws Error{kInvalidArgument} that names keys which `series` does not
// hold, a missing column or another word than the three, Error{kRefused} that names patients in two
// parts, Error{kNothingFound} when no row has a split, Error{kUnreadable} on an open quote.
[[nodiscard]] std::map<std::string, std::string> splits_from_csv(
    std::string_view text, const std::filesystem::path& file, std::span<const SeriesRecord> series);

}  // namespace marrow
