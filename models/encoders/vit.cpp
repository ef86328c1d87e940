#include "models/encoders/vit.h"

#include <algorithm>
#include <string>
#include <vector>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/error.h"
#include "models/encoders/vit_options.h"
#include "models/layers/drop_path.h"
#include "models/layers/patch_embed.h"
#include "models/layers/position_embedding.h"
#include "models/layers/token_norm.h"
#include "models/layers/transformer_block.h"
#include "models/token_encoder.h"

namespace marrow {

namespace {

struct VitShape {
  std::int64_t width;
  std::int64_t depth;
  std::int64_t heads;
};

VitShape vit_shape(const VitOptions& options) {
  if (options.size == "tiny") {
    return {192, 12, 3};
  }
  if (options.size == "small") {
    return {384, 12, 6};
  }
  if (options.size == "base") {
    return {768, 12, 12};
  }
  if (options.size == "large") {
    return {1024, 24, 16};
  }
  return {options.width, options.depth, options.heads};
}

// One number for each axis.
std::vector<std::int64_t> per_axis(const std::vector<std::int64_t>& numbers,
                                   std::int64_t axes,
                                   const char* key) {
  if (numbers.size() == 1) {
    return std::vector<std::int64_t>(static_cast<std::size_t>(axes), numbers[0]);
  }
  if (static_cast<std::int64_t>(numbers.size()) != axes) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("vit.{}: expected 1 or {} numbers, found {}; give one for all axes or "
                            "one for each",
                            key,
                            axes,
                            numbers.size()));
  }
  return numbers;
}

// Patches per axis of the input that the position embedding is made for.
std::vector<std::int64_t> embedded_grid(const VitOptions& options,
                                        const std::vector<std::int64_t>& patch) {
  // The usual inputs of masked autoencoders.
  const std::int64_t usual = options.dimensions == 2 ? 224 : 96;
  const std::vector<std::int64_t> size =
      per_axis(options.image_size.empty() ? std::vector<std::int64_t>{usual} : options.image_size,
               options.dimensions,
               "image_size");
  std::vector<std::int64_t> grid;
  for (std::size_t axis = 0; axis < size.size(); ++axis) {
    if (size[axis] % patch[axis] != 0) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("vit.image_size: expected a multiple of the patch {} along axis {}, "
                              "found {}; change image_size or patch",
                              patch[axis],
                              axis,
                              size[axis]));
    }
    grid.push_back(size[axis] / patch[axis]);
  }
  return grid;
}

std::vector<std::int64_t> map_blocks(const VitOptions& options, std::int64_t depth) {
  if (options.feature_blocks.empty()) {
    std::vector<std::int64_t> blocks;
    const std::int64_t maps = std::min<std::int64_t>(4, depth);
    for (std::int64_t i = 1; i <= maps; ++i) {
      blocks.push_back(depth * i / maps);
    }
    return blocks;
  }
  for (std::size_t i = 1; i < options.feature_blocks.size(); ++i) {
    if (options.feature_blocks[i] <= options.feature_blocks[i - 1]) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("vit.feature_blocks: expected rising numbers, found {}",
                              fmt::join(options.feature_blocks, ", ")));
    }
  }
  if (options.feature_blocks.back() != depth) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("vit.feature_blocks: expected the last to be block {}, the last of the "
                            "encoder, found {}",
                            depth,
                            options.feature_blocks.back()));
  }
  return options.feature_blocks;
}

at::Tensor small_normal(const std::vector<std::int64_t>& shape) {
  const at::NoGradGuard no_grad;
  return at::empty(shape).normal_(0.0, 0.02);  // as MAE draws its tokens
}

class Vit : public TokenEncoder {
 public:
  explicit Vit(const VitOptions& options)
      : options_(options),
        shape_(vit_shape(options)),
        patch_(per_axis(options.patch, options.dimensions, "patch")),
        made_for_(embedded_grid(options, patch_)),
        feature_blocks_(map_blocks(options, shape_.depth)),
        fixed_(shape_.width) {
    if (options.pool == "class" && !options.class_token) {
      throw Error(ErrorCode::kInvalidArgument,
                  "vit.pool: class needs the class token, but class_token is false; choose pool: "
                  "mean or class_token: true");
    }
    if (options.class_token) {
      cls_token_ = register_parameter("cls_token", small_normal({1, 1, shape_.width}));
    }
    add_positions();
    patch_embed_ = register_module(
        "patch_embed", std::make_shared<PatchEmbed>(options.input_channels, shape_.width, patch_));
    const auto blocks = register_module("blocks", std::make_shared<torch::nn::Module>());
    for (std::int64_t b = 0; b < shape_.depth; ++b) {
      blocks_.push_back(blocks->register_module(
          std::to_string(b),
          std::make_shared<TransformerBlock>(TransformerBlock::Options{
              .width = shape_.width,
              .heads = shape_.heads,
              .drop_path = drop_path_rate(options.drop_path, b, shape_.depth),
              .layer_scale = options.layer_scale})));
    }
    norm_ = register_module("norm", std::make_shared<TokenNorm>(shape_.width));
    if (options.pool == "mean") {
      fc_norm_ = register_module("fc_norm", std::make_shared<TokenNorm>(shape_.width));
    }
    stages_.assign(feature_blocks_.size(), {shape_.width, patch_});
  }

