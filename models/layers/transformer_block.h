#pragma once

#include <cstdint>
#include <memory>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include "models/layers/attention.h"
#include "models/layers/linear.h"
#include "models/layers/token_norm.h"

namespace marrow {

// The stream of tokens between two blocks, [B, N, width]: stream + branch. The last block's branch
// joins the stream in the norm that reads both.
struct TokenStream {
  at::Tensor stream;
  at::Tensor branch;  // undefined: none

  [[nodiscard]] at::Tensor tokens() const;
};

// One block of a vision transformer, norms first: x + attention(norm(x)), then x + mlp(norm(x))
// with an exact GELU between two linear layers of four times the width. Names are timm's: norm1,
// attn.qkv, attn.proj, ls1.gamma, norm2, mlp.fc1, mlp.fc2, ls2.gamma (gammas only with layer
// scale).
//
// Source: Dosovitskiy et al. 2021 (ViT); layer scale: Touvron et al. 2021 (CaiT).
class TransformerBlock : public torch::nn::Module {
 public:
  struct Options {
    std::int64_t width = 384;
    std::int64_t heads = 6;
    double drop_path = 0;    // chance that a branch of a sample is left out in training
    double layer_scale = 0;  // first value of a factor per channel on each branch; 0: none
  };

  explicit TransformerBlock(const Options& options);

  [[nodiscard]] TokenStream forward(const TokenStream& x) const;

 private:
  [[nodiscard]] at::Tensor scaled(const at::Tensor& branch, const at::Tensor& gamma) const;

  double drop_path_;
  std::shared_ptr<TokenNorm> norm1_;
  std::shared_ptr<Attention> attention_;
  at::Tensor gamma1_;
  std::shared_ptr<TokenNorm> norm2_;
  std::shared_ptr<Linear> fc1_;
  std::shared_ptr<Linear> fc2_;
  at::Tensor gamma2_;
};

}  // namespace marrow
