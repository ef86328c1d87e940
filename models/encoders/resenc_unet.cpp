#include "models/encoders/resenc_unet.h"

#include <numeric>
#include <string>
#include <vector>

#include "core/error.h"
#include "models/encoders/resenc_unet_options.h"
#include "models/layers/drop_path.h"
#include "models/layers/residual_block.h"
#include "models/layers/visibility.h"

namespace marrow {

namespace {

class ResencUnet : public MaskableEncoder {
 public:
  explicit ResencUnet(const ResencUnetOptions& options) : options_(options) {
    const std::size_t count = options.features.size();
    if (count == 0 || options.strides.size() != count || options.blocks.size() != count) {
      throw Error(
          ErrorCode::kInvalidArgument,
          "resenc_unet: features, strides and blocks must have one entry per stage, found " +
              std::to_string(count) + ", " + std::to_string(options.strides.size()) + " and " +
              std::to_string(options.blocks.size()));
    }
    for (std::size_t s = 0; s < count; ++s) {
      if (options.blocks[s] == 0 && (s > 0 || options.strides[s] != 1)) {
        throw Error(ErrorCode::kInvalidArgument,
                    "resenc_unet.blocks: only the first stage may have no block, and only with a "
                    "stride of 1");
      }
    }
    const auto rank = static_cast<std::size_t>(options.dimensions);
    const auto dimensions = static_cast<int>(options.dimensions);
    const NormOptions norm(norm_kind(options.norm), options.norm_groups);
    const std::int64_t all_blocks =
        std::accumulate(options.blocks.begin(), options.blocks.end(), std::int64_t{0});
    std::int64_t block = 0;
    const auto stem = register_module("stem", std::make_shared<torch::nn::Module>());
    const auto convs = stem->register_module("convs", std::make_shared<torch::nn::Module>());
    stem_ = convs->register_module(
        "0",
        std::make_shared<ConvNormAct>(
            Conv::Options{.dimensions = dimensions,
                          .in = options.input_channels,
                          .out = options.features[0],
                          .kernel = 3,
                          .stride = std::vector<std::int64_t>(rank, options.stem_stride),
                          .bias = options.conv_bias},
            norm,
            0.01));
    const auto stages = register_module("stages", std::make_shared<torch::nn::Module>());
    std::int64_t in = options.features[0];
    std::int64_t total = options.stem_stride;
    for (std::size_t s = 0; s < count; ++s) {
      const auto stage =
          stages->register_module(std::to_string(s), std::make_shared<torch::nn::Module>());
      const auto blocks = stage->register_module("blocks", std::make_shared<torch::nn::Module>());
      blocks_.emplace_back();
      for (std::int64_t b = 0; b < options.blocks[s]; ++b) {
        const std::vector<std::int64_t> stride(rank, b == 0 ? options.strides[s] : 1);
        blocks_.back().push_back(
            blocks->register_module(std::to_string(b),
                                    std::make_shared<ResidualBlock>(
                                        dimensions,
                                        in,
                                        options.features[s],
                                        stride,
                                        norm,
                                        options.conv_bias,
                                        drop_path_rate(options.drop_path, block++, all_blocks))));
        in = options.features[s];
      }
      total *= options.strides[s];
      stages_.push_back({options.features[s], std::vector<std::int64_t>(rank, total)});
    }
  }

  std::vector<at::Tensor> features(const at::Tensor& input, const Visibility* visible) override {
    std::vector<at::Tensor> maps;
    // Hidden voxels are taken away before the first layer sees them.
    at::Tensor x = stem_->forward(visible == nullptr ? input : visible->select(input), visible);
    for (const auto& stage : blocks_) {
      for (const auto& block : stage) {
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
  ResencUnetOptions options_;
  std::shared_ptr<ConvNormAct> stem_;
  std::vector<std::vector<std::shared_ptr<ResidualBlock>>> blocks_;
  std::vector<Stage> stages_;
};

}  // namespace

std::shared_ptr<Encoder> make_resenc_unet(const ConfigSection& options) {
  return std::make_shared<ResencUnet>(options.parse<ResencUnetOptions>());
}

}  // namespace marrow
