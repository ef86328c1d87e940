#pragma once

#include <cstdint>

namespace marrow {

// Raw loops of instance_norm_act over one sample and a group of channels; the layout is told by two
// strides, so that one body serves contiguous [C, V] and channels-last [V, C] memory. Free of
// torch.
struct NormActShape {
  std::int64_t voxels = 0;
  std::int64_t channels = 0;        // of this group
  std::int64_t voxel_stride = 0;    // floats between voxels
  std::int64_t channel_stride = 0;  // floats between channels
  const bool* visible = nullptr;    // [voxels], or null
  float eps = 1e-5F;
  float slope = 0.01F;
};

// mean, rstd: [channels] out. residual may be null.
void norm_act_forward(const NormActShape& shape,
                      const float* x,
                      const float* gamma,
                      const float* beta,
                      const float* residual,
                      float* y,
                      float* mean,
                      float* rstd);

// Needs y for the side of the activation. dresidual may be null. dgamma, dbeta: [channels], this
// sample's share.
void norm_act_backward(const NormActShape& shape,
                       const float* dy,
                       const float* x,
                       const float* y,
                       const float* gamma,
                       const float* mean,
                       const float* rstd,
                       float* dx,
                       float* dresidual,
                       float* dgamma,
                       float* dbeta);

}  // namespace marrow
