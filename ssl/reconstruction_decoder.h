#pragma once

#include <vector>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include "models/layers/visibility.h"

namespace marrow {

// What restores a patch from the maps of an encoder that saw a part of it.
class ReconstructionDecoder : public torch::nn::Module {
 public:
  // maps: the encoder's, finest first, 0 at hidden positions. Returns [B, channels, spatial...] on
  // the grid `size` of the input.
  [[nodiscard]] virtual at::Tensor restore(const std::vector<at::Tensor>& maps,
                                           const Visibility& visible,
                                           at::IntArrayRef size) = 0;

  // The part that a segmentation may start from, in the names of its head; null when there is none.
  [[nodiscard]] virtual std::shared_ptr<torch::nn::Module> head() const { return nullptr; }
};

}  // namespace marrow
