#pragma once

#include <cstddef>
#include <string>

#include "clinical/report/html.h"
#include "clinical/report/reduction_input.h"

namespace marrow {

// The parts of the page of a reduction; each is empty when the input has nothing for it.

// Pairs by group, at most 24; fewer, the same number less in each group, to stay near `byte_limit`.
// At least one pair a group is shown.
[[nodiscard]] Html reduction_gallery(const ReductionInput& input, std::size_t byte_limit);
[[nodiscard]] Html reduction_data(const ReductionInput& input);
[[nodiscard]] Html reduction_curves(const ReductionInput& input);
[[nodiscard]] Html reduction_dropped(const ReductionInput& input);
[[nodiscard]] Html reduction_flags(const ReductionInput& input);
[[nodiscard]] Html reduction_concepts(const ReductionInput& input);

// "41.6 %"; "over 99.9 %" and "under 0.1 %" rather than a rounded all or nothing; an en dash
// without a whole.
[[nodiscard]] std::string share_text(std::int64_t part, std::int64_t whole);
// "1 slice", "34 118 slices".
[[nodiscard]] std::string counted_text(std::int64_t count,
                                       const std::string& one,
                                       const std::string& many);
// "41.2 GB", decimal units.
[[nodiscard]] std::string byte_text(std::int64_t bytes);

}  // namespace marrow
