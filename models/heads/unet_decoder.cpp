#include "models/heads/unet_decoder.h"

#include <algorithm>
#include <utility>

#include <ATen/ops/cat.h>
#include <ATen/ops/replication_pad2d.h>
#include <ATen/ops/replication_pad3d.h>

#include "core/error.h"
#include "models/head.h"
#include "models/layers/conv.h"
#include "models/layers/residual_block.h"

namespace marrow {

namespace {

constexpr double kDecoderSlope = 0.01;  // nnU-Net

using Strides = std::vector<std::int64_t>;

std::int64_t stride_product(const Strides& strides) {
  std::int64_t all = 1;
  for (const std::int64_t stride : strides) {
    all *= stride;
  }
  return all;
}

std::string shape_text(at::IntArrayRef numbers) {
  std::string text;
  for (const std::int64_t number : numbers) {
    text += (text.empty() ? "" : "x") + std::to_string(number);
  }
  return text;
}

// x on a grid of `size`: cut at the far border, or its last voxels repeated there.
at::Tensor fitted(at::Tensor x, at::IntArrayRef size) {
  std::vector<std::int64_t> padding;
  bool too_small = false;
  for (std::int64_t axis = x.dim() - 1; axis >= 2; --axis) {
    const std::int64_t wanted = size[static_cast<std::size_t>(axis - 2)];
    if (x.size(axis) > wanted) {
      x = x.narrow(axis, 0, wanted);
    }
    padding.insert(padding.end(), {0, wanted - x.size(axis)});
    too_small = too_small || x.size(axis) < wanted;
  }
  if (!too_small) {
    return x;
  }
  return x.dim() == 5 ? at::replication_pad3d(x, padding) : at::replication_pad2d(x, padding);
}

struct DecoderLevel {
  std::int64_t below = 0;  // channels of the coarser map
  std::int64_t skip = 0;   // channels of the stage beside it; 0: none
  std::int64_t width = 0;
  Strides up;
};

class UnetDecoder : public Head {
 public:
  UnetDecoder(const UnetDecoderOptions& options,
              HeadInput input,
              const std::vector<DecoderLevel>& levels)
      : input_(std::move(input)) {
    const NormKind norm = norm_kind(options.norm);
    const double slope = options.activation == "relu" ? 0.0 : kDecoderSlope;
    for (std::size_t l = 0; l < levels.size(); ++l) {
      const DecoderLevel& level = levels[l];
      const std::string name = std::to_string(l);
      Parts parts;
      parts.has_skip = level.skip > 0;
      parts.up =
          register_module("up" + name,
                          std::make_shared<TransposedConv>(
                              input_.dimensions, level.below, level.width, level.up, level.up, 0));
      std::int64_t in = level.width + level.skip;
      for (std::int64_t c = 0; c < options.convs; ++c) {
        parts.convs.push_back(register_module(
            "conv" + name + "_" + std::to_string(c),
            std::make_shared<ConvNormAct>(
                Conv::Options{input_.dimensions, in, level.width, 3, {}, false}, norm, slope)));
        in = level.width;
      }
      // The coarsest level is not scored (nnU-Net gives it weight 0), unless it is the only one.
      if (l == 0 || (options.deep_supervision && l + 1 < levels.size())) {
        parts.scores = register_scores(name, level.width);
      }
      parts_.push_back(std::move(parts));
    }
    if (levels.empty()) {
      only_scores_ = register_scores("0", input_.stages[0].channels);
    }
  }

  std::vector<at::Tensor> logits(const std::vector<at::Tensor>& features,
                                 at::IntArrayRef input_size) override {
    check(features, input_size);
    if (only_scores_) {
      return {fitted(only_scores_->forward(features[0]), input_size)};
    }
    std::vector<at::Tensor> scores;  // coarsest first
    at::Tensor x = features.back();
    std::size_t stage = features.size() - 1;
    for (std::size_t l = parts_.size(); l-- > 0;) {
      const Parts& parts = parts_[l];
      x = parts.up->forward(x);
      if (parts.has_skip) {
        const at::Tensor& skip = features[--stage];
        x = at::cat({fitted(x, skip.sizes().slice(2)), skip}, 1);
      } else {
        x = fitted(x, input_size);
      }
      for (const auto& conv : parts.convs) {
        x = conv->forward(x, nullptr);
      }
      if (l == 0 || (parts.scores && is_training())) {
        scores.push_back(parts.scores->forward(x));
      }
    }
    scores.back() = fitted(scores.back(), input_size);
    std::reverse(scores.begin(), scores.end());
    return scores;
  }

