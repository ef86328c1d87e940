#include "volumes/samplers/whole_case.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <vector>

#include <fmt/format.h>

#include "core/config/config.h"
#include "core/error.h"
#include "core/text.h"
#include "volumes/samplers/patch_plan.h"

namespace marrow {

namespace {

// Where a box may start along one axis.
struct StartRange {
  std::int64_t low = 0;
  std::int64_t centre = 0;
  std::int64_t high = 0;
};

StartRange start_range(std::int64_t centre, std::int64_t spare, double shift) {
  const std::int64_t lowest = std::min<std::int64_t>(0, spare);
  const std::int64_t highest = std::max<std::int64_t>(0, spare);
  const auto part = [shift](std::int64_t way) {
    return static_cast<std::int64_t>(std::llround(shift * static_cast<double>(way)));
  };
  return {centre - part(centre - lowest), centre, centre + part(highest - centre)};
}

// `kept`: ascending, not empty.
std::int64_t kept_start(const std::vector<std::int64_t>& kept, const StartRange& range, Rng& rng) {
  const auto first = std::lower_bound(kept.begin(), kept.end(), range.low);
  const auto last = std::upper_bound(first, kept.end(), range.high);
  if (first != last) {
    return first[rng.below(last - first)];
  }
  return *std::min_element(kept.begin(), kept.end(), [&range](std::int64_t a, std::int64_t b) {
    return std::abs(a - range.centre) < std::abs(b - range.centre);
  });
}

class WholeCaseSampler final : public Sampler {
 public:
  WholeCaseSampler(const WholeCaseOptions& options, const SamplerInput& input)
      : options_(options), plan_(WholeCaseOptions::kName, input) {
    if (options_.balance == "classes") {
      list_classes();
    }
  }

  [[nodiscard]] Patch patch(std::uint64_t position) const override {
    const std::int64_t index =
        classes_.empty() ? plan_.case_at(position) : balanced_case_at(position);
    Rng rng = plan_.rng(position);
    const Size3& grid = plan_.info(index).geometry.size;
    Box box = plan_.box_around(index,
                               {static_cast<std::int32_t>(grid[0] / 2),
                                static_cast<std::int32_t>(grid[1] / 2),
                                static_cast<std::int32_t>(grid[2] / 2)});
    const auto kept = plan_.input().kept_slices.find(index);
    const bool reduced =
        box.size[2] == 1 && kept != plan_.input().kept_slices.end() && !kept->second.empty();
    for (std::size_t axis = 0; axis < 3; ++axis) {
      const std::int64_t spare = grid[axis] - box.size[axis];
      const std::int64_t centre = spare >= 0 ? spare / 2 : box.start[axis];
      const StartRange range = start_range(centre, spare, options_.shift);
      box.start[axis] = axis == 2 && reduced ? kept_start(kept->second, range, rng)
                                             : range.low + rng.below(range.high - range.low + 1);
    }
    return plan_.patch(position, index, box);
  }

 private:
  [[nodiscard]] std::int64_t balanced_case_at(std::uint64_t position) const {
    const auto count = static_cast<std::uint64_t>(classes_.size());
    const std::uint64_t round = position / count;
    const std::uint64_t seed = plan_.input().seed;
    // In an order drawn anew for every round: with a fixed one, processes that share a batch could
    // each see classes of their own.
    const std::uint64_t chosen =
        permuted(position % count, count, derive_seed(seed, "classes", {round}));
    const std::vector<std::int64_t>& cases = classes_[static_cast<std::size_t>(chosen)];
    const auto members = static_cast<std::uint64_t>(cases.size());
    const std::uint64_t order = derive_seed(seed, "class", {chosen, round / members});
    return cases[static_cast<std::size_t>(permuted(round % members, members, order))];
  }

  void list_classes() {
    std::map<double, std::vector<std::int64_t>> by_class;
    for (const std::int64_t index : plan_.input().cases) {
      const StoredCase& info = plan_.info(index);
      if (info.targets.size() != 1 || !std::isfinite(info.targets.front())) {
        const std::string found =
            info.targets.empty() ? "none"
            : info.targets.size() == 1
                ? "an unknown one"
                : fmt::format("{} targets (multi-label)", info.targets.size());
        throw Error(ErrorCode::kInvalidArgument,
                    fmt::format("whole_case: balance: classes needs one class for every case, but "
                                "case \"{}\" has {}; set sampler.balance=none or leave it out",
                                printable(info.key),
                                found));
      }
      by_class[info.targets.front()].push_back(index);
    }
    for (auto& [value, cases] : by_class) {
      classes_.push_back(std::move(cases));
    }
  }

  WholeCaseOptions options_;
  PatchPlan plan_;
  std::vector<std::vector<std::int64_t>> classes_;  // cases of each; only of `balance: classes`
};

}  // namespace

std::unique_ptr<Sampler> make_whole_case(const ConfigSection& options, const SamplerInput& input) {
  return std::make_unique<WholeCaseSampler>(options.parse<WholeCaseOptions>(), input);
}

}  // namespace marrow
