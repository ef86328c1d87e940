#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include "models/layers/linear.h"
#include "models/layers/position_embedding.h"
#include "models/layers/token_norm.h"
#include "models/layers/transformer_block.h"

namespace marrow {

// MAE's decoder: a linear layer to its own width, a learned mask token at the hidden places, fixed
// positions, transformer blocks, norm, and a linear layer to the voxels of a patch. Parameters
// "embed", "mask_token", "blocks.N", "norm" and "pred".
class MaeDecoder : public torch::nn::Module {
 public:
  struct Options {
    std::int64_t encoder_width = 384;
    bool class_token = true;  // whether the encoder's first token is one
    std::int64_t width = 384;
    std::int64_t depth = 2;
    std::int64_t heads = 16;
    std::int64_t outputs = 256;  // values of a patch, all channels
  };

  // Throws Error{kInvalidArgument} when the heads do not divide the width.
  explicit MaeDecoder(const Options& options);

  // latent: [B, (1 +) K, encoder_width], what the encoder made of the kept patches. restore: [B, L]
  // int64, see TokenMask. grid: patches per axis, L in all. Returns [B, L, outputs].
  [[nodiscard]] at::Tensor forward(const at::Tensor& latent,
                                   const at::Tensor& restore,
                                   at::IntArrayRef grid);

 private:
  bool class_token_;
  FixedPositions positions_;
  at::Tensor mask_token_;
  std::shared_ptr<Linear> embed_;
  std::vector<std::shared_ptr<TransformerBlock>> blocks_;
  std::shared_ptr<TokenNorm> norm_;
  std::shared_ptr<Linear> pred_;
};

}  // namespace marrow
