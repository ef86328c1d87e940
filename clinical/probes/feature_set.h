#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <Eigen/Core>

#include "clinical/metrics/classification.h"

namespace marrow {

using FeatureMatrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// Features of a frozen encoder, one row per case, and what is known about the cases. Either
// `labels` or `findings` is filled; the other one stays empty.
struct FeatureSet {
  FeatureMatrix features;            // [N x D], finite
  std::int64_t classes = 0;          // K: classes 0 .. K-1, or number of findings
  std::vector<std::int64_t> labels;  // N: the one class of each case
  TargetTable findings;              // [N x K] of 0 or 1: several findings per case
  // N names, or none at all. A case without a name (or "") counts as a patient of its own.
  std::vector<std::string> patients;
  std::vector<std::string> keys;  // N, each once

  [[nodiscard]] std::size_t rows() const { return static_cast<std::size_t>(features.rows()); }

  [[nodiscard]] bool multi_label() const { return !findings.empty(); }

  [[nodiscard]] bool is_positive(std::size_t row, std::int64_t k) const {
    return multi_label() ? findings[row][static_cast<std::size_t>(k)] != 0 : labels[row] == k;
  }
};

// Throws Error{kInvalidArgument} unless sizes agree, values are finite, labels lie in range and
// keys are unique. `part` names the set in the sentence: "training features".
void check_features(const FeatureSet& set, std::string_view part);

// Both sets, and that they go together: the same D, K and kind of labels, at least two classes with
// training examples (one finding with both a positive and a negative one). A patient in both parts
// is Error{kRefused}: test cases would be recognised rather than diagnosed.
//
// A class of the test part without any training example is allowed: probes give it the score 0, and
// its cases count as wrong.
void check_probe_sets(const FeatureSet& train, const FeatureSet& test);

// The rows of `set` in this order.
[[nodiscard]] FeatureSet select_rows(const FeatureSet& set, const std::vector<std::size_t>& rows);

[[nodiscard]] std::vector<std::size_t> rows_by_key(const FeatureSet& set);

// The patient of each row; a name of its own, which no patient has, where it is not known.
[[nodiscard]] std::vector<std::string> patient_names(const FeatureSet& set);

// What sampling balances: for each stratum its rows, in their order. Strata are the classes; for
// findings those who have it (a row may be in several), and one more, K, of rows without any.
[[nodiscard]] std::vector<std::vector<std::size_t>> rows_of_strata(const FeatureSet& set);

}  // namespace marrow
