#include "volumes/samplers/uniform_patch.h"

#include <cstdint>
#include <memory>

#include "core/config/config.h"
#include "volumes/samplers/patch_plan.h"

namespace marrow {

namespace {

class UniformPatchSampler final : public Sampler {
 public:
  UniformPatchSampler(const UniformPatchOptions&, const SamplerInput& input)
      : plan_(UniformPatchOptions::kName, input) {}

  [[nodiscard]] Patch patch(std::uint64_t position) const override {
    const std::int64_t index = plan_.case_at(position);
    Rng rng = plan_.rng(position);
    return plan_.patch(position, index, plan_.uniform_box(index, rng));
  }

 private:
  PatchPlan plan_;
};

}  // namespace

std::unique_ptr<Sampler> make_uniform_patch(const ConfigSection& options,
                                            const SamplerInput& input) {
  return std::make_unique<UniformPatchSampler>(options.parse<UniformPatchOptions>(), input);
}

}  // namespace marrow
