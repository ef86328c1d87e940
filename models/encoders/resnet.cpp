#include "models/encoders/resnet.h"

#include <array>
#include <string>
#include <vector>

#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/max_pool3d.h>

#include "core/error.h"
#include "models/encoders/resnet_options.h"
#include "models/layers/conv.h"
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

// A basic or bottleneck block with torchvision's names.
class ResnetBlock : public torch::nn::Module {
 public:
  ResnetBlock(
      int dimensions, bool bottleneck, std::int64_t in, std::int64_t width, std::int64_t stride) {
    const std::int64_t out = bottleneck ? 4 * width : width;
    const auto rank = static_cast<std::size_t>(dimensions);
    const auto add = [&](std::int64_t from, std::int64_t to, std::int64_t kernel, std::int64_t s) {
      const std::string number = std::to_string(convs_.size() + 1);
      convs_.push_back(register_module(
          "conv" + number,
          std::make_shared<Conv>(Conv::Options{.dimensions = dimensions,
                                               .in = from,
                                               .out = to,
                                               .kernel = kernel,
                                               .stride = std::vector<std::int64_t>(rank, s),
                                               .bias = false})));
      norms_.push_back(
          register_module("bn" + number, std::make_shared<NormAct>(NormKind::kBatch, to, 0.0)));
    };
    if (bottleneck) {
      add(in, width, 1, 1);
      add(width, width, 3, stride);
      add(width, out, 1, 1);
    } else {
      add(in, width, 3, stride);
      add(width, out, 3, 1);
    }
    if (stride != 1 || in != out) {
      const auto downsample = register_module("downsample", std::make_shared<torch::nn::Module>());
      shortcut_conv_ = downsample->register_module(
          "0",
          std::make_shared<Conv>(Conv::Options{.dimensions = dimensions,
                                               .in = in,
                                               .out = out,
                                               .kernel = 1,
                                               .stride = std::vector<std::int64_t>(rank, stride),
                                               .bias = false}));
      shortcut_norm_ =
          downsample->register_module("1", std::make_shared<NormAct>(NormKind::kBatch, out, 1.0));
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
      y = norms_[i]->forward(convs_[i]->forward(y), visible, last ? identity : at::Tensor());
    }
    return y;
  }

 private:
  std::vector<std::shared_ptr<Conv>> convs_;
  std::vector<std::shared_ptr<NormAct>> norms_;
  std::shared_ptr<Conv> shortcut_conv_;
  std::shared_ptr<NormAct> shortcut_norm_;
};

class Resnet : public MaskableEncoder {
 public:
  explicit Resnet(const ResnetOptions& options) : options_(options) {
    const ResnetShape shape = resnet_shape(options.depth);
    const auto rank = static_cast<std::size_t>(options.dimensions);
    conv1_ = register_module(
        "conv1",
        std::make_shared<Conv>(Conv::Options{.dimensions = static_cast<int>(options.dimensions),
                                             .in = options.input_channels,
                                             .out = options.width,
                                             .kernel = 7,
                                             .stride = std::vector<std::int64_t>(rank, 2),
                                             .bias = false}));
    bn1_ = register_module("bn1", std::make_shared<NormAct>(NormKind::kBatch, options.width, 0.0));
    std::int64_t in = options.width;
    std::int64_t total = 4;
    for (std::size_t s = 0; s < 4; ++s) {
      const std::int64_t width = options.width << s;
      const std::int64_t stride = s == 0 ? 1 : s == 3 ? options.last_stride : 2;
      total *= stride;
      const auto layer =
          register_module("layer" + std::to_string(s + 1), std::make_shared<torch::nn::Module>());
      layers_.emplace_back();
      for (std::int64_t b = 0; b < shape.blocks[s]; ++b) {
        layers_.back().push_back(layer->register_module(
            std::to_string(b),
            std::make_shared<ResnetBlock>(static_cast<int>(options.dimensions),
                                          shape.bottleneck,
                                          in,
                                          width,
                                          b == 0 ? stride : 1)));
        in = shape.bottleneck ? 4 * width : width;
      }
      stages_.push_back({in, std::vector<std::int64_t>(rank, total)});
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
