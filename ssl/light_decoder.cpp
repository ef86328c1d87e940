#include "ssl/light_decoder.h"

#include <string>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/where.h>

#include "core/error.h"
#include "models/layers/conv.h"
#include "ssl/mask_token.h"

namespace marrow {

namespace {

std::shared_ptr<Conv> small_conv(
    int dimensions, std::int64_t in, std::int64_t out, std::int64_t kernel, bool bias) {
  auto conv = std::make_shared<Conv>(Conv::Options{.dimensions = dimensions,
                                                   .in = in,
                                                   .out = out,
                                                   .kernel = kernel,
                                                   .stride = {},
                                                   .bias = bias});
  const at::NoGradGuard no_grad;
  at::Tensor weight = conv->weight();
  weight.copy_(mask_token(weight.sizes().vec()));
  return conv;
}

}  // namespace

struct LightDecoder::Level : torch::nn::Module {
  Level(int dimensions,
        std::int64_t in,
        std::int64_t width,
        bool coarsest,
        const NormOptions& densify_norm) {
    norm = register_module("norm", std::make_shared<NormAct>(densify_norm, in, 1.0));
    std::vector<std::int64_t> shape = {1, in};
    shape.insert(shape.end(), static_cast<std::size_t>(dimensions), 1);
    token = register_parameter("token", mask_token(shape));
    if (!coarsest || in != width) {
      projection =
          register_module("proj", small_conv(dimensions, in, width, coarsest ? 1 : 3, true));
    }
  }

  at::Tensor forward(const at::Tensor& map, const Visibility& visible) {
    at::Tensor x = norm->forward(map, &visible);
    x = at::where(visible.at_size(x.sizes().slice(2)), x, token.to(x.scalar_type()));
    return projection == nullptr ? x : projection->forward(x);
  }

  std::shared_ptr<NormAct> norm;
  at::Tensor token;
  std::shared_ptr<Conv> projection;
};

struct LightDecoder::Block : torch::nn::Module {
  Block(int dimensions, std::int64_t in, std::int64_t out) {
    const auto rank = static_cast<std::size_t>(dimensions);
    up = register_module("up",
                         std::make_shared<TransposedConv>(dimensions,
                                                          in,
                                                          in,
                                                          std::vector<std::int64_t>(rank, 4),
                                                          std::vector<std::int64_t>(rank, 2),
                                                          1));
    conv1 = register_module("conv1", small_conv(dimensions, in, in, 3, false));
    norm1 = register_module("norm1",
                            std::make_shared<NormAct>(NormKind::kBatch, in, 0.0, 6.0));  // ReLU6
    conv2 = register_module("conv2", small_conv(dimensions, in, out, 3, false));
    norm2 = register_module("norm2", std::make_shared<NormAct>(NormKind::kBatch, out, 1.0));
  }

  at::Tensor forward(const at::Tensor& x) {
    const at::Tensor y = norm1->forward(conv1->forward(up->forward(x)), nullptr);
    return norm2->forward(conv2->forward(y), nullptr);
  }

  std::shared_ptr<TransposedConv> up;
  std::shared_ptr<Conv> conv1;
  std::shared_ptr<NormAct> norm1;
  std::shared_ptr<Conv> conv2;
  std::shared_ptr<NormAct> norm2;
};

LightDecoder::LightDecoder(const Options& options) {
  const std::vector<std::int64_t>& stride = options.stages.back().stride;
  const std::int64_t total = stride[0];
  for (const std::int64_t axis : stride) {
    if (axis != total || (total & (total - 1)) != 0 || total < 2) {
      throw Error(ErrorCode::kInvalidArgument,
                  "spark: the encoder's total stride must be a power of two of at least 2, equal "
                  "along every axis");
    }
  }
  std::int64_t blocks = 0;
  while ((std::int64_t{1} << blocks) < total) {
    ++blocks;
  }
  if (options.width % (std::int64_t{1} << blocks) != 0) {
    throw Error(ErrorCode::kInvalidArgument,
                "spark.decoder_width: expected a multiple of " +
                    std::to_string(std::int64_t{1} << blocks) + " for " + std::to_string(blocks) +
                    " blocks, found " + std::to_string(options.width));
  }
  const auto densify = register_module("densify", std::make_shared<torch::nn::Module>());
  const auto body = register_module("blocks", std::make_shared<torch::nn::Module>());
  for (std::int64_t b = 0; b < blocks; ++b) {
    const std::int64_t in = options.width >> b;
    const std::int64_t size = total >> b;  // stride of the block's input
    level_of_block_.push_back(-1);
    // Of several stages at one stride the last (deepest) is used.
    for (auto stage = options.stages.rbegin(); stage != options.stages.rend(); ++stage) {
      if (stage->stride[0] == size) {
        level_of_block_.back() = static_cast<int>(levels_.size());
        levels_.push_back(densify->register_module(
            std::to_string(levels_.size()),
            std::make_shared<Level>(
                options.dimensions, stage->channels, in, b == 0, options.densify_norm)));
        break;
      }
    }
    blocks_.push_back(body->register_module(
        std::to_string(b), std::make_shared<Block>(options.dimensions, in, in / 2)));
  }
  project_ = register_module(
      "proj",
      small_conv(options.dimensions, options.width >> blocks, options.output_channels, 1, true));
}

at::Tensor LightDecoder::restore(const std::vector<at::Tensor>& maps,
                                 const Visibility& visible,
                                 at::IntArrayRef size) {
  at::Tensor x;
  for (std::size_t b = 0; b < blocks_.size(); ++b) {
    const int level = level_of_block_[b];
    if (level >= 0) {
      // the map whose size is this block's input: the coarsest for b = 0, twice as fine for each
      // further block
      const std::int64_t edge = x.defined() ? x.size(2) : maps.back().size(2);
      const at::Tensor* map = nullptr;
      for (const at::Tensor& candidate : maps) {
        if (candidate.size(2) == edge) {
          map = &candidate;
        }
      }
      MARROW_CHECK(map != nullptr);
      const at::Tensor skip = levels_[static_cast<std::size_t>(level)]->forward(*map, visible);
      x = x.defined() ? x + skip : skip;
    }
    x = blocks_[b]->forward(x);
  }
  const at::Tensor restored = std::static_pointer_cast<Conv>(project_)->forward(x);
  MARROW_CHECK(restored.sizes().slice(2) == size);
  return restored;
}

}  // namespace marrow
