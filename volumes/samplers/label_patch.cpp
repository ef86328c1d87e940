#include "volumes/samplers/label_patch.h"

#include <cstdint>
#include <memory>

#include "core/config/config.h"
#include "volumes/samplers/patch_plan.h"

namespace marrow {

namespace {

class LabelPatchSampler final : public Sampler {
 public:
  LabelPatchSampler(const LabelPatchOptions& options, const SamplerInput& input)
      : options_(options), plan_(LabelPatchOptions::kName, input) {
    if (options.foreground > 0) {
      plan_.require_foreground();
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
    return plan_.patch(position, index, plan_.uniform_box(index, rng));
  }

 private:
  LabelPatchOptions options_;
  PatchPlan plan_;
};

}  // namespace

std::unique_ptr<Sampler> make_label_patch(const ConfigSection& options, const SamplerInput& input) {
  return std::make_unique<LabelPatchSampler>(options.parse<LabelPatchOptions>(), input);
}

}  // namespace marrow
