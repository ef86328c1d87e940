#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "models/layers/visibility.h"
#include "ssl/ssl_method.h"

namespace marrow {

// Pictures of what a method restored, one for each image of x [B, C, spatial...]: the restored
// patches at the hidden places, the image itself elsewhere.
//
// restored: [B, L, V] as patchify gives them; normalised: in units of each true patch's own mean
// and deviation. visible: one cell a patch; patch: voxels, one number per axis or one for all.
[[nodiscard]] std::vector<Reconstruction> reconstructions(const at::Tensor& x,
                                                          const at::Tensor& restored,
                                                          const Visibility& visible,
                                                          at::IntArrayRef patch,
                                                          bool normalised);

}  // namespace marrow
