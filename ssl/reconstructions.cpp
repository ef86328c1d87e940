#include "ssl/reconstructions.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/var.h>
#include <ATen/ops/where.h>

#include "ssl/patches.h"

namespace marrow {

std::vector<Reconstruction> reconstructions(const at::Tensor& x,
                                            const at::Tensor& restored,
                                            const Visibility& visible,
                                            at::IntArrayRef patch,
                                            bool normalised) {
  at::Tensor patches = restored;
  if (normalised) {
    // Back to the image's units with the true patch's mean and deviation, which is what the network
    // was asked for.
    const at::Tensor truth = patchify(x, patch);
    patches = patches * (at::var(truth, -1, true, true) + 1e-6).sqrt() + truth.mean(-1, true);
  }
  const at::Tensor image = unpatchify(patches, visible.grid().sizes().slice(2), patch, x.size(1));
  const at::Tensor& mask = visible.at_size(x.sizes().slice(2));
  const at::Tensor shown = at::where(mask, x, image);
  const at::Tensor masked = at::where(mask, x, x.amin());
  std::vector<Reconstruction> examples;
  for (std::int64_t row = 0; row < x.size(0); ++row) {
    examples.push_back(
        {x[row].cpu(), masked[row].cpu(), shown[row].cpu(), mask[row][0].logical_not().cpu()});
  }
  return examples;
}

}  // namespace marrow
