#include "models/layers/transformer_block.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/gelu.h>

#include "models/layers/drop_path.h"

namespace marrow {

TransformerBlock::TransformerBlock(const Options& options) : drop_path_(options.drop_path) {
  const auto scale = [&](const char* name) {
    return options.layer_scale == 0
               ? at::Tensor()
               : register_module(name, std::make_shared<torch::nn::Module>())
                     ->register_parameter("gamma", at::full({options.width}, options.layer_scale));
  };
  norm1_ = register_module("norm1", std::make_shared<TokenNorm>(options.width));
  attention_ = register_module("attn", std::make_shared<Attention>(options.width, options.heads));
  gamma1_ = scale("ls1");
  norm2_ = register_module("norm2", std::make_shared<TokenNorm>(options.width));
  const auto mlp = register_module("mlp", std::make_shared<torch::nn::Module>());
  fc1_ = mlp->register_module("fc1", std::make_shared<Linear>(options.width, 4 * options.width));
  fc2_ = mlp->register_module("fc2", std::make_shared<Linear>(4 * options.width, options.width));
  gamma2_ = scale("ls2");
}

at::Tensor TokenStream::tokens() const {
  return branch.defined() ? stream + branch : stream;
}

at::Tensor TransformerBlock::scaled(const at::Tensor& branch, const at::Tensor& gamma) const {
  return drop_path(gamma.defined() ? branch * gamma : branch, drop_path_, is_training());
}

TokenStream TransformerBlock::forward(const TokenStream& x) const {
  const NormedSum first = norm1_->of_sum(x.stream, x.branch);
  const NormedSum second =
      norm2_->of_sum(first.sum, scaled(attention_->forward(first.normed), gamma1_));
  return {second.sum, scaled(fc2_->forward(at::gelu(fc1_->forward(second.normed))), gamma2_)};
}

}  // namespace marrow
