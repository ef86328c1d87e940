#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/case.h"
#include "core/records.h"

namespace marrow {

struct SplitOptions {
  std::array<double, 3> fractions{0.7, 0.15, 0.15};  // train, validation, test; >= 0, sum 1
  // "modality", "format", or the name of a fact: every value is spread over the parts in
  // proportion. Empty: none.
  std::string stratify;
  std::uint64_t seed = 17;
};

// Patient key -> "train" | "validation" | "test". A patient is never in two parts; the same
// patients, options and seed give the same answer in any order, and each part's size differs from
// its fraction by less than one patient per stratum. Throws Error{kInvalidArgument} on bad
// fractions or an unknown stratify key, Error{kNothingFound} without patients.
[[nodiscard]] std::map<std::string, std::string> split_patients(
    std::span<const SeriesRecord> series, const SplitOptions& options = {});

// Throws Error{kRefused} naming the keys of patients who are in more than one part.
void refuse_leak(std::span<const SeriesRecord> series);
void refuse_leak(std::span<const Case> cases);

}  // namespace marrow
