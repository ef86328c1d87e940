#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include "core/config/config.h"
#include "models/encoder.h"
#include "models/encoders/vit.h"
#include "models/weights/name_map.h"
#include "models/weights/safetensors.h"

namespace marrow::testing_support {

// What tests/data/weights/make_references.py wrote of another tool's network.
struct WeightReference {
  TensorFile weights;
  at::Tensor input;
  std::vector<at::Tensor> expected;  // one map per stage
  at::Tensor pooled;                 // undefined where the tool has no such row
  ConfigSection encoder;             // what it is for us
};

inline WeightReference read_weight_reference(const std::filesystem::path& file) {
  const TensorFile content = read_safetensors(file);
  WeightReference reference;
  constexpr double kSteps = 64.0;  // int8 weights are multiples of 1 / 64
  const std::string prefix = "weights.";
  for (const auto& [name, tensor] : content.tensors) {
    if (name.starts_with(prefix)) {
      reference.weights.tensors.emplace_back(
          name.substr(prefix.size()),
          tensor.scalar_type() == at::kChar ? tensor.to(at::kFloat).div(kSteps) : tensor);
    }
  }
  reference.input = content.find("input").to(at::kFloat);
  for (int stage = 0; content.find("expected." + std::to_string(stage)).defined(); ++stage) {
    reference.expected.push_back(content.find("expected." + std::to_string(stage)));
  }
  reference.pooled = content.find("expected.pooled");
  reference.encoder = Config::from_text("encoder: " + content.metadata.at("encoder"), file.string())
                          .section("encoder");
  return reference;
}

inline const Encoders& builtin_encoders() {
  static const Encoders kTable = [] {
    Encoders encoders("encoder");
    add_builtin_encoders(encoders);
    return encoders;
  }();
  return kTable;
}

inline std::shared_ptr<Encoder> make_encoder(const ConfigSection& section) {
  return builtin_encoders().find(section.part_name("")).make(section);
}

// Its own network for the reference, imported.
inline WeightImport import_reference(Encoder& encoder, const WeightReference& reference) {
  const std::string part = reference.encoder.part_name("");
  WeightImportOptions options;
  if (part == "vit") {
    options.grid = vit_position_grid(reference.encoder);
  }
  return import_weights(encoder, part, reference.weights, options, "theirs");
}

// The largest difference, in units of the largest value.
inline double relative_difference(const at::Tensor& a, const at::Tensor& b) {
  return a.sizes() != b.sizes()
             ? 1.0
             : ((a - b).abs().max() / b.abs().max().clamp_min(1.0)).item<double>();
}

// How near the features come, float32. MONAI's transformer norms with an epsilon of 1e-5 where ours
// has timm's 1e-6; with 1e-6 there as well they agree as the others do.
inline double feature_tolerance(const std::string& network) {
  return network == "vit_monai" ? 5e-4 : 1e-4;
}

// Features of `encoder` in evaluation mode against those of the tool.
inline void expect_same_features(Encoder& encoder,
                                 const WeightReference& reference,
                                 double tolerance) {
  const at::NoGradGuard no_grad;
  encoder.eval();
  const std::vector<at::Tensor> maps = encoder.features(reference.input);
  ASSERT_FALSE(reference.expected.empty());
  ASSERT_GE(maps.size(), reference.expected.size());
  for (std::size_t stage = 0; stage < reference.expected.size(); ++stage) {
    EXPECT_LT(relative_difference(maps[stage], reference.expected[stage]), tolerance)
        << "stage " << stage;
  }
  if (reference.pooled.defined()) {
    EXPECT_LT(relative_difference(encoder.pooled(reference.input), reference.pooled), tolerance);
  }
}

}  // namespace marrow::testing_support
