#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace marrow {

// A column of the table. The scale is at least `least_scale` (0 or more), 1 % of the group's
// |median| and 1e-9, so that a feature which most of a group shares exactly does not make every
// other value infinitely far.
struct OutlierFeature {
  std::string name;
  double least_scale = 0;
};

// One volume of a table of features: sizes, spacings, mean, sd, share of air, ...
struct FeatureRecord {
  std::string id;
  std::string group;           // volumes that can be compared with each other: the modality
  std::vector<double> values;  // one a feature, finite
};

struct OutlierOptions {
  double limit = 6;            // of |z|, > 0
  std::int64_t min_group = 8;  // smaller groups give none, >= 2
};

struct Outlier {
  std::int64_t place = 0;  // in the records
  std::string id, feature;
  double value = 0, median = 0, scale = 0;
  double z = 0;        // (value - median) / scale
  std::string reason;  // "spacing_k 12 is 8.3 robust deviations above the median 1.5 of 40 CT"
};

// Values far from their group: those whose robust z-score, (value - median) / (1.4826 MAD), exceeds
// the limit in magnitude. MAD is the median distance from the median; 1.4826 makes it the standard
// deviation of a normal law. Half of a group may be odd before its odd ones count as usual;
// features with a long tail (voxel counts, doses) are best given as logarithms. In the order of
// records, then of features; the order of records changes nothing else.
//
// Throws Error{kInvalidArgument} for no records, no features, a record with another number of
// values than there are names, values that are not finite, and options out of range.
//
// Source: Leys et al. 2013 (median absolute deviation); the floors are ours.
[[nodiscard]] std::vector<Outlier> find_outliers(std::span<const OutlierFeature> features,
                                                 std::span<const FeatureRecord> records,
                                                 const OutlierOptions& options = {});

}  // namespace marrow
