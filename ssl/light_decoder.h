#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include "models/encoder.h"
#include "models/layers/norm.h"
#include "ssl/reconstruction_decoder.h"

namespace marrow {

// SparK's decoder: densification of the encoder's maps (norm, mask token, projection), then blocks
// of transposed convolution 4 with stride 2, conv3-BN-ReLU6 and conv3-BN, each halving the width,
// skips added; a last 1x1 convolution.
//
// Maps are taken from the coarsest upwards, as many as the blocks can add (all of them when every
// stage halves the size).
class LightDecoder : public ReconstructionDecoder {
 public:
  struct Options {
    std::vector<Encoder::Stage>
        stages;  // finest first; the coarsest stride must be a power of two, equal on all axes
    int dimensions = 3;
    std::int64_t width = 64;  // d, of the coarsest level; a multiple of 2^blocks
    std::int64_t output_channels = 1;
    NormOptions densify_norm = NormKind::kInstance;  // the encoder's own
  };

  // Throws Error{kInvalidArgument} when the stages do not fit.
  explicit LightDecoder(const Options& options);

  [[nodiscard]] at::Tensor restore(const std::vector<at::Tensor>& maps,
                                   const Visibility& visible,
                                   at::IntArrayRef size) override;

 private:
  struct Level;
  struct Block;
  std::vector<std::shared_ptr<Level>> levels_;  // coarsest first
  std::vector<std::shared_ptr<Block>> blocks_;
  std::vector<int> level_of_block_;  // index into levels_, or -1: no skip at this size
  std::shared_ptr<torch::nn::Module> project_;
};

}  // namespace marrow
