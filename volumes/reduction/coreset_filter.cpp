#include "volumes/reduction/coreset_filter.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/error.h"
#include "volumes/curation/coreset.h"

namespace marrow {

namespace {

// What there is to choose from, in the order of preference.
struct Pool {
  std::vector<std::size_t> items;
  std::vector<float> values;
  std::vector<std::string> ids, patients;
};

class CoresetFilter final : public VolumeFilter {
 public:
  explicit CoresetFilter(const CoresetFilterOptions& options) : options_(options) {
    if (options.budget > 0 && options.share > 0) {
      throw Error(ErrorCode::kInvalidArgument,
                  "coreset: expected a budget or a share, found both; give one of them");
    }
  }

  [[nodiscard]] VolumeNeeds needs() const override { return {.vectors = true, .target = true}; }

  [[nodiscard]] std::vector<VolumeDrop> drops(const VolumeFilterInput& input) const override {
    const Pool pool = pool_of(input);
    if (pool.items.empty()) {
      if (!input.order.empty()) {
        warn_that_all_stay(CoresetFilterOptions::kName);
      }
      return {};
    }
    const UnitRows features{pool.values, input.target.dimensions};
    const CoresetResult result = choose_coreset(
        input.target, {features, pool.ids, pool.patients}, algorithm_options(pool.items.size()));
    std::vector<bool> chosen(pool.items.size(), false);
    for (const CoresetPick& pick : result.picks) {
      chosen[static_cast<std::size_t>(pick.place)] = true;
    }
    const UnitRows centroids{result.centroids, input.target.dimensions};
    std::vector<VolumeDrop> drops;
    for (std::size_t n = 0; n < pool.items.size(); ++n) {
      if (!chosen[n]) {
        drops.push_back(drop_of(pool.items[n], features.row(std::int64_t(n)), centroids));
      }
    }
    return drops;
  }

  [[nodiscard]] std::string threshold_text() const override {
    return options_.budget > 0 ? fmt::format("{} volumes", options_.budget)
           : options_.share > 0
               ? fmt::format("{:g} % of the volumes", 100 * options_.share)
               : fmt::format(
                     "{:g} of the gain of round {}", options_.stop_ratio, options_.stop_round);
  }

 private:
  [[nodiscard]] Pool pool_of(const VolumeFilterInput& input) const {
    const Reported reported = options_.thin_reported ? Reported::kMayGo : Reported::kStay;
    Pool pool;
    for (const std::size_t n : input.order) {
      const ReductionItem& item = input.items[n];
      if (!may_go_alone(item, reported)) {
        continue;
      }
      const std::span<const float> vector = item.vectors.volume;
      if (static_cast<std::int64_t>(vector.size()) != input.target.dimensions) {
        throw Error(ErrorCode::kInvalidArgument,
                    fmt::format("coreset: expected features of one encoder, found {} for each "
                                "volume of the target and {} for \"{}\"; run `marrow embed` with "
                                "the same run for both",
                                input.target.dimensions,
                                vector.size(),
                                item.one.key));
      }
      pool.items.push_back(n);
      pool.values.insert(pool.values.end(), vector.begin(), vector.end());
      pool.ids.push_back(item.one.key);
      // Where patients are not known each case counts as its own.
      pool.patients.push_back(item.one.patient.empty() ? "case " + item.one.key : item.one.patient);
    }
    return pool;
  }

  [[nodiscard]] CoresetOptions algorithm_options(std::size_t pool) const {
    CoresetOptions made;
    made.centroids = options_.centroids;
    made.budget =
        options_.share > 0
            ? std::max<std::int64_t>(1, std::llround(options_.share * static_cast<double>(pool)))
            : options_.budget;
    made.stop_ratio = options_.stop_ratio;
    made.stop_round = options_.stop_round;
    made.per_target = options_.per_target;
    made.per_patient = options_.per_patient;
    made.seed = static_cast<std::uint64_t>(options_.seed);
    return made;
  }

  [[nodiscard]] static VolumeDrop drop_of(std::size_t item,
                                          std::span<const float> vector,
                                          const UnitRows& centroids) {
    float nearest = -1;
    for (std::int64_t n = 0; n < centroids.count(); ++n) {
      nearest = std::max(nearest, unit_cosine(vector, centroids.row(n)));
    }
    return {item,
            std::nullopt,
            nearest,
            fmt::format("not among those chosen for the target set: cosine {:.4f} to the nearest "
                        "of its centroids",
                        nearest)};
  }

  CoresetFilterOptions options_;
};

}  // namespace

std::unique_ptr<VolumeFilter> make_coreset(const ConfigSection& options) {
  return std::make_unique<CoresetFilter>(options.parse<CoresetFilterOptions>());
}

}  // namespace marrow
