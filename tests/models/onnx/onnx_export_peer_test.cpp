// Exported networks give the same numbers in ONNX Runtime.

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "models/head.h"
#include "models/onnx/onnx_export.h"
#include "models/weights/safetensors.h"
#include "tests/support/onnx_networks.h"
#include "tests/support/python_peer.h"

namespace marrow {
namespace {

using testing_support::features_of;
using testing_support::make_encoder;
using testing_support::stage_names;

// The largest difference between our outputs and the runtime's of every case, relative to the
// larger of 1 and the largest value.
constexpr const char* kRuntimeCompares = R"(
import json, sys
import numpy, onnx, onnxruntime
from safetensors.numpy import load_file
answers = {}
for case in sys.argv[1:]:
    onnx.checker.check_model(case + ".onnx", full_check=True)
    session = onnxruntime.InferenceSession(case + ".onnx", providers=["CPUExecutionProvider"])
    wanted = load_file(case + ".safetensors")
    found = session.run(None, {session.get_inputs()[0].name: wanted.pop("input")})
    names = [output.name for output in session.get_outputs()]
    assert sorted(names) == sorted(wanted), (names, list(wanted))
    worst = 0.0
    for name, ours in zip(names, found):
        assert wanted[name].shape == ours.shape, (name, wanted[name].shape, ours.shape)
        difference = numpy.abs(wanted[name].astype("f8") - ours.astype("f8")).max()
        worst = max(worst, float(difference / max(1.0, numpy.abs(wanted[name]).max())))
    answers[case] = worst
print(json.dumps(answers))
)";

class OnnxExportPeer : public testing_support::PythonPeer {
 protected:
  void SetUp() override {
    PythonPeer::SetUp();
    if (!IsSkipped() &&
        std::system((python().string() + " -c 'import onnx, onnxruntime' 2>/dev/null").c_str()) !=
            0) {
      GTEST_SKIP() << "the Python environment of peers has no onnxruntime; make it again with: "
                      "./run peers";
    }
  }

  // Exports for one sample and lets the network see three.
  void add(const std::string& name,
           torch::nn::Module& module,
           const TensorForward& forward,
           std::vector<std::int64_t> size,
           const std::vector<std::string>& outputs = {"output"}) {
    const at::NoGradGuard no_grad;
    testing_support::disturb(module);
    size[0] = 1;
    export_onnx(module, forward, at::randn(size), {.outputs = outputs}, file(name + ".onnx"));
    size[0] = 3;
    TensorFile content;
    content.tensors.emplace_back("input", at::randn(size));
    const std::vector<at::Tensor> made = forward(content.tensors[0].second);
    for (std::size_t i = 0; i < made.size(); ++i) {
      content.tensors.emplace_back(outputs.at(i), made[i].contiguous());
    }
    write_safetensors(file(name + ".safetensors"), content);
    cases_.push_back(name);
  }

  void add_encoder(const std::string& name,
                   const std::shared_ptr<Encoder>& encoder,
                   const std::vector<std::int64_t>& size) {
    add(name, *encoder, features_of(encoder), size, stage_names(*encoder));
  }

  void add_operation(const std::string& name,
                     const std::function<at::Tensor(const at::Tensor&)>& operation,
                     const std::vector<std::int64_t>& size) {
    torch::nn::Module nothing;
    add(
        name,
        nothing,
        [operation](const at::Tensor& x) { return std::vector<at::Tensor>{operation(x)}; },
        size);
  }

  // 1e-4 of the values: float32 sums in another order, through tens of layers.
  void expect_equal_outputs() {
    const nlohmann::json answers = run_python(kRuntimeCompares, cases_);
    ASSERT_EQ(answers.size(), cases_.size());
    for (const auto& [name, difference] : answers.items()) {
      EXPECT_LT(difference.get<double>(), 1e-4) << name;
    }
  }

 private:
  std::vector<std::string> cases_;
};

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

// An encoder and what stands on it.
class WithHead : public torch::nn::Module {
 public:
  WithHead(std::shared_ptr<Encoder> encoder, const std::string& head, std::int64_t classes)
      : encoder_(std::move(encoder)) {
    register_module("encoder", encoder_);
    if (head.empty()) {
      const std::int64_t features = encoder_->stages().back().channels;
      weight_ = register_parameter("head.weight", at::randn({classes, features}));
      bias_ = register_parameter("head.bias", at::randn({classes}));
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
               make_encoder("resnet", "encoder:\n  dimensions: 2\n  depth: 10\n  width: 4\n"),
               "unet_decoder",
               4),
           {1, 1, 60, 76});
  add_head("classifier3d",
           std::make_shared<WithHead>(make_encoder("resenc_unet", kResenc3d), "", 5),
           {1, 1, 16, 24, 20});

  expect_equal_outputs();
}

TEST_F(OnnxExportPeer, SingleOperationsGiveTheSameNumbers) {
  const at::Tensor kernel = at::randn({6});
  const at::Tensor token = at::randn({1, 1, 10});
  const at::Tensor matrix = at::randn({7, 10});
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
                [](const at::Tensor& x) {
                  const at::Tensor order = at::tensor({2, 0, 1, 1}, at::kLong);
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