  std::vector<at::Tensor> features(const at::Tensor& x) override {
    const std::vector<std::int64_t> cells = grid(x);
    std::vector<at::Tensor> maps;
    TokenStream tokens{embedded(x, {}), {}};
    auto wanted = feature_blocks_.begin();
    for (std::int64_t b = 1; b <= shape_.depth; ++b) {
      tokens = blocks_[static_cast<std::size_t>(b - 1)]->forward(tokens);
      if (wanted != feature_blocks_.end() && *wanted == b) {
        const at::Tensor sum = tokens.tokens();
        const at::Tensor shown = b == shape_.depth ? norm_->forward(sum) : sum;
        maps.push_back(of_patches(shown).transpose(1, 2).unflatten(2, cells));
        ++wanted;
      }
    }
    return maps;
  }

  at::Tensor pooled(const at::Tensor& x) override {
    const at::Tensor tokens = through_blocks(x, {}).tokens();
    return options_.pool == "class" ? norm_->forward(tokens.select(1, 0))
                                    : fc_norm_->forward(of_patches(tokens).mean(1));
  }

  at::Tensor encode(const at::Tensor& x, const at::Tensor& kept) override {
    const TokenStream tokens = through_blocks(x, kept);
    return norm_->of_sum(tokens.stream, tokens.branch).normed;
  }

  [[nodiscard]] const std::vector<Stage>& stages() const override { return stages_; }

  [[nodiscard]] std::int64_t input_channels() const override { return options_.input_channels; }

  [[nodiscard]] int dimensions() const override { return static_cast<int>(options_.dimensions); }

  [[nodiscard]] const std::vector<std::int64_t>& patch() const override { return patch_; }

  [[nodiscard]] std::vector<std::int64_t> grid(const at::Tensor& x) const override {
    return patch_embed_->grid(x);
  }

  [[nodiscard]] std::int64_t width() const override { return shape_.width; }

  [[nodiscard]] bool has_class_token() const override { return options_.class_token; }

 private:
  [[nodiscard]] std::int64_t patches_start() const { return options_.class_token ? 1 : 0; }

  [[nodiscard]] at::Tensor of_patches(const at::Tensor& tokens) const {
    return tokens.slice(1, patches_start());
  }

  // "pos_embed" [1, (1 +) L, width], the class token's row first, which is 0 when fixed.
  void add_positions() {
    std::int64_t rows = patches_start();
    std::int64_t patches = 1;
    for (const std::int64_t cells : made_for_) {
      patches *= cells;
    }
    rows += patches;
    if (options_.positions == "learned") {
      pos_embed_ = register_parameter("pos_embed", small_normal({1, rows, shape_.width}));
      return;
    }
    at::Tensor positions = at::zeros({1, rows, shape_.width});
    of_patches(positions).copy_(sincos_positions(made_for_, shape_.width).unsqueeze(0));
    pos_embed_ = register_buffer("pos_embed", positions);
  }

  // [1, L, width] for the grid of an input.
  [[nodiscard]] at::Tensor positions(const std::vector<std::int64_t>& cells) {
    if (options_.positions == "fixed" && cells != made_for_) {
      return fixed_.of(cells, pos_embed_);
    }
    return resized_positions(of_patches(pos_embed_), made_for_, cells);
  }

  // Tokens with their positions, those of `kept` only when it is defined.
  [[nodiscard]] at::Tensor embedded(const at::Tensor& x, const at::Tensor& kept) {
    at::Tensor places = positions(grid(x));
    if (kept.defined()) {
      places = gather_tokens(places.expand({x.size(0), -1, -1}), kept);
    }
    const at::Tensor tokens = patch_embed_->forward(x, kept) + places;
    if (!cls_token_.defined()) {
      return tokens;
    }
    const at::Tensor first = cls_token_ + pos_embed_.slice(1, 0, 1);
    return at::cat({first.expand({x.size(0), -1, -1}), tokens}, 1);
  }

  [[nodiscard]] TokenStream through_blocks(const at::Tensor& x, const at::Tensor& kept) {
    TokenStream tokens{embedded(x, kept), {}};
    for (const auto& block : blocks_) {
      tokens = block->forward(tokens);
    }
    return tokens;
  }

  VitOptions options_;
  VitShape shape_;
  std::vector<std::int64_t> patch_;
  std::vector<std::int64_t> made_for_;  // grid
  std::vector<std::int64_t> feature_blocks_;
  FixedPositions fixed_;  // for other grids
  at::Tensor cls_token_;
  at::Tensor pos_embed_;
  std::shared_ptr<PatchEmbed> patch_embed_;
  std::vector<std::shared_ptr<TransformerBlock>> blocks_;
  std::shared_ptr<TokenNorm> norm_;
  std::shared_ptr<TokenNorm> fc_norm_;
  std::vector<Stage> stages_;
};

}  // namespace

std::shared_ptr<Encoder> make_vit(const ConfigSection& options) {
  return std::make_shared<Vit>(options.parse<VitOptions>());
}

std::vector<std::int64_t> vit_position_grid(const ConfigSection& options) {
  const auto parsed = options.parse<VitOptions>();
  return embedded_grid(parsed, per_axis(parsed.patch, parsed.dimensions, "patch"));
}

}  // namespace marrow