 private:
  struct Parts {
    std::shared_ptr<TransposedConv> up;
    std::vector<std::shared_ptr<ConvNormAct>> convs;
    std::shared_ptr<Conv> scores;
    bool has_skip = true;
  };

  std::shared_ptr<Conv> register_scores(const std::string& level, std::int64_t in) {
    return register_module(
        "scores" + level,
        std::make_shared<Conv>(Conv::Options{input_.dimensions, in, input_.classes, 1, {}, true}));
  }

  void check(const std::vector<at::Tensor>& features, at::IntArrayRef input_size) const {
    if (features.size() != input_.stages.size()) {
      throw Error(ErrorCode::kInvalidArgument,
                  "unet_decoder: expected " + std::to_string(input_.stages.size()) +
                      " feature maps of the encoder, found " + std::to_string(features.size()));
    }
    const std::int64_t axes = input_.dimensions;
    for (std::size_t s = 0; s < features.size(); ++s) {
      if (features[s].dim() != axes + 2 || features[s].size(1) != input_.stages[s].channels) {
        throw Error(ErrorCode::kInvalidArgument,
                    "unet_decoder: feature map " + std::to_string(s) + " is " +
                        shape_text(features[s].sizes()) + ", expected " + std::to_string(axes + 2) +
                        " axes with " + std::to_string(input_.stages[s].channels) + " channels");
      }
    }
    if (static_cast<std::int64_t>(input_size.size()) != axes) {
      throw Error(ErrorCode::kInvalidArgument,
                  "unet_decoder: input size " + shape_text(input_size) + " has " +
                      std::to_string(input_size.size()) + " axes, expected " +
                      std::to_string(axes));
    }
  }

  HeadInput input_;
  std::vector<Parts> parts_;  // finest first
  std::shared_ptr<Conv> only_scores_;
};

// Finest first. Throws when the stages are no pyramid.
std::vector<DecoderLevel> decoder_levels(const UnetDecoderOptions& options,
                                         const HeadInput& input) {
  if (input.stages.empty() || (input.dimensions != 2 && input.dimensions != 3) ||
      input.classes < 1) {
    throw Error(
        ErrorCode::kInvalidArgument,
        "unet_decoder: expected an encoder with at least one stage in 2 or 3 dimensions and "
        "at least one class");
  }
  const auto axes = static_cast<std::size_t>(input.dimensions);
  std::vector<DecoderLevel> levels;
  Strides finer(axes, 1);
  std::int64_t skip = 0;
  for (std::size_t s = 0; s < input.stages.size(); ++s) {
    const Encoder::Stage& stage = input.stages[s];
    bool fits = stage.stride.size() == axes;
    Strides up(axes, 1);
    for (std::size_t a = 0; fits && a < axes; ++a) {
      fits = stage.stride[a] >= finer[a] && stage.stride[a] % finer[a] == 0;
      up[a] = fits ? stage.stride[a] / finer[a] : 1;
    }
    if (!fits) {
      throw Error(ErrorCode::kInvalidArgument,
                  "unet_decoder: the encoder's stage " + std::to_string(s) + " has stride " +
                      shape_text(stage.stride) + ", expected a multiple of " + shape_text(finer) +
                      " along " + std::to_string(axes) + " axes");
    }
    // The finest stage needs a level of its own only where it is coarser than the input.
    if (s > 0 || stride_product(up) > 1) {
      const std::int64_t half = std::max<std::int64_t>(8, stage.channels / 2);
      levels.push_back({stage.channels, skip, s > 0 ? skip : half, up});
    }
    finer = stage.stride;
    skip = stage.channels;
  }
  if (!options.widths.empty() && options.widths.size() != levels.size()) {
    throw Error(ErrorCode::kInvalidArgument,
                "unet_decoder: widths has " + std::to_string(options.widths.size()) +
                    " entries, but the decoder of this encoder has " +
                    std::to_string(levels.size()) + " levels; give that many or leave it empty");
  }
  for (std::size_t l = 0; l < levels.size(); ++l) {
    if (!options.widths.empty()) {
      levels[l].width = options.widths[l];
    }
    // Each level takes the output of the coarser one; only the coarsest takes the encoder's own
    // map.
    if (l > 0) {
      levels[l - 1].below = levels[l].width;
    }
  }
  return levels;
}

}  // namespace

std::shared_ptr<Head> make_unet_decoder(const UnetDecoderOptions& options, const HeadInput& input) {
  return std::make_shared<UnetDecoder>(options, input, decoder_levels(options, input));
}

}  // namespace marrow
