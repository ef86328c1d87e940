#include "volumes/samplers/body_patch.h"

#include <cstdint>
#include <memory>

#include "core/config/config.h"
#include "volumes/samplers/patch_plan.h"

namespace marrow {

namespace {

class BodyPatchSampler final : public Sampler {
 public:
  BodyPatchSampler(const BodyPatchOptions& options, const SamplerInput& input)
      : options_(options), plan_(BodyPatchOptions::kName, input) {}

  [[nodiscard]] Patch patch(std::uint64_t position) const override {
    const std::int64_t index = plan_.case_at(position);
    Rng rng = plan_.rng(position);
    if (rng.chance(options_.body)) {
      if (const auto voxel = plan_.body_voxel(index, rng)) {
        return plan_.patch(position, index, plan_.box_around(index, *voxel));
      }
    }
    return plan_.patch(position, index, plan_.uniform_box(index, rng));
  }

 private:
  BodyPatchOptions options_;
  PatchPlan plan_;
};

}  // namespace

std::unique_ptr<Sampler> make_body_patch(const ConfigSection& options, const SamplerInput& input) {
  return std::make_unique<BodyPatchSampler>(options.parse<BodyPatchOptions>(), input);
}

}  // namespace marrow
