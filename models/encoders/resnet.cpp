#include "models/encoders/resnet.h"

#include <array>
#include <numeric>
#include <string>
#include <vector>

#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/max_pool3d.h>

#include "core/error.h"
#include "models/encoders/resnet_options.h"
#include "models/layers/conv.h"
#include "models/layers/drop_path.h"
#include "models/layers/norm.h"
#include "models/layers/visibility.h"

namespace marrow {

namespace {

struct ResnetShape {
  bool bottleneck;
  std::array<std::int64_t, 4> blocks;
};

ResnetShape resnet_shape(std::int64_t depth) {
  switch (depth) {
    case 10:
      return {false, {1, 1, 1, 1}};
    case 18:
      return {false, {2, 2, 2, 2}};
    case 34:
      return {false, {3, 4, 6, 3}};
    case 50:
      return {true, {3, 4, 6, 3}};
    case 101:
      return {true, {3, 4, 23, 3}};
    default:
      throw Error(ErrorCode::kInvalidArgument,
                  "resnet.depth: expected 10, 18, 34, 50 or 101, found " + std::to_string(depth));
  }
}

struct ResnetBlockOptions {
  int dimensions;
  bool bottleneck;
  std::int64_t in;
  std::int64_t width;
  std::int64_t stride;
  NormOptions norm;
  double drop_rate;
};

// A basic or bottleneck block with torchvision's names.
class ResnetBlock : public torch::nn::Module {
 public:
  explicit ResnetBlock(const ResnetBlockOptions& options) : drop_rate_(options.drop_rate) {
    const std::int64_t in = options.in;
    const std::int64_t width = options.width;
    const std::int64_t out = options.bottleneck ? 4 * width : width;
    const auto rank = static_cast<std::size_t>(options.dimensions);
    const auto conv = [&](std::int64_t from, std::int64_t to, std::int64_t kernel, std::int64_t s) {
      return std::make_shared<Conv>(Conv::Options{.dimensions = options.dimensions,
                                                  .in = from,
                                                  .out = to,
                                                  .kernel = kernel,
                                                  .stride = std::vector<std::int64_t>(rank, s),
                                                  .bias = false});
    };
    const auto add = [&](std::int64_t from, std::int64_t to, std::int64_t kernel, std::int64_t s) {
      const std::string number = std::to_string(convs_.size() + 1);
      convs_.push_back(register_module("conv" + number, conv(from, to, kernel, s)));
      norms_.push_back(
          register_module("bn" + number, std::make_shared<NormAct>(options.norm, to, 0.0)));
    };
    if (options.bottleneck) {
      add(in, width, 1, 1);
      add(width, width, 3, options.stride);
      add(width, out, 1, 1);
    } else {
      add(in, width, 3, options.stride);
      add(width, out, 3, 1);
    }
    if (options.stride != 1 || in != out) {
      const auto downsample = register_module("downsample", std::make_shared<torch::nn::Module>());
      shortcut_conv_ = downsample->register_module("0", conv(in, out, 1, options.stride));
      shortcut_norm_ =
          downsample->register_module("1", std::make_shared<NormAct>(options.norm, out, 1.0));
    }
  }

  at::Tensor forward(const at::Tensor& x, const Visibility* visible) {
    const at::Tensor identity = shortcut_conv_ == nullptr
                                    ? x
                                    : shortcut_norm_->forward(shortcut_conv_->forward(x), visible);
    at::Tensor y = x;
    for (std::size_t i = 0; i < convs_.size(); ++i) {
      // The last norm adds the shortcut before its ReLU.
      const bool last = i + 1 == convs_.size();
      y = norms_[i]->forward(
          convs_[i]->forward(y), visible, last ? identity : at::Tensor(), drop_rate_);
    }
    return y;
  }

