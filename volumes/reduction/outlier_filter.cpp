#include "volumes/reduction/outlier_filter.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include <fmt/format.h>

#include "volumes/curation/outliers.h"

namespace marrow {

namespace {

// Counts and lengths as logarithms, since their tails are long. Where a whole archive shares one
// protocol, 12 % more of a count or length and 0.1 of a share are one deviation.
const std::vector<OutlierFeature>& outlier_features() {
  static const std::vector<OutlierFeature> features{{"log10 of the voxels", 0.05},
                                                    {"log10 of the slices", 0.05},
                                                    {"log10 of the slice spacing in mm", 0.05},
                                                    {"log10 of the pixel spacing in mm", 0.05},
                                                    {"the mean", 0},
                                                    {"the standard deviation", 0},
                                                    {"the share of the smallest value", 0.1}};
  return features;
}

std::vector<double> feature_values(const CaseFingerprint& found) {
  const auto axis = static_cast<std::size_t>(found.axis);
  const double slice_mm = found.spacing_mm[axis];
  const double pixel_mm =
      std::sqrt(found.spacing_mm[(axis + 1) % 3] * found.spacing_mm[(axis + 2) % 3]);
  return {std::log10(static_cast<double>(found.voxels)),
          std::log10(static_cast<double>(found.size())),
          std::log10(slice_mm),
          std::log10(pixel_mm),
          found.mean,
          found.deviation,
          found.empty_share};
}

class OutlierFilter final : public VolumeFilter {
 public:
  explicit OutlierFilter(const OutlierFilterOptions& options) : options_(options) {}

  [[nodiscard]] std::vector<VolumeDrop> drops(const VolumeFilterInput& input) const override {
    if (input.order.empty()) {
      return {};
    }
    std::vector<FeatureRecord> records;
    for (const std::size_t n : input.order) {
      const ReductionItem& item = input.items[n];
      const std::string_view modality = modality_name(item.one.modality);
      records.push_back({item.one.key,
                         modality.empty() ? "volumes" : std::string(modality),
                         feature_values(item.fingerprint)});
    }
    std::map<std::int64_t, std::vector<Outlier>> of_record;
    for (Outlier& outlier :
         find_outliers(outlier_features(),
                       records,
                       {.limit = options_.limit, .min_group = options_.fewest})) {
      of_record[outlier.place].push_back(std::move(outlier));
    }
    std::vector<VolumeDrop> drops;
    for (const auto& [place, outliers] : of_record) {
      const std::size_t n = input.order[static_cast<std::size_t>(place)];
      if (!may_go_alone(input.items[n])) {
        continue;
      }
      const auto farthest = std::max_element(
          outliers.begin(), outliers.end(), [](const Outlier& a, const Outlier& b) {
            return std::abs(a.z) < std::abs(b.z);
          });
      drops.push_back({n,
                       std::nullopt,
                       farthest->z,
                       farthest->reason + (outliers.size() == 1
                                               ? std::string()
                                               : fmt::format(", and {} more of its facts are far",
                                                             outliers.size() - 1))});
    }
    return drops;
  }

  [[nodiscard]] std::string threshold_text() const override {
    return fmt::format("{:g} robust deviations", options_.limit);
  }

 private:
  OutlierFilterOptions options_;
};

}  // namespace

std::unique_ptr<VolumeFilter> make_outlier(const ConfigSection& options) {
  return std::make_unique<OutlierFilter>(options.parse<OutlierFilterOptions>());
}

}  // namespace marrow
