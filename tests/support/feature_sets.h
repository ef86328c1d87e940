#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "clinical/probes/feature_set.h"
#include "core/rng.h"

namespace marrow::testing_support {

inline FeatureMatrix feature_rows(std::initializer_list<std::initializer_list<float>> rows) {
  FeatureMatrix features(static_cast<Eigen::Index>(rows.size()),
                         static_cast<Eigen::Index>(rows.begin()->size()));
  Eigen::Index row = 0;
  for (const auto& values : rows) {
    Eigen::Index column = 0;
    for (const float value : values) {
      features(row, column++) = value;
    }
    ++row;
  }
  return features;
}

// Keys "PREFIX000", "PREFIX001", ...; no patients.
inline FeatureSet labelled_set(const FeatureMatrix& features,
                               const std::vector<std::int64_t>& labels,
                               std::int64_t classes,
                               const std::string& prefix = "case") {
  FeatureSet set;
  set.features = features;
  set.labels = labels;
  set.classes = classes;
  for (std::size_t row = 0; row < labels.size(); ++row) {
    set.keys.push_back(fmt::format("{}{:03}", prefix, row));
  }
  return set;
}

// Clouds of normal values around a point for each class; case n is of class n % classes, and of
// patient n / cases_of_patient.
inline FeatureSet clouds(std::int64_t cases,
                         std::int64_t classes,
                         std::int64_t columns,
                         double apart,
                         std::uint64_t seed,
                         const std::string& prefix = "case",
                         std::int64_t cases_of_patient = 1) {
  FeatureMatrix features(cases, columns);
  std::vector<std::int64_t> labels;
  Rng rng(seed);
  for (std::int64_t n = 0; n < cases; ++n) {
    labels.push_back(n % classes);
    for (std::int64_t column = 0; column < columns; ++column) {
      const double centre = column % classes == n % classes ? apart : 0.0;
      features(n, column) = static_cast<float>(centre + rng.normal());
    }
  }
  FeatureSet set = labelled_set(features, labels, classes, prefix);
  for (std::int64_t n = 0; n < cases; ++n) {
    set.patients.push_back(fmt::format("{}-patient{:03}", prefix, n / cases_of_patient));
  }
  return set;
}

}  // namespace marrow::testing_support
