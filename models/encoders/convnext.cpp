#include "models/encoders/convnext.h"

#include <numeric>
#include <string>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/full.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include "core/error.h"
#include "models/encoders/convnext_options.h"
#include "models/layers/channel_norm.h"
#include "models/layers/conv.h"
#include "models/layers/drop_path.h"
#include "models/layers/linear.h"
#include "models/layers/norm.h"
#include "models/layers/token_norm.h"
#include "models/layers/visibility.h"
#include "models/layers/visible_rows.h"

namespace marrow {

namespace {

constexpr std::int64_t kConvnextExpansion = 4;

// The authors draw every convolution and linear layer from a normal distribution of this deviation.
constexpr double kConvnextDeviation = 0.02;

struct ConvnextShape {
  std::vector<std::int64_t> depths;
  std::vector<std::int64_t> dims;
};

ConvnextShape convnext_shape(const ConvnextOptions& options) {
  if (options.size == "custom") {
    if (options.depths.empty() || options.depths.size() != options.dims.size()) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("convnext: with size custom, depths and dims must have one entry per "
                              "stage, found {} and {}",
                              options.depths.size(),
                              options.dims.size()));
    }
    return {options.depths, options.dims};
  }
  if (!options.depths.empty() || !options.dims.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                "convnext: depths and dims belong to size custom, found size " + options.size);
  }
  if (options.size == "base") {
    return {{3, 3, 27, 3}, {128, 256, 512, 1024}};
  }
  return {{3, 3, options.size == "small" ? 27 : 9, 3}, {96, 192, 384, 768}};
}

// The norm of rows, of maps as well.
class ConvnextNorm : public TokenNorm {
 public:
  using TokenNorm::TokenNorm;

  // map: [B, C, spatial...]
  [[nodiscard]] at::Tensor of_map(const at::Tensor& map, const Visibility* visible) const {
    return channel_norm(map, weight(), bias(), visible, kTokenNormEps);
  }
};

std::shared_ptr<Linear> convnext_linear(std::int64_t in, std::int64_t out) {
  const at::NoGradGuard no_grad;
  return std::make_shared<Linear>(at::zeros({out, in}).normal_(0.0, kConvnextDeviation));
}

std::shared_ptr<Conv> convnext_conv(const Conv::Options& options) {
  auto conv = std::make_shared<Conv>(options);
  const at::NoGradGuard no_grad;
  at::Tensor weight = conv->weight();
  weight.normal_(0.0, kConvnextDeviation);
  return conv;
}

class ConvnextBlock : public torch::nn::Module {
 public:
  ConvnextBlock(int dimensions,
                std::int64_t channels,
                std::int64_t kernel,
                double layer_scale,
                double drop_rate)
      : drop_rate_(drop_rate) {
    conv_dw_ = register_module("conv_dw",
                               convnext_conv({.dimensions = dimensions,
                                              .in = channels,
                                              .out = channels,
                                              .kernel = kernel,
                                              .stride = {},
                                              .bias = true,
                                              .groups = channels}));
    norm_ = register_module("norm", std::make_shared<ConvnextNorm>(channels));
    const auto mlp = register_module("mlp", std::make_shared<torch::nn::Module>());
    const std::int64_t hidden = kConvnextExpansion * channels;
    fc1_ = mlp->register_module("fc1", convnext_linear(channels, hidden));
    fc2_ = mlp->register_module("fc2", convnext_linear(hidden, channels));
    if (layer_scale > 0.0) {
      gamma_ = register_parameter("gamma", at::full({channels}, layer_scale));
    }
  }

  [[nodiscard]] at::Tensor forward(const at::Tensor& x, const Visibility* visible) const {
    // What the convolution gives at hidden positions (its bias included) is never read: all that
    // follows works on each position by itself, so it runs on the visible ones only.
    const at::Tensor y = conv_dw_->forward(x);
    at::Tensor rows = visible == nullptr ? y.movedim(1, -1) : visible_rows(y, *visible);
    rows = fc2_->forward(at::gelu(fc1_->forward(norm_->forward(rows))));
    if (gamma_.defined()) {
      // In bfloat16 a branch of 1e-6 would vanish in the sum; gamma's float32 carries it over.
      rows = rows * gamma_;
    }
    if (visible == nullptr) {
      return x + drop_path(rows, drop_rate_, is_training()).movedim(-1, 1);
    }
    // As many visible rows in every sample.
    const at::Tensor samples = rows.reshape({x.size(0), -1, x.size(1)});
    const at::Tensor branch = drop_path(samples, drop_rate_, is_training()).reshape(rows.sizes());
    return x + map_of_rows(branch, *visible, x.sizes().slice(2));
  }

 private:
  std::shared_ptr<Conv> conv_dw_;
  std::shared_ptr<ConvnextNorm> norm_;
  std::shared_ptr<Linear> fc1_;
  std::shared_ptr<Linear> fc2_;
  at::Tensor gamma_;
  double drop_rate_;
};

