#include "ssl/mae_decoder.h"

#include <string>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>

#include "models/layers/patch_embed.h"

namespace marrow {

MaeDecoder::MaeDecoder(const Options& options)
    : class_token_(options.class_token), positions_(options.width) {
  embed_ = register_module("embed", std::make_shared<Linear>(options.encoder_width, options.width));
  {
    const at::NoGradGuard no_grad;
    mask_token_ = at::empty({1, 1, options.width}).normal_(0.0, 0.02);
  }
  mask_token_ = register_parameter("mask_token", mask_token_);
  const auto blocks = register_module("blocks", std::make_shared<torch::nn::Module>());
  for (std::int64_t b = 0; b < options.depth; ++b) {
    blocks_.push_back(
        blocks->register_module(std::to_string(b),
                                std::make_shared<TransformerBlock>(TransformerBlock::Options{
                                    .width = options.width, .heads = options.heads})));
  }
  norm_ = register_module("norm", std::make_shared<TokenNorm>(options.width));
  pred_ = register_module("pred", std::make_shared<Linear>(options.width, options.outputs));
}

at::Tensor MaeDecoder::forward(const at::Tensor& latent,
                               const at::Tensor& restore,
                               at::IntArrayRef grid) {
  const std::int64_t first = class_token_ ? 1 : 0;
  const at::Tensor embedded = embed_->forward(latent);
  const at::Tensor kept = embedded.slice(1, first);
  const std::int64_t hidden = restore.size(1) - kept.size(1);
  const at::Tensor shuffled = at::cat(
      {kept, mask_token_.to(kept.scalar_type()).expand({kept.size(0), hidden, kept.size(2)})}, 1);
  at::Tensor tokens = gather_tokens(shuffled, restore) + positions_.of(grid, mask_token_);
  if (class_token_) {
    // Its place has the position 0 in all channels.
    tokens = at::cat({embedded.slice(1, 0, 1).to(tokens.scalar_type()), tokens}, 1);
  }
  TokenStream stream{tokens, {}};
  for (const auto& block : blocks_) {
    stream = block->forward(stream);
  }
  return pred_->forward(norm_->of_sum(stream.stream, stream.branch).normed.slice(1, first));
}

}  // namespace marrow
