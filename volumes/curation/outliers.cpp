#include "volumes/curation/outliers.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "core/error.h"

namespace marrow {

namespace {

// Of at least one value; of an even number the mean of the two in the middle.
double median_of(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) {
    return *middle;
  }
  return 0.5 * *std::max_element(values.begin(), middle) + 0.5 * *middle;
}

void check_outlier_input(std::span<const OutlierFeature> features,
                         std::span<const FeatureRecord> records,
                         const OutlierOptions& options) {
  if (!(std::isfinite(options.limit) && options.limit > 0) || options.min_group < 2) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("outliers: expected a limit above 0 and groups of 2 or more, found {} "
                            "and {}; correct the one out of range",
                            options.limit,
                            options.min_group));
  }
  for (const OutlierFeature& feature : features) {
    if (!(std::isfinite(feature.least_scale) && feature.least_scale >= 0)) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("outliers: expected a least scale of 0 or more, found {} of \"{}\"; "
                              "correct it",
                              feature.least_scale,
                              feature.name));
    }
  }
  if (features.empty() || records.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("outliers: expected at least one feature and one record, found {} and "
                            "{}; pass the whole table",
                            features.size(),
                            records.size()));
  }
  for (std::size_t place = 0; place < records.size(); ++place) {
    const std::vector<double>& values = records[place].values;
    if (values.size() != features.size() ||
        !std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); })) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("outliers: expected {} finite values in each record, found {} values "
                              "or one that is not finite in record {}; leave that record out",
                              features.size(),
                              values.size(),
                              place + 1));
    }
  }
}

struct Centre {
  double median = 0, scale = 0;
};

Centre centre_of(const std::vector<double>& values, double least_scale) {
  constexpr double kShareOfMedian = 0.01;
  const double median = median_of(values);
  std::vector<double> distances;
  distances.reserve(values.size());
  for (const double value : values) {
    distances.push_back(std::abs(value - median));
  }
  const double scale = 1.4826 * median_of(std::move(distances));
  return {median, std::max({scale, least_scale, kShareOfMedian * std::abs(median), 1e-9})};
}

}  // namespace

std::vector<Outlier> find_outliers(std::span<const OutlierFeature> features,
                                   std::span<const FeatureRecord> records,
                                   const OutlierOptions& options) {
  check_outlier_input(features, records, options);
  std::map<std::string, std::vector<std::size_t>> groups;
  for (std::size_t place = 0; place < records.size(); ++place) {
    groups[records[place].group].push_back(place);
  }
  std::vector<Outlier> outliers;
  for (std::size_t feature = 0; feature < features.size(); ++feature) {
    for (const auto& [group, places] : groups) {
      if (static_cast<std::int64_t>(places.size()) < options.min_group) {
        continue;
      }
      std::vector<double> values;
      for (const std::size_t place : places) {
        values.push_back(records[place].values[feature]);
      }
      const Centre centre = centre_of(values, features[feature].least_scale);
      for (std::size_t n = 0; n < places.size(); ++n) {
        const double z = (values[n] - centre.median) / centre.scale;
        if (std::abs(z) <= options.limit) {
          continue;
        }
        outliers.push_back({static_cast<std::int64_t>(places[n]),
                            records[places[n]].id,
                            features[feature].name,
                            values[n],
                            centre.median,
                            centre.scale,
                            z,
                            fmt::format("{} {:g} is {:.1f} robust deviations {} the median {:g} "
                                        "of {} {}",
                                        features[feature].name,
                                        values[n],
                                        std::abs(z),
                                        z > 0 ? "above" : "below",
                                        centre.median,
                                        places.size(),
                                        group)});
      }
    }
  }
  // Features came in order, and stay so among those of one record.
  std::stable_sort(outliers.begin(), outliers.end(), [](const Outlier& a, const Outlier& b) {
    return a.place < b.place;
  });
  return outliers;
}

}  // namespace marrow