 private:
  std::vector<std::shared_ptr<Conv>> convs_;
  std::vector<std::shared_ptr<NormAct>> norms_;
  std::shared_ptr<Conv> shortcut_conv_;
  std::shared_ptr<NormAct> shortcut_norm_;
  double drop_rate_;
};

std::vector<std::int64_t> resnet_stem_stride(const ResnetOptions& options) {
  const auto rank = static_cast<std::size_t>(options.dimensions);
  if (options.stem_stride.size() == 1) {
    return std::vector<std::int64_t>(rank, options.stem_stride[0]);
  }
  if (options.stem_stride.size() != rank) {
    throw Error(ErrorCode::kInvalidArgument,
                "resnet.stem_stride: expected one number, or " + std::to_string(rank) +
                    " for the axes of a " + std::to_string(rank) + "D encoder, found " +
                    std::to_string(options.stem_stride.size()));
  }
  return options.stem_stride;
}

class Resnet : public MaskableEncoder {
 public:
  explicit Resnet(const ResnetOptions& options) : options_(options) {
    const ResnetShape shape = resnet_shape(options.depth);
    const auto dimensions = static_cast<int>(options.dimensions);
    const NormOptions norm(norm_kind(options.norm), options.norm_groups);
    const std::vector<std::int64_t> stem_stride = resnet_stem_stride(options);
    conv1_ = register_module("conv1",
                             std::make_shared<Conv>(Conv::Options{.dimensions = dimensions,
                                                                  .in = options.input_channels,
                                                                  .out = options.width,
                                                                  .kernel = 7,
                                                                  .stride = stem_stride,
                                                                  .bias = false}));
    bn1_ = register_module("bn1", std::make_shared<NormAct>(norm, options.width, 0.0));
    std::vector<std::int64_t> total = stem_stride;
    for (std::int64_t& axis : total) {
      axis *= 2;  // max-pool
    }
    const std::int64_t all_blocks =
        std::accumulate(shape.blocks.begin(), shape.blocks.end(), std::int64_t{0});
    std::int64_t block = 0;
    std::int64_t in = options.width;
    for (std::size_t s = 0; s < 4; ++s) {
      const std::int64_t width = options.width << s;
      const std::int64_t stride = s == 0 ? 1 : s == 3 ? options.last_stride : 2;
      for (std::int64_t& axis : total) {
        axis *= stride;
      }
      const auto layer =
          register_module("layer" + std::to_string(s + 1), std::make_shared<torch::nn::Module>());
      layers_.emplace_back();
      for (std::int64_t b = 0; b < shape.blocks[s]; ++b) {
        layers_.back().push_back(layer->register_module(
            std::to_string(b),
            std::make_shared<ResnetBlock>(ResnetBlockOptions{
                .dimensions = dimensions,
                .bottleneck = shape.bottleneck,
                .in = in,
                .width = width,
                .stride = b == 0 ? stride : 1,
                .norm = norm,
                .drop_rate = drop_path_rate(options.drop_path, block++, all_blocks)})));
        in = shape.bottleneck ? 4 * width : width;
      }
      stages_.push_back({in, total});
    }
  }

  std::vector<at::Tensor> features(const at::Tensor& input, const Visibility* visible) override {
    at::Tensor x = bn1_->forward(
        conv1_->forward(visible == nullptr ? input : visible->select(input)), visible);
    // After ReLU a hidden 0 never wins against a visible value that the dense network would have
    // kept.
    x = options_.dimensions == 3 ? at::max_pool3d(x, {3, 3, 3}, {2, 2, 2}, {1, 1, 1})
                                 : at::max_pool2d(x, {3, 3}, {2, 2}, {1, 1});
    if (visible != nullptr) {
      x = visible->select(x);
    }
    std::vector<at::Tensor> maps;
    for (const auto& layer : layers_) {
      for (const auto& block : layer) {
        x = block->forward(x, visible);
      }
      maps.push_back(x);
    }
    return maps;
  }

  [[nodiscard]] const std::vector<Stage>& stages() const override { return stages_; }

  [[nodiscard]] NormOptions norm() const override {
    return {norm_kind(options_.norm), options_.norm_groups};
  }

  [[nodiscard]] std::int64_t input_channels() const override { return options_.input_channels; }

  [[nodiscard]] int dimensions() const override { return static_cast<int>(options_.dimensions); }

 private:
  ResnetOptions options_;
  std::shared_ptr<Conv> conv1_;
  std::shared_ptr<NormAct> bn1_;
  std::vector<std::vector<std::shared_ptr<ResnetBlock>>> layers_;
  std::vector<Stage> stages_;
};

}  // namespace

std::shared_ptr<Encoder> make_resnet(const ConfigSection& options) {
  return std::make_shared<Resnet>(options.parse<ResnetOptions>());
}

}  // namespace marrow
