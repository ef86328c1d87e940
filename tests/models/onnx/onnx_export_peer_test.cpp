// Exported networks give the same numbers in ONNX Runtime.

#include "tests/support/onnx_export_peer.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "models/head.h"
#include "models/onnx/onnx_export.h"
#include "models/weights/safetensors.h"
#include "tests/support/onnx_networks.h"

namespace marrow {
namespace {

using testing_support::features_of;
using testing_support::make_encoder;
using testing_support::OnnxExportPeer;
using testing_support::stage_names;

TEST_F(OnnxExportPeer, ResidualNetworksGiveTheSameMaps) {
  add_encoder("resnet2d",
              make_encoder("resnet", "encoder:\n  dimensions: 2\n  depth: 50\n  width: 8\n"),
              {1, 1, 64, 96});
  add_encoder("resnet3d",
              make_encoder("resnet", "encoder:\n  dimensions: 3\n  depth: 50\n  width: 8\n"),
              {1, 1, 32, 64, 32});
  add_encoder("resnet3d_basic",
              make_encoder("resnet", "encoder:\n  dimensions: 3\n  depth: 18\n  width: 8\n"),
              {1, 1, 32, 32, 64});

  expect_equal_outputs();
}

constexpr const char* kResenc2d =
    "encoder:\n  dimensions: 2\n  features: [8, 12, 16]\n  strides: [1, 2, 2]\n  blocks: [1, 2, "
    "2]\n";
constexpr const char* kResenc3d =
    "encoder:\n  dimensions: 3\n  features: [8, 12, 16]\n  strides: [1, 2, 2]\n  blocks: [1, 2, "
    "2]\n";

TEST_F(OnnxExportPeer, ResidualEncodersGiveTheSameMaps) {
  add_encoder("resenc2d", make_encoder("resenc_unet", kResenc2d), {1, 1, 24, 40});
  add_encoder("resenc3d", make_encoder("resenc_unet", kResenc3d), {1, 1, 16, 24, 20});
  add_encoder("resenc3d_batch",
              make_encoder("resenc_unet", std::string(kResenc3d) + "  norm: batch\n"),
              {1, 1, 16, 24, 20});

  expect_equal_outputs();
}

TEST_F(OnnxExportPeer, NormsOfEveryKindGiveTheSameMaps) {
  for (const char* const norm : {"group, norm_groups: 4", "layer", "instance"}) {
    add_encoder("resnet3d_" + std::string(norm).substr(0, 5),
                make_encoder("resnet",
                             "encoder: {dimensions: 3, depth: 10, width: 8, norm: " +
                                 std::string(norm) + "}"),
                {1, 1, 64, 64, 32});
  }

  expect_equal_outputs();
}

TEST_F(OnnxExportPeer, ConvnextsGiveTheSameMaps) {
  add_encoder("convnext2d",
              make_encoder("convnext",
                           "encoder: {dimensions: 2, input_channels: 2, size: custom, depths: [1, "
                           "2, 1], dims: [4, 6, 8], layer_scale: 0.5}"),
              {1, 2, 32, 48});
  add_encoder("convnext3d",
              make_encoder("convnext",
                           "encoder: {dimensions: 3, stem_stride: 2, size: custom, depths: [1, "
                           "1], dims: [4, 6], layer_scale: 0}"),
              {1, 1, 8, 12, 16});

  expect_equal_outputs();
}

TEST_F(OnnxExportPeer, VisionTransformersGiveTheSameMapsAndTheSamePooledRow) {
  const auto add_vit =
      [&](const std::string& name, const std::string& yaml, const std::vector<std::int64_t>& size) {
        const auto encoder = make_encoder("vit", yaml);
        std::vector<std::string> outputs = stage_names(*encoder);
        outputs.emplace_back("pooled");
        add(
            name,
            *encoder,
            [encoder](const at::Tensor& x) {
              std::vector<at::Tensor> made = encoder->features(x);
              made.push_back(encoder->pooled(x));
              return made;
            },
            size,
            outputs);
      };
  const std::string small = "size: custom, width: 24, depth: 3, heads: 2, ";
  // The grid is another one than that of the positions, which are made anew or interpolated.
  add_vit("vit2d",
          "encoder: {dimensions: 2, " + small + "patch: [8], image_size: [32]}",
          {1, 1, 32, 48});
  add_vit("vit2d_learned",
          "encoder: {dimensions: 2, " + small +
              "patch: [8], image_size: [32], positions: learned, pool: class}",
          {1, 1, 64, 32});
  add_vit("vit3d",
          "encoder: {dimensions: 3, input_channels: 2, size: custom, width: 26, depth: 5, heads: "
          "2, patch: [4, 8, 8], image_size: [8, 16, 24], positions: learned, pool: class, "
          "layer_scale: 0.1, feature_blocks: [2, 5]}",
          {1, 2, 8, 16, 24});
  add_vit("vit3d_learned",
          "encoder: {dimensions: 3, " + small +
              "patch: [8], image_size: [16], class_token: false, positions: learned}",
          {1, 1, 16, 32, 8});

  expect_equal_outputs();
}

// An encoder and what stands on it.
class WithHead : public torch::nn::Module {
 public:
  WithHead(std::shared_ptr<Encoder> encoder, const std::string& head, std::int64_t classes)
      : encoder_(std::move(encoder)) {
    register_module("encoder", encoder_);
    if (head.empty()) {
      const std::int64_t features = encoder_->stages().back().channels;
      weight_ = register_parameter("weight", at::randn({classes, features}));
      bias_ = register_parameter("bias", at::randn({classes}));
      return;
    }
    Heads heads("head");
    add_builtin_heads(heads);
    const HeadInput input{encoder_->stages(), encoder_->dimensions(), classes};
    head_ = register_module(
        "head", heads.find(head).make(Config::from_text("", "test").section("head"), input));
  }

