#include "volumes/samplers/slice.h"

#include <cstdint>
#include <memory>
#include <string>

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
  }

  [[nodiscard]] Patch patch(std::uint64_t position) const override {
    const std::int64_t index = plan_.case_at(position);
    Rng rng = plan_.rng(position);
    if (rng.chance(options_.foreground)) {
      if (const auto voxel = plan_.foreground_voxel(index, rng)) {
        return plan_.patch(position, index, plan_.box_around(index, *voxel));
      }
    }
    if (rng.chance(options_.body)) {
      if (const auto voxel = plan_.body_voxel(index, rng)) {
        return plan_.patch(position, index, plan_.box_around(index, *voxel));
      }
    }
    return plan_.patch(position, index, plan_.uniform_box(index, rng));
  }

 private:
  SliceOptions options_;
  PatchPlan plan_;
};

}  // namespace

std::unique_ptr<Sampler> make_slice(const ConfigSection& options, const SamplerInput& input) {
  return std::make_unique<SliceSampler>(options.parse<SliceOptions>(), input);
}

}  // namespace marrow
