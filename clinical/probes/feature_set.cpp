#include "clinical/probes/feature_set.h"

#include <algorithm>
#include <numeric>
#include <set>

#include <fmt/format.h>

#include "core/error.h"

namespace marrow {

namespace {

[[noreturn]] void refuse_features(const std::string& sentence) {
  throw Error(ErrorCode::kInvalidArgument, sentence);
}

void check_size(std::size_t found, std::size_t expected, std::string_view part, const char* what) {
  if (found != expected) {
    refuse_features(
        fmt::format("{}: expected one {} for each of the {} rows, found {}; give one per row",
                    part,
                    what,
                    expected,
                    found));
  }
}

void check_targets(const FeatureSet& set, std::string_view part) {
  for (std::size_t row = 0; row < set.labels.size(); ++row) {
    if (set.labels[row] < 0 || set.labels[row] >= set.classes) {
      refuse_features(
          fmt::format("{}: row {} has the label {}, expected 0 to {}; leave the row out or raise "
                      "the number of classes",
                      part,
                      row,
                      set.labels[row],
                      set.classes - 1));
    }
  }
  for (std::size_t row = 0; row < set.findings.size(); ++row) {
    const auto& found = set.findings[row];
    if (found.size() != static_cast<std::size_t>(set.classes) ||
        std::any_of(
            found.begin(), found.end(), [](int value) { return value != 0 && value != 1; })) {
      refuse_features(fmt::format(
          "{}: row {} must have {} findings of 0 or 1 each; leave out rows with unknown findings",
          part,
          row,
          set.classes));
    }
  }
}

bool has_contrast(const FeatureSet& train) {
  const auto n = train.rows();
  std::int64_t with_examples = 0;
  for (std::int64_t k = 0; k < train.classes; ++k) {
    std::size_t positives = 0;
    for (std::size_t row = 0; row < n; ++row) {
      positives += train.is_positive(row, k) ? 1 : 0;
    }
    with_examples += positives > 0 && (!train.multi_label() || positives < n) ? 1 : 0;
  }
  return with_examples >= (train.multi_label() ? 1 : 2);
}

}  // namespace

void check_features(const FeatureSet& set, std::string_view part) {
  if (set.features.rows() < 1 || set.features.cols() < 1 || set.classes < 1) {
    refuse_features(fmt::format(
        "{}: expected at least one row, column and class, found {} x {} and {} classes; "
        "give features of at least one labelled case",
        part,
        set.features.rows(),
        set.features.cols(),
        set.classes));
  }
  if (set.labels.empty() == set.findings.empty()) {
    refuse_features(fmt::format(
        "{}: expected either one label per row or findings, found {}; give one of the two",
        part,
        set.labels.empty() ? "neither" : "both"));
  }
  const std::size_t n = set.rows();
  check_size(set.multi_label() ? set.findings.size() : set.labels.size(), n, part, "label");
  check_size(set.keys.size(), n, part, "key");
  if (!set.patients.empty()) {
    check_size(set.patients.size(), n, part, "patient");
  }
  for (Eigen::Index row = 0; row < set.features.rows(); ++row) {
    if (!set.features.row(row).allFinite()) {
      refuse_features(
          fmt::format("{}: row {} has a value that is not finite; look at the encoder's output or "
                      "leave the case out",
                      part,
                      row));
    }
  }
  check_targets(set, part);
  if (std::set<std::string>(set.keys.begin(), set.keys.end()).size() != n) {
    refuse_features(fmt::format(
        "{}: expected {} different keys, found one twice; give each case once", part, n));
  }
}

void check_probe_sets(const FeatureSet& train, const FeatureSet& test) {
  check_features(train, "training features");
  check_features(test, "test features");
  if (train.features.cols() != test.features.cols() || train.classes != test.classes ||
      train.multi_label() != test.multi_label()) {
    refuse_features(
        fmt::format("probe: expected training and test features of one encoder and task, found {} "
                    "and {} columns, {} and {} classes; compute both alike",
                    train.features.cols(),
                    test.features.cols(),
                    train.classes,
                    test.classes));
  }
  if (!has_contrast(train)) {
    refuse_features(train.multi_label()
                        ? "training features: expected a finding that some rows have and others "
                          "have not, found none; add cases"
                        : "training features: expected examples of at least two classes, found "
                          "one class; add cases of another class");
  }
  const std::vector<std::string> known = patient_names(train);
  const std::set<std::string> seen(known.begin(), known.end());
  const std::vector<std::string> tested = patient_names(test);
  const auto leaked = std::count_if(
      tested.begin(), tested.end(), [&](const auto& name) { return seen.contains(name); });
  if (leaked > 0) {
    throw Error(
        ErrorCode::kRefused,
        fmt::format("probe: expected patients of the test features to be absent from the "
                    "training features, found {} rows of patients in both; split by patient",
                    leaked));
  }
}

FeatureSet select_rows(const FeatureSet& set, const std::vector<std::size_t>& rows) {
  FeatureSet chosen;
  chosen.features.resize(static_cast<Eigen::Index>(rows.size()), set.features.cols());
  chosen.classes = set.classes;
  Eigen::Index place = 0;
  for (const std::size_t row : rows) {
    chosen.features.row(place++) = set.features.row(static_cast<Eigen::Index>(row));
    if (set.multi_label()) {
      chosen.findings.push_back(set.findings[row]);
    } else {
      chosen.labels.push_back(set.labels[row]);
    }
    if (!set.patients.empty()) {
      chosen.patients.push_back(set.patients[row]);
    }
    chosen.keys.push_back(set.keys[row]);
  }
  return chosen;
}

std::vector<std::size_t> rows_by_key(const FeatureSet& set) {
  std::vector<std::size_t> rows(set.rows());
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  std::sort(rows.begin(), rows.end(), [&](std::size_t a, std::size_t b) {
    return set.keys[a] < set.keys[b];
  });
  return rows;
}

std::vector<std::string> patient_names(const FeatureSet& set) {
  std::vector<std::string> names = set.patients;
  names.resize(set.keys.size());
  for (std::size_t row = 0; row < names.size(); ++row) {
    if (names[row].empty()) {
      names[row] = "\x1f" + set.keys[row];  // no identifier of a patient holds control characters
    }
  }
  return names;
}

std::vector<std::vector<std::size_t>> rows_of_strata(const FeatureSet& set) {
  std::vector<std::vector<std::size_t>> strata(
      static_cast<std::size_t>(set.classes + (set.multi_label() ? 1 : 0)));
  for (std::size_t row = 0; row < set.keys.size(); ++row) {
    bool any = false;
    for (std::int64_t k = 0; k < set.classes; ++k) {
      if (set.is_positive(row, k)) {
        strata[static_cast<std::size_t>(k)].push_back(row);
        any = true;
      }
    }
    if (!any) {
      strata.back().push_back(row);
    }
  }
  return strata;
}

}  // namespace marrow
