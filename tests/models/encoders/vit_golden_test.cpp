// Against timm's vision transformer: tests/data/golden/make_vit.py.

#include <algorithm>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "core/config/config.h"
#include "models/token_encoder.h"
#include "tests/support/golden_tensors.h"

namespace marrow {
namespace {

using testing::golden;
using testing::golden_tensor;
using testing::largest_difference;

at::Tensor wave(at::IntArrayRef shape, double shift) {
  std::int64_t count = 1;
  for (const std::int64_t size : shape) {
    count *= size;
  }
  return (at::arange(count, at::kDouble) * 0.37 + shift).sin().reshape(shape) * 0.3;
}

// All weights and positions by name, in the order of their names.
std::vector<std::pair<std::string, at::Tensor>> state(const torch::nn::Module& module) {
  std::vector<std::pair<std::string, at::Tensor>> tensors;
  for (const auto& item : module.named_parameters()) {
    tensors.emplace_back(item.key(), item.value());
  }
  for (const auto& item : module.named_buffers()) {
    tensors.emplace_back(item.key(), item.value());
  }
  std::sort(tensors.begin(), tensors.end(), [](const auto& a, const auto& b) {
    return a.first < b.first;
  });
  return tensors;
}

std::shared_ptr<TokenEncoder> waving_vit(const std::string& options) {
  Encoders table("encoder");
  add_builtin_encoders(table);
  const auto encoder = std::dynamic_pointer_cast<TokenEncoder>(
      table.find("vit").make(Config::from_text("encoder: {dimensions: 2, input_channels: 2, size: "
                                               "custom, width: 12, depth: 3, heads: 2, patch: [4], "
                                               "image_size: [8, 12], feature_blocks: [1, 2, 3], " +
                                                   options + "}",
                                               "test")
                                 .section("encoder")));
  encoder->to(at::kDouble);
  encoder->eval();
  at::NoGradGuard no_grad;
  double shift = 0;
  for (auto& [name, tensor] : state(*encoder)) {
    tensor.copy_(wave(tensor.sizes(), shift));
    ++shift;
  }
  return encoder;
}

at::Tensor input() {
  return wave({2, 2, 8, 12}, 0.5) * 3;
}

TEST(VitGolden, HasTimmsNamesAndShapes) {
  const auto vectors = golden("vit");
  for (const auto& [name, options] :
       {std::pair<std::string, std::string>{"mean",
                                            "pool: mean, positions: learned, layer_scale: 0.1"},
        std::pair<std::string, std::string>{"class", "pool: class, positions: fixed"}}) {
    const auto ours = state(*waving_vit(options));
    EXPECT_EQ(ours.size() - (name == "mean" ? 2 : 0), vectors[name]["names"].size()) << name;
    for (const auto& [key, tensor] : ours) {
      if (name == "mean" && (key == "norm.weight" || key == "norm.bias")) {
        continue;  // timm leaves it out where fc_norm takes its place
      }
      ASSERT_TRUE(vectors[name]["names"].contains(key)) << key;
      EXPECT_EQ(tensor.sizes().vec(), vectors[name]["names"][key].get<std::vector<std::int64_t>>())
          << key;
    }
  }
}

TEST(VitGolden, PoolsTheMeanOfThePatchesThroughItsOwnNorm) {
  const auto vectors = golden("vit")["mean"];
  const auto encoder = waving_vit("pool: mean, positions: learned, layer_scale: 0.1");
  at::NoGradGuard no_grad;
  double shift = 0;
  for (auto& [name, tensor] : state(*encoder)) {
    if (!name.starts_with("norm.")) {  // which timm does not have and did not count
      tensor.copy_(wave(tensor.sizes(), shift));
      ++shift;
    }
  }

  const std::vector<at::Tensor> maps = encoder->features(input());
  const at::Tensor pooled = encoder->pooled(input());

  EXPECT_LT(largest_difference(maps[0], golden_tensor(vectors["map1"])), 1e-9);
  EXPECT_LT(largest_difference(maps[1], golden_tensor(vectors["map2"])), 1e-9);
  EXPECT_LT(largest_difference(pooled, golden_tensor(vectors["pooled"])), 1e-9);
}

TEST(VitGolden, TakesTheNormedClassTokenAndNormsTheLastMap) {
  const auto vectors = golden("vit")["class"];
  const auto encoder = waving_vit("pool: class, positions: learned");
  at::NoGradGuard no_grad;

  const std::vector<at::Tensor> maps = encoder->features(input());
  const at::Tensor tokens = golden_tensor(vectors["tokens"]);

  EXPECT_LT(largest_difference(maps[1], golden_tensor(vectors["map2"])), 1e-9);
  EXPECT_LT(largest_difference(maps[2].flatten(2).transpose(1, 2), tokens.slice(1, 1)), 1e-9);
  EXPECT_LT(largest_difference(encoder->pooled(input()), golden_tensor(vectors["pooled"])), 1e-9);
}

TEST(VitGolden, EncodesAllPatchesAsTimmDoes) {
  const auto vectors = golden("vit")["class"];
  const auto encoder = waving_vit("pool: class, positions: fixed");
  at::NoGradGuard no_grad;
  const at::Tensor all = at::arange(6, at::kLong).expand({2, 6});

  const at::Tensor tokens = encoder->encode(input(), all);

  EXPECT_LT(largest_difference(tokens, golden_tensor(vectors["tokens"])), 1e-9);
}

}  // namespace
}  // namespace marrow
