#pragma once

#include <memory>
#include <vector>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include "core/registry.h"
#include "models/encoder.h"

namespace marrow {

class Head : public torch::nn::Module {
 public:
  // features: the encoder's maps, finest first. Segmentation: [B, classes, D, H, W] (2D: [B,
  // classes, H, W]) on the grid of the input. Raw logits; no softmax or sigmoid inside. In training
  // mode a segmentation head may return further, coarser maps after the first (deep supervision);
  // in eval mode exactly one.
  [[nodiscard]] virtual std::vector<at::Tensor> logits(const std::vector<at::Tensor>& features,
                                                       at::IntArrayRef input_size) = 0;
};

// What a head is built for.
struct HeadInput {
  std::vector<Encoder::Stage> stages;
  int dimensions = 3;
  std::int64_t classes = 2;
};

using HeadFactory = std::function<std::shared_ptr<Head>(const ConfigSection&, const HeadInput&)>;
using Heads = Registry<HeadFactory>;

// unet_decoder, unetr_decoder
void add_builtin_heads(Heads& heads);

}  // namespace marrow
