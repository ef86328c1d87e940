#include "models/heads/unetr_decoder.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <ATen/ops/cat.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/error.h"
#include "models/head.h"
#include "models/layers/conv.h"
#include "models/layers/residual_block.h"

namespace marrow {

namespace {

// One entry for each doubling, coarsest first: 2 along the axes that still need it.
std::vector<std::vector<std::int64_t>> doublings(const std::vector<std::int64_t>& stride) {
  std::vector<std::vector<std::int64_t>> steps;
  std::vector<std::int64_t> left = stride;
  while (*std::max_element(left.begin(), left.end()) > 1) {
    std::vector<std::int64_t> step;
    for (std::int64_t& axis : left) {
      step.push_back(axis > 1 ? 2 : 1);
      axis = std::max<std::int64_t>(1, axis / 2);
    }
    steps.push_back(std::move(step));
  }
  return steps;
}

class UnetrDecoder : public Head {
 public:
  UnetrDecoder(const UnetrDecoderOptions& options, HeadInput input)
      : input_(std::move(input)),
        norm_(norm_kind(options.norm)),
        slope_(options.activation == "relu" ? 0.0 : 0.01) {
    const auto steps = doublings(input_.stages[0].stride);
    const std::size_t last = input_.stages.size() - 1;
    std::int64_t below = input_.stages[last].channels;
    for (std::size_t l = 0; l < steps.size(); ++l) {
      Level level;
      const std::int64_t width = options.width << (steps.size() - 1 - l);
      const std::string name = std::to_string(l);
      level.up = register_module("up" + name, doubling(below, width, steps[l]));
      std::int64_t in = width;
      // Maps for which no level is left stand at the finest.
      for (std::size_t back = 1; back <= last; ++back) {
        if (std::min(back, steps.size()) == l + 1) {
          level.skips.push_back(register_skip(last - back, width, steps, l));
          in += width;
        }
      }
      for (std::int64_t c = 0; c < options.convs; ++c) {
        level.convs.push_back(
            register_module("conv" + name + "_" + std::to_string(c), convolution(in, width)));
        in = width;
      }
      below = width;
      levels_.push_back(std::move(level));
    }
    scores_ = register_module("scores",
                              std::make_shared<Conv>(Conv::Options{
                                  input_.dimensions, below, input_.classes, 1, {}, true}));
  }

  std::vector<at::Tensor> logits(const std::vector<at::Tensor>& features,
                                 at::IntArrayRef input_size) override {
    check(features, input_size);
    at::Tensor x = features.back();
    for (const Level& level : levels_) {
      std::vector<at::Tensor> beside = {level.up->forward(x)};
      for (const Skip& skip : level.skips) {
        at::Tensor y = skip.ups[0]->forward(features[skip.map]);
        for (std::size_t i = 0; i < skip.convs.size(); ++i) {
          y = skip.convs[i]->forward(skip.ups[i + 1]->forward(y), nullptr);
        }
        beside.push_back(y);
      }
      x = at::cat(beside, 1);
      for (const auto& conv : level.convs) {
        x = conv->forward(x, nullptr);
      }
    }
    return {scores_->forward(x)};
  }

 private:
  // The way of one of the encoder's maps up to the level where it stands.
  struct Skip {
    std::size_t map = 0;
    std::vector<std::shared_ptr<TransposedConv>> ups;
    std::vector<std::shared_ptr<ConvNormAct>> convs;  // after each but the first
  };

  struct Level {
    std::shared_ptr<TransposedConv> up;
    std::vector<Skip> skips;
    std::vector<std::shared_ptr<ConvNormAct>> convs;
  };

  [[nodiscard]] std::shared_ptr<TransposedConv> doubling(
      std::int64_t in, std::int64_t out, const std::vector<std::int64_t>& step) const {
    return std::make_shared<TransposedConv>(input_.dimensions, in, out, step, step, 0);
  }

  [[nodiscard]] std::shared_ptr<ConvNormAct> convolution(std::int64_t in, std::int64_t out) const {
    return std::make_shared<ConvNormAct>(
        Conv::Options{input_.dimensions, in, out, 3, {}, false}, norm_, slope_);
  }

  [[nodiscard]] Skip register_skip(std::size_t map,
                                   std::int64_t width,
                                   const std::vector<std::vector<std::int64_t>>& steps,
                                   std::size_t level) {
    Skip skip;
    skip.map = map;
    const std::string name = "skip" + std::to_string(map);
    for (std::size_t i = 0; i <= level; ++i) {
      const std::int64_t in = i == 0 ? input_.stages[map].channels : width;
      skip.ups.push_back(
          register_module(name + "_up" + std::to_string(i), doubling(in, width, steps[i])));
      if (i > 0) {
        skip.convs.push_back(
            register_module(name + "_conv" + std::to_string(i), convolution(width, width)));
      }
    }
    return skip;
  }

  void check(const std::vector<at::Tensor>& features, at::IntArrayRef input_size) const {
    if (features.size() != input_.stages.size()) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("unetr_decoder: expected {} feature maps of the encoder, found {}",
                              input_.stages.size(),
                              features.size()));
    }
    for (std::size_t s = 0; s < features.size(); ++s) {
      std::vector<std::int64_t> expected = {features[s].size(0), input_.stages[s].channels};
      for (std::size_t axis = 0; axis < input_size.size(); ++axis) {
        expected.push_back(input_size[axis] / input_.stages[s].stride.at(axis));
      }
      if (features[s].sizes() != at::IntArrayRef(expected)) {
        throw Error(ErrorCode::kInvalidArgument,
                    fmt::format("unetr_decoder: feature map {} is {}, expected {} for an input of "
                                "{}",
                                s,
                                fmt::join(features[s].sizes(), "x"),
                                fmt::join(expected, "x"),
                                fmt::join(input_size, "x")));
      }
    }
  }

  HeadInput input_;
  NormKind norm_;
  double slope_;
  std::vector<Level> levels_;  // coarsest first
  std::shared_ptr<Conv> scores_;
};

}  // namespace

std::shared_ptr<Head> make_unetr_decoder(const UnetrDecoderOptions& options,
                                         const HeadInput& input) {
  if (input.stages.empty() || (input.dimensions != 2 && input.dimensions != 3) ||
      input.classes < 1) {
    throw Error(
        ErrorCode::kInvalidArgument,
        "unetr_decoder: expected an encoder with at least one stage in 2 or 3 dimensions and at "
        "least one class");
  }
  for (const Encoder::Stage& stage : input.stages) {
    bool fits = static_cast<int>(stage.stride.size()) == input.dimensions &&
                stage.stride == input.stages[0].stride;
    std::int64_t product = 1;
    for (const std::int64_t axis : stage.stride) {
      fits = fits && axis > 0 && (axis & (axis - 1)) == 0;
      product *= axis;
    }
    if (!fits || product < 2) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("unetr_decoder: expected stages of one stride, a power of two along "
                              "each of {} axes and more than 1 along one, found {}; choose such an "
                              "encoder.patch, or head.name: unet_decoder for a pyramid",
                              input.dimensions,
                              fmt::join(stage.stride, "x")));
    }
  }
  return std::make_shared<UnetrDecoder>(options, input);
}

}  // namespace marrow
