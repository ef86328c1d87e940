#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include "core/registry.h"

namespace marrow {

class Visibility;
struct NormOptions;

class Encoder : public torch::nn::Module {
 public:
  struct Stage {
    std::int64_t channels = 0;
    std::vector<std::int64_t>
        stride;  // of the stage's map against the input, one per spatial axis (D, H, W)
  };

  // x: [B, C, D, H, W] float, or [B, C, H, W] for a 2D encoder. One map [B, channels,
  // size/stride...] per stage, finest first.
  [[nodiscard]] virtual std::vector<at::Tensor> features(const at::Tensor& x) = 0;
  [[nodiscard]] virtual const std::vector<Stage>& stages() const = 0;
  [[nodiscard]] virtual std::int64_t input_channels() const = 0;
  [[nodiscard]] virtual int dimensions() const = 0;  // 2 or 3

  // [B, channels of the last stage]: what a linear head sees of each sample. By default the mean
  // over the positions of the last map.
  [[nodiscard]] virtual at::Tensor pooled(const at::Tensor& x);
};

// An encoder that can be kept from seeing hidden voxels (SparK): every convolution, norm and pool
// works as if the hidden cells did not exist. The same parameters as the dense network, under the
// same names.
class MaskableEncoder : public Encoder {
 public:
  [[nodiscard]] virtual std::vector<at::Tensor> features(const at::Tensor& x,
                                                         const Visibility* visible) = 0;

  // The norm of its layers; a decoder that works on its masked maps uses the same.
  [[nodiscard]] virtual NormOptions norm() const = 0;

  [[nodiscard]] std::vector<at::Tensor> features(const at::Tensor& x) final {
    return features(x, nullptr);
  }
};

using EncoderFactory = std::function<std::shared_ptr<Encoder>(const ConfigSection&)>;
using Encoders = Registry<EncoderFactory>;

// convnext, resenc_unet, resnet, vit
void add_builtin_encoders(Encoders& encoders);

}  // namespace marrow
