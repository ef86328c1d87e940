#include "volumes/samplers/slice.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/config/config.h"
#include "core/error.h"
#include "volumes/samplers/patch_plan.h"

namespace marrow {

namespace {

class SliceSampler final : public Sampler {
 public:
  SliceSampler(const SliceOptions& options, const SamplerInput& input)
      : options_(options), plan_(SliceOptions::kName, input) {
    if (input.patch_size[2] != 1) {
      throw Error(ErrorCode::kInvalidArgument,
                  "slice: expected patches one voxel thick along k, found a patch size of " +
                      std::to_string(input.patch_size[2]) +
                      " there; use uniform_patch, body_patch or label_patch for 3D");
    }
    if (options_.each == "slice") {
      list_slices();
    }
  }

  [[nodiscard]] Patch patch(std::uint64_t position) const override {
    Rng rng = plan_.rng(position);
    if (!slices_.empty()) {
      const auto count = static_cast<std::uint64_t>(slices_.size());
      const std::uint64_t order = derive_seed(plan_.input().seed, "epoch", {position / count});
      const auto [index, slice] =
          slices_[static_cast<std::size_t>(permuted(position % count, count, order))];
      Box box = plan_.uniform_box(index, rng);
      box.start[2] = slice;
      return plan_.patch(position, index, box);
    }
    const std::int64_t index = plan_.case_at(position);
    Box box = drawn_box(index, rng);
    const auto kept = plan_.input().kept_slices.find(index);
    if (kept != plan_.input().kept_slices.end() && !kept->second.empty() &&
        !std::binary_search(kept->second.begin(), kept->second.end(), box.start[2])) {
      box.start[2] = kept->second[static_cast<std::size_t>(
          rng.below(static_cast<std::int64_t>(kept->second.size())))];
    }
    return plan_.patch(position, index, box);
  }

 private:
  [[nodiscard]] Box drawn_box(std::int64_t index, Rng& rng) const {
    if (rng.chance(options_.foreground)) {
      if (const auto voxel = plan_.foreground_voxel(index, rng)) {
        return plan_.box_around(index, *voxel);
      }
    }
    if (rng.chance(options_.body)) {
      if (const auto voxel = plan_.body_voxel(index, rng)) {
        return plan_.box_around(index, *voxel);
      }
    }
    return plan_.uniform_box(index, rng);
  }

  // Every slice that is left of every case.
  void list_slices() {
    for (const std::int64_t index : plan_.input().cases) {
      const auto kept = plan_.input().kept_slices.find(index);
      if (kept != plan_.input().kept_slices.end()) {
        for (const std::int64_t slice : kept->second) {
          slices_.emplace_back(index, slice);
        }
        continue;
      }
      for (std::int64_t slice = 0; slice < plan_.info(index).geometry.size[2]; ++slice) {
        slices_.emplace_back(index, slice);
      }
    }
    if (slices_.empty()) {
      throw Error(ErrorCode::kNothingFound,
                  "slice: no slice is left of any case; take the reduction back with "
                  "`marrow reduce --undo`");
    }
  }

  SliceOptions options_;
  PatchPlan plan_;
  std::vector<std::pair<std::int64_t, std::int64_t>> slices_;  // case and k; only of `each: slice`
};

}  // namespace

std::unique_ptr<Sampler> make_slice(const ConfigSection& options, const SamplerInput& input) {
  return std::make_unique<SliceSampler>(options.parse<SliceOptions>(), input);
}

}  // namespace marrow