class Convnext : public MaskableEncoder {
 public:
  explicit Convnext(const ConvnextOptions& options) : options_(options) {
    const ConvnextShape shape = convnext_shape(options);
    const auto dimensions = static_cast<int>(options.dimensions);
    const std::int64_t kernel = options.kernel > 0 ? options.kernel : dimensions == 2 ? 7 : 5;
    if (kernel % 2 == 0) {
      throw Error(ErrorCode::kInvalidArgument,
                  "convnext.kernel: expected an odd number, found " + std::to_string(kernel));
    }
    if (options.stem_stride != 2 && options.stem_stride != 4) {
      throw Error(
          ErrorCode::kInvalidArgument,
          "convnext.stem_stride: expected 2 or 4, found " + std::to_string(options.stem_stride));
    }
    const auto stem = register_module("stem", std::make_shared<torch::nn::Module>());
    enter_.push_back(stem->register_module(
        "0", patchify_conv(options.input_channels, shape.dims[0], options.stem_stride)));
    norms_.push_back(stem->register_module("1", std::make_shared<ConvnextNorm>(shape.dims[0])));
    const auto stages = register_module("stages", std::make_shared<torch::nn::Module>());
    const std::int64_t all_blocks =
        std::accumulate(shape.depths.begin(), shape.depths.end(), std::int64_t{0});
    std::int64_t block = 0;
    std::int64_t total = options.stem_stride;
    for (std::size_t s = 0; s < shape.depths.size(); ++s) {
      const auto stage =
          stages->register_module(std::to_string(s), std::make_shared<torch::nn::Module>());
      if (s > 0) {
        const auto down =
            stage->register_module("downsample", std::make_shared<torch::nn::Module>());
        norms_.push_back(
            down->register_module("0", std::make_shared<ConvnextNorm>(shape.dims[s - 1])));
        enter_.push_back(
            down->register_module("1", patchify_conv(shape.dims[s - 1], shape.dims[s], 2)));
        total *= 2;
      }
      const auto blocks = stage->register_module("blocks", std::make_shared<torch::nn::Module>());
      blocks_.emplace_back();
      for (std::int64_t b = 0; b < shape.depths[s]; ++b) {
        blocks_.back().push_back(
            blocks->register_module(std::to_string(b),
                                    std::make_shared<ConvnextBlock>(
                                        dimensions,
                                        shape.dims[s],
                                        kernel,
                                        options.layer_scale,
                                        drop_path_rate(options.drop_path, block++, all_blocks))));
      }
      stages_.push_back(
          {shape.dims[s],
           std::vector<std::int64_t>(static_cast<std::size_t>(options.dimensions), total)});
    }
    const auto head = register_module("head", std::make_shared<torch::nn::Module>());
    head_norm_ = head->register_module("norm", std::make_shared<ConvnextNorm>(shape.dims.back()));
  }

  std::vector<at::Tensor> features(const at::Tensor& input, const Visibility* visible) override {
    check_size(input);
    std::vector<at::Tensor> maps;
    at::Tensor x = visible == nullptr ? input : visible->select(input);
    for (std::size_t s = 0; s < blocks_.size(); ++s) {
      // The stem's norm follows its convolution, those between stages precede theirs.
      if (s == 0) {
        x = norms_[0]->of_map(enter_[0]->forward(x), visible);
      } else {
        x = enter_[s]->forward(norms_[s]->of_map(x, visible));
        x = visible == nullptr ? x : visible->select(x);  // without the bias at hidden positions
      }
      for (const auto& block : blocks_[s]) {
        x = block->forward(x, visible);
      }
      maps.push_back(x);
    }
    return maps;
  }

  [[nodiscard]] at::Tensor pooled(const at::Tensor& x) override {
    return head_norm_->forward(Encoder::pooled(x));
  }

  [[nodiscard]] const std::vector<Stage>& stages() const override { return stages_; }

  [[nodiscard]] NormOptions norm() const override { return NormKind::kLayer; }

  [[nodiscard]] std::int64_t input_channels() const override { return options_.input_channels; }

  [[nodiscard]] int dimensions() const override { return static_cast<int>(options_.dimensions); }

 private:
  [[nodiscard]] std::shared_ptr<Conv> patchify_conv(std::int64_t in,
                                                    std::int64_t out,
                                                    std::int64_t edge) const {
    return convnext_conv(
        {.dimensions = static_cast<int>(options_.dimensions),
         .in = in,
         .out = out,
         .kernel = edge,
         .stride = std::vector<std::int64_t>(static_cast<std::size_t>(options_.dimensions), edge),
         .bias = true,
         .padding = 0});
  }

  // Without padding the voxels of a remainder would be left out unseen.
  void check_size(const at::Tensor& input) const {
    const std::vector<std::int64_t>& total = stages_.back().stride;
    for (std::size_t axis = 0; axis < total.size(); ++axis) {
      const std::int64_t size = input.size(static_cast<std::int64_t>(axis) + 2);
      if (size == 0 || size % total[axis] != 0) {
        throw Error(ErrorCode::kInvalidArgument,
                    fmt::format("convnext: the input must be a multiple of the encoder's stride {} "
                                "along every axis, found {} along spatial axis {}; pad it, or "
                                "change data.patch_size",
                                total[axis],
                                size,
                                axis));
      }
    }
  }

  ConvnextOptions options_;
  std::vector<std::shared_ptr<Conv>> enter_;  // convolution into each stage, and its norm
  std::vector<std::shared_ptr<ConvnextNorm>> norms_;
  std::vector<std::vector<std::shared_ptr<ConvnextBlock>>> blocks_;
  std::shared_ptr<ConvnextNorm> head_norm_;
  std::vector<Stage> stages_;
};

}  // namespace

std::shared_ptr<Encoder> make_convnext(const ConfigSection& options) {
  return std::make_shared<Convnext>(options.parse<ConvnextOptions>());
}

}  // namespace marrow
