#pragma once

#include <memory>
#include <string>
#include <vector>

#include <ATen/Context.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/rand_like.h>
#include <ATen/ops/randn_like.h>

#include "core/config/config.h"
#include "models/encoder.h"
#include "models/onnx/onnx_export.h"

namespace marrow::testing_support {

inline std::shared_ptr<Encoder> make_encoder(const std::string& part, const std::string& yaml) {
  Encoders encoders("encoder");
  add_builtin_encoders(encoders);
  at::manual_seed(1);
  return encoders.find(part).make(Config::from_text(yaml, "test").section("encoder"));
}

// Norms and biases away from the ones and zeros that they begin with, as if trained.
inline void disturb(torch::nn::Module& module) {
  const at::NoGradGuard no_grad;
  for (auto& item : module.named_parameters()) {
    if (item.value().dim() == 1) {
      item.value().add_(at::randn_like(item.value()), 0.2);
    }
  }
  for (auto& item : module.named_buffers()) {
    if (item.key().ends_with("running_var")) {
      item.value().copy_(at::rand_like(item.value()) + 0.5);
    } else if (item.value().is_floating_point()) {
      item.value().add_(at::randn_like(item.value()), 0.2);
    }
  }
}

inline TensorForward features_of(const std::shared_ptr<Encoder>& encoder) {
  return [encoder](const at::Tensor& x) { return encoder->features(x); };
}

// "stage0", "stage1", ...
inline std::vector<std::string> stage_names(const Encoder& encoder) {
  std::vector<std::string> names;
  for (std::size_t s = 0; s < encoder.stages().size(); ++s) {
    names.push_back("stage" + std::to_string(s));
  }
  return names;
}

}  // namespace marrow::testing_support
