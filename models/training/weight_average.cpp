#include "models/training/weight_average.h"

#include <algorithm>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_lerp.h>
#include <fmt/format.h>

#include "core/error.h"

namespace marrow {

WeightAverage::WeightAverage(const torch::nn::Module& module, double momentum)
    : momentum_(momentum) {
  const at::NoGradGuard no_grad;
  for (const auto& item : module.named_parameters()) {
    if (item.value().requires_grad()) {
      names_.push_back(item.key());
      weights_.push_back(item.value());
      averages_.push_back(item.value().detach().clone());
    }
  }
}

void WeightAverage::update(std::int64_t t) {
  const at::NoGradGuard no_grad;
  const double warm_up = (1 + static_cast<double>(t)) / (10 + static_cast<double>(t));
  at::_foreach_lerp_(averages_, weights_, 1 - std::min(momentum_, warm_up));
}

std::vector<std::pair<std::string, at::Tensor>> WeightAverage::state(
    const std::string& prefix) const {
  std::vector<std::pair<std::string, at::Tensor>> state;
  for (std::size_t n = 0; n < names_.size(); ++n) {
    state.emplace_back(prefix + names_[n], averages_[n]);
  }
  return state;
}

void WeightAverage::load(const TensorFile& content, const std::string& prefix) {
  const at::NoGradGuard no_grad;
  for (std::size_t n = 0; n < names_.size(); ++n) {
    const at::Tensor value = content.find(prefix + names_[n]);
    if (!value.defined() || value.sizes() != averages_[n].sizes()) {
      throw Error(
          ErrorCode::kUnreadable,
          fmt::format("checkpoint: the average \"{}{}\" {}",
                      prefix,
                      names_[n],
                      value.defined() ? "has another shape than the weight" : "is missing"));
    }
    averages_[n].copy_(value);
  }
}

void WeightAverage::swap() {
  for (std::size_t n = 0; n < weights_.size(); ++n) {
    const at::Tensor weight = weights_[n].detach();
    weights_[n].set_data(averages_[n]);
    averages_[n] = weight;
  }
}

AveragedWeights::AveragedWeights(WeightAverage* average) : average_(average) {
  if (average_ != nullptr) {
    average_->swap();
  }
}

AveragedWeights::~AveragedWeights() {
  if (average_ != nullptr) {
    average_->swap();
  }
}

}  // namespace marrow
