#include "models/training/optimizer.h"

#include <cmath>
#include <map>
#include <set>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include "core/error.h"

namespace marrow {

namespace {

// Mask tokens, class tokens and the like are called "token..." or "..._token", whatever module they
// belong to; learned positions are called "pos_embed".
bool is_token(const std::string& parameter) {
  const std::string name = parameter.substr(parameter.rfind('.') + 1);
  return name.starts_with("token") || name.ends_with("_token") || name == "pos_embed";
}

}  // namespace

AdamW::AdamW(const Objective& objective, const Options& options) : options_(options) {
  std::map<std::string, double> scales;
  const std::vector<ParameterGroup> groups = objective.parameter_groups();
  for (const ParameterGroup& group : groups) {
    for (const std::string& name : group.parameters) {
      MARROW_CHECK(scales.emplace(name, group.lr_scale).second);
    }
  }
  for (const auto& item : objective.named_parameters()) {
    if (!item.value().requires_grad()) {
      continue;
    }
    const auto found = scales.find(item.key());
    MARROW_CHECK(groups.empty() || found != scales.end());
    Slot slot;
    slot.name = item.key();
    slot.parameter = item.value();
    slot.average = at::zeros_like(item.value());
    slot.square = at::zeros_like(item.value());
    slot.count = at::zeros({}, item.value().options().dtype(at::kFloat));
    slot.lr_scale = groups.empty() ? 1.0 : found->second;
    slot.decays = item.value().dim() > 1 && !is_token(item.key());
    slots_.push_back(std::move(slot));
  }
}

void AdamW::match_gradient_strides() {
  for (Slot& slot : slots_) {
    at::Tensor& gradient = slot.parameter.mutable_grad();
    if (gradient.defined() && gradient.strides() != slot.parameter.strides()) {
      gradient = at::empty_like(slot.parameter.detach()).copy_(gradient);
    }
  }
}

double AdamW::gradient_norm() {
  const at::NoGradGuard no_grad;
  match_gradient_strides();
  std::vector<at::Tensor> gradients;
  for (const Slot& slot : slots_) {
    if (slot.parameter.grad().defined()) {
      gradients.push_back(slot.parameter.grad());
    }
  }
  if (gradients.empty()) {
    return 0;
  }
  return at::stack(at::_foreach_norm(gradients)).norm().item<double>();
}

void AdamW::scale_gradients(double factor) {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> gradients;
  for (const Slot& slot : slots_) {
    if (slot.parameter.grad().defined()) {
      gradients.push_back(slot.parameter.grad());
    }
  }
  at::_foreach_mul_(gradients, factor);
}

void AdamW::step(double lr, double weight_decay) {
  const at::NoGradGuard no_grad;
  match_gradient_strides();
  std::set<std::pair<double, bool>> kinds;
  for (const Slot& slot : slots_) {
    kinds.emplace(slot.lr_scale, slot.decays);
  }
  for (const auto& [scale, decays] : kinds) {
    std::vector<at::Tensor> parameters;
    std::vector<at::Tensor> gradients;
    std::vector<at::Tensor> averages;
    std::vector<at::Tensor> squares;
    std::vector<at::Tensor> counts;
    for (Slot& slot : slots_) {
      if (slot.lr_scale != scale || slot.decays != decays || !slot.parameter.grad().defined()) {
        continue;
      }
      slot.count.add_(1);  // the fused kernel does not count
      parameters.push_back(slot.parameter);
      gradients.push_back(slot.parameter.grad());
      averages.push_back(slot.average);
      squares.push_back(slot.square);
      counts.push_back(slot.count);
    }
    if (!parameters.empty() && lr * scale > 0) {
      at::_fused_adamw_(parameters,
                        gradients,
                        averages,
                        squares,
                        {},
                        counts,
                        lr * scale,
                        options_.beta1,
                        options_.beta2,
                        decays ? weight_decay : 0.0,
                        options_.eps,
                        false,
                        false);
    }
  }
}

void AdamW::zero_gradients() {
  for (Slot& slot : slots_) {
    slot.parameter.mutable_grad().reset();
  }
}

std::vector<std::pair<std::string, at::Tensor>> AdamW::state() const {
  std::vector<std::pair<std::string, at::Tensor>> state;
  for (const Slot& slot : slots_) {
    state.emplace_back("average." + slot.name, slot.average);
    state.emplace_back("square." + slot.name, slot.square);
    state.emplace_back("count." + slot.name, slot.count);
  }
  return state;
}

void AdamW::load(const std::string& name, const at::Tensor& value) {
  const at::NoGradGuard no_grad;
  for (Slot& slot : slots_) {
    for (const auto& [key, tensor] : {std::pair{"average." + slot.name, slot.average},
                                      std::pair{"square." + slot.name, slot.square},
                                      std::pair{"count." + slot.name, slot.count}}) {
      if (key == name) {
        MARROW_CHECK(tensor.sizes() == value.sizes());
        tensor.copy_(value);
        return;
      }
    }
  }
  throw Error(ErrorCode::kUnreadable,
              "checkpoint: the optimizer has no state called \"" + name + "\"");
}

}  // namespace marrow
