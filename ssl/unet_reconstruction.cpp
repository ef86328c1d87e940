#include "ssl/unet_reconstruction.h"

#include <string>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/where.h>

#include "core/error.h"
#include "models/head.h"
#include "models/heads/unet_decoder.h"
#include "ssl/mask_token.h"

namespace marrow {

UnetReconstruction::UnetReconstruction(const std::vector<Encoder::Stage>& stages,
                                       int dimensions,
                                       std::int64_t channels,
                                       const std::vector<std::int64_t>& widths) {
  UnetDecoderOptions options;
  options.widths = widths;
  options.deep_supervision = false;
  head_ = register_module(
      "head",
      make_unet_decoder(options,
                        {.stages = stages, .dimensions = dimensions, .classes = channels}));
  for (const Encoder::Stage& stage : stages) {
    std::vector<std::int64_t> shape = {1, stage.channels};
    shape.insert(shape.end(), static_cast<std::size_t>(dimensions), 1);
    tokens_.push_back(
        register_parameter("token" + std::to_string(tokens_.size()), mask_token(shape)));
  }
}

at::Tensor UnetReconstruction::restore(const std::vector<at::Tensor>& maps,
                                       const Visibility& visible,
                                       at::IntArrayRef size) {
  MARROW_CHECK(maps.size() == tokens_.size());
  std::vector<at::Tensor> dense;
  dense.reserve(maps.size());
  for (std::size_t i = 0; i < maps.size(); ++i) {
    dense.push_back(at::where(
        visible.at_size(maps[i].sizes().slice(2)), maps[i], tokens_[i].to(maps[i].scalar_type())));
  }
  return head_->logits(dense, size).front();
}

std::shared_ptr<torch::nn::Module> UnetReconstruction::head() const {
  return head_;
}

}  // namespace marrow