  std::vector<at::Tensor> forward(const at::Tensor& x) {
    if (head_ == nullptr) {
      return {at::linear(encoder_->pooled(x), weight_, bias_)};
    }
    return {head_->logits(encoder_->features(x), x.sizes().slice(2)).front()};
  }

 private:
  std::shared_ptr<Encoder> encoder_;
  std::shared_ptr<Head> head_;
  at::Tensor weight_;
  at::Tensor bias_;
};

TEST_F(OnnxExportPeer, HeadsGiveTheSameLogits) {
  const auto add_head = [&](const std::string& name,
                            const std::shared_ptr<WithHead>& network,
                            const std::vector<std::int64_t>& size) {
    add(
        name, *network, [network](const at::Tensor& x) { return network->forward(x); }, size);
  };
  add_head("segmenter3d",
           std::make_shared<WithHead>(make_encoder("resenc_unet", kResenc3d), "unet_decoder", 3),
           {1, 1, 16, 24, 20});
  // The decoder's maps are larger than the input here and are cut.
  add_head("segmenter2d",
           std::make_shared<WithHead>(
               make_encoder("resnet", "encoder:\n  dimensions: 2\n  depth: 10\n  width: 8\n"),
               "unet_decoder",
               4),
           {1, 1, 60, 76});
  add_head("unetr3d",
           std::make_shared<WithHead>(
               make_encoder("vit",
                            "encoder: {dimensions: 3, size: custom, width: 24, depth: 4, heads: "
                            "2, patch: [8], image_size: [16], feature_blocks: [1, 2, 4]}"),
               "unetr_decoder",
               3),
           {1, 1, 16, 24, 16});
  add_head("classifier3d",
           std::make_shared<WithHead>(make_encoder("resenc_unet", kResenc3d), "", 5),
           {1, 1, 16, 24, 20});

  expect_equal_outputs();
}

TEST_F(OnnxExportPeer, SingleOperationsGiveTheSameNumbers) {
  const at::Tensor kernel = at::randn({6});
  const at::Tensor token = at::randn({1, 1, 10});
  const at::Tensor matrix = at::randn({7, 10});
  const at::Tensor order = at::tensor({2, 0, 1, 1}, at::kLong);
  add_operation("group_norm",
                [&](const at::Tensor& x) { return at::group_norm(x, 3, kernel, kernel); },
                {1, 6, 4, 5, 7});
  add_operation("layer_norm",
                [](const at::Tensor& x) {
                  return at::layer_norm(x, {5, 7});
                },
                {1, 3, 5, 7});
  add_operation("gelu", [](const at::Tensor& x) { return at::gelu(x); }, {1, 3, 5});
  add_operation("gelu_tanh", [](const at::Tensor& x) { return at::gelu(x, "tanh"); }, {1, 3, 5});
  add_operation("activations",
                [](const at::Tensor& x) {
                  return at::silu(x) + x.sigmoid() - x.tanh() * x.exp() / (x.abs() + 1).sqrt() +
                         x.clamp(-1, 0.5) + x.clamp_max(0.2) + at::hardtanh(x, -2, 1) + 1 - x +
                         x.pow(2) + (x.abs() + 1).rsqrt() + (3 - x);
                },
                {1, 3, 5});
  add_operation("class_token",
                [&](const at::Tensor& x) {
                  return at::cat({token.expand({x.size(0), 1, 10}), x}, 1) + token;
                },
                {1, 4, 10});
  add_operation("attention",
                [&](const at::Tensor& x) {
                  const std::int64_t rows = x.size(0);
                  const auto parts = at::cat({x, x * 2, x + 1}, -1)
                                         .reshape({rows, 4, 3, 2, 5})
                                         .permute({2, 0, 3, 1, 4})
                                         .unbind(0);
                  const at::Tensor seen =
                      at::scaled_dot_product_attention(parts[0], parts[1], parts[2]);
                  return at::linear(seen.transpose(1, 2).reshape({rows, 4, 10}), matrix);
                },
                {1, 4, 10});
  add_operation("attention_mask",
                [&](const at::Tensor& x) {
                  return at::scaled_dot_product_attention(
                             x, x, x, at::ones({4, 4}, at::kBool).tril()) +
                         at::scaled_dot_product_attention(x, x, x, at::ones({4, 4}), 0, false, 0.3);
                },
                {1, 2, 4, 10});
  add_operation(
      "windows",
      [](const at::Tensor& x) {
        const at::Tensor windows = x.view({x.size(0), 2, 4, 3, 5}).permute({0, 1, 3, 2, 4});
        const at::Tensor flat = windows.reshape({-1, 20}).softmax(-1);
        return flat.view({x.size(0), 2, 3, 4, 5}).flatten(1, 2).unsqueeze(1).squeeze(1);
      },
      {1, 8, 15});
  add_operation("parts",
                [](const at::Tensor& x) {
                  const auto halves = x.chunk(2, 1);
                  const auto uneven = x.split_with_sizes({1, 4, 1}, 1);
                  return halves[0] * halves[1] + uneven[1].narrow(1, 1, 3) +
                         at::stack({x.select(1, 0), x.select(1, -1), x.select(1, 2)}, 1);
                },
                {1, 6, 5});
  add_operation("positions",
                [&](const at::Tensor& x) {
                  return x.index({at::indexing::Slice(), order}) + x.index_select(1, order);
                },
                {1, 3, 5});
  add_operation("padding2d",
                [](const at::Tensor& x) {
                  return at::replication_pad2d(x, {1, 2, 0, 3});
                },
                {1, 2, 4, 5});
  add_operation("padding3d",
                [](const at::Tensor& x) {
                  return at::replication_pad3d(x, {1, 0, 2, 1, 0, 3});
                },
                {1, 2, 4, 5, 6});
  add_operation("padding_zeros",
                [](const at::Tensor& x) {
                  return at::constant_pad_nd(x, {1, 2}, 0.5);
                },
                {1, 2, 4, 5});
  add_operation("nearest",
                [](const at::Tensor& x) {
                  return at::upsample_nearest3d(x, {8, 5, 9});
                },
                {1, 2, 4, 5, 3});
  add_operation("trilinear",
                [](const at::Tensor& x) {
                  return at::upsample_trilinear3d(x, {8, 10, 9}, false);
                },
                {1, 2, 4, 5, 3});
  add_operation("bilinear",
                [](const at::Tensor& x) {
                  return at::upsample_bilinear2d(x, {7, 10}, true);
                },
                {1, 2, 4, 5});
  add_operation("bicubic",
                [](const at::Tensor& x) {
                  return at::upsample_bicubic2d(x, {8, 10}, false);
                },
                {1, 2, 4, 5});
  add_operation("pools",
                [](const at::Tensor& x) {
                  return at::avg_pool2d(x, {2, 2}) + at::max_pool2d(x, {3, 3}, {2, 2}, {1, 1}) +
                         at::adaptive_avg_pool2d(x, {4, 3}) + at::adaptive_avg_pool2d(x, {1, 1});
                },
                {1, 2, 8, 6});
  add_operation("reductions",
                [](const at::Tensor& x) {
                  return x.mean({2, 3}) + x.sum({-1, -2}) + x.amax({2, 3}) +
                         at::linalg_vector_norm(x, 2, at::IntArrayRef{2, 3}) + x.mean();
                },
                {1, 2, 8, 6});
  add_operation("products",
                [&](const at::Tensor& x) {
                  return at::matmul(at::linear(x, matrix, matrix.select(1, 0)), matrix) +
                         at::bmm(at::bmm(x, x.transpose(1, 2)), x);
                },
                {1, 4, 10});
  add_operation(
      "choices",
      [](const at::Tensor& x) { return at::where(x > 0, x, x * 0.1) + x.masked_fill(x < -1, 3.0); },
      {1, 4, 10});
  add_operation("in_place",
                [](const at::Tensor& x) {
                  at::Tensor y = x * 2;
                  y.add_(x).mul_(0.5).relu_();
                  return y;
                },
                {1, 4, 10});

  expect_equal_outputs();
}

}  // namespace
}  // namespace marrow
