#include "models/training/optimizer.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <map>
#include <optional>
#include <tuple>

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/full.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros_like.h>

#include "core/error.h"
#include "models/layers/parallel_tasks.h"
#include "models/training/adamw_kernel.h"

namespace marrow {

namespace {

// Values that one thread takes at a time; sums are made by block and added up in order.
constexpr std::int64_t kOptimizerBlock = 32768;

// Mask tokens, class tokens and the like are called "token..." or "..._token", whatever module they
// belong to; learned positions are called "pos_embed".
bool is_token(const std::string& parameter) {
  const std::string name = parameter.substr(parameter.rfind('.') + 1);
  return name.starts_with("token") || name.ends_with("_token") || name == "pos_embed";
}

// Whether both walk memory in the same order; the stride of an axis of size 1 says nothing.
bool same_walk(const at::Tensor& a, const at::Tensor& b) {
  for (std::int64_t axis = 0; axis < a.dim(); ++axis) {
    if (a.size(axis) > 1 && a.stride(axis) != b.stride(axis)) {
      return false;
    }
  }
  return true;
}

std::int64_t blocks_of(std::int64_t values) {
  return (values + kOptimizerBlock - 1) / kOptimizerBlock;
}

// Calls body(block) for every block. Each thread takes the next one when it is free: a fixed share
// would wait for a thread that the system has put aside.
template <class Body>
void for_blocks_of(std::int64_t values, const Body& body) {
  const std::int64_t blocks = blocks_of(values);
  std::atomic<std::int64_t> next = 0;
  parallel_tasks(std::min<std::int64_t>(blocks, at::get_num_threads()), [&](std::int64_t) {
    for (std::int64_t block = next++; block < blocks; block = next++) {
      body(block);
    }
  });
}

template <class T>
double sum_of_squares_of(const AdamWKernel<T>& kernel,
                         const at::Tensor& x,
                         std::int64_t offset,
                         std::int64_t count) {
  return kernel.sum_of_squares(count, x.const_data_ptr<T>() + offset);
}

}  // namespace

AdamW::AdamW(const Objective& objective, const Options& options) : options_(options) {
  std::map<std::string, std::size_t> places;
  const std::vector<ParameterGroup> groups = objective.parameter_groups();
  for (std::size_t group = 0; group < groups.size(); ++group) {
    for (const std::string& name : groups[group].parameters) {
      MARROW_CHECK(places.emplace(name, group).second);
    }
  }
  for (const auto& item : objective.named_parameters()) {
    if (!item.value().requires_grad()) {
      continue;
    }
    const auto found = places.find(item.key());
    MARROW_CHECK(groups.empty() || found != places.end());
    MARROW_CHECK(item.value().is_non_overlapping_and_dense());
    const at::ScalarType type = item.value().scalar_type();
    Slot slot;
    slot.name = item.key();
    slot.parameter = item.value();
    slot.average = at::zeros_like(item.value());
    slot.square = at::zeros_like(item.value());
    slot.group = groups.empty() ? 0 : found->second;
    slot.lr_scale = groups.empty() ? 1.0 : groups[slot.group].lr_scale;
    slot.decays = item.value().dim() > 1 && !is_token(item.key());
    slot.raw = item.value().is_cpu() && (type == at::kFloat || type == at::kDouble);
    slots_.push_back(std::move(slot));
  }
  active_.reserve(slots_.size());
}

void AdamW::gather() {
  active_.clear();
  raw_values_ = 0;
  for (Slot& slot : slots_) {
    at::Tensor& gradient = slot.parameter.mutable_grad();
    if (!gradient.defined()) {
      continue;
    }
    if (!same_walk(gradient, slot.parameter)) {
      gradient = at::empty_like(slot.parameter.detach()).copy_(gradient);
    }
    active_.push_back({&slot, gradient, raw_values_});
    raw_values_ += slot.raw ? slot.parameter.numel() : 0;
  }
}

// Calls body(active, offset in its tensor, count) for the raw values first <= n < last of the row.
template <class Body>
void AdamW::for_spans(std::int64_t first, std::int64_t last, const Body& body) const {
  auto active = std::upper_bound(
      active_.begin(), active_.end(), first, [](std::int64_t value, const Active& a) {
        return value < a.begin;
      });
  for (--active; active != active_.end() && active->begin < last; ++active) {
    const std::int64_t begin = std::max(first, active->begin);
    const std::int64_t end = std::min(last, active->begin + active->slot->parameter.numel());
    if (active->slot->raw && begin < end) {
      body(*active, begin - active->begin, end - begin);
    }
  }
}

double AdamW::gradient_norm() {
  const at::NoGradGuard no_grad;
  gather();
  std::vector<double> sums(static_cast<std::size_t>(blocks_of(raw_values_)), 0.0);
  const AdamWKernels& kernels = adamw_kernels();
  for_blocks_of(raw_values_, [&](std::int64_t block) {
    double& sum = sums[static_cast<std::size_t>(block)];
    for_spans(block * kOptimizerBlock,
              std::min((block + 1) * kOptimizerBlock, raw_values_),
              [&](const Active& active, std::int64_t offset, std::int64_t count) {
                sum += active.gradient.scalar_type() == at::kFloat
                           ? sum_of_squares_of(kernels.of_float, active.gradient, offset, count)
                           : sum_of_squares_of(kernels.of_double, active.gradient, offset, count);
              });
  });
  double square = 0;
  for (const double sum : sums) {
    square += sum;
  }
  std::vector<at::Tensor> others;
  for (const Active& active : active_) {
    if (!active.slot->raw) {
      others.push_back(active.gradient);
    }
  }
  if (!others.empty()) {
    const double norm = at::stack(at::_foreach_norm(others, 2, at::kFloat)).norm().item<double>();
    square += norm * norm;
  }
  return std::sqrt(square);
}

void AdamW::step(double lr, double weight_decay, double gradient_scale) {
  const at::NoGradGuard no_grad;
  gather();
  for (const Active& active : active_) {
    ++active.slot->count;
  }
  step_raw(lr, weight_decay, gradient_scale);
  step_others(lr, weight_decay, gradient_scale);
}

void AdamW::set_lr_factors(const std::function<double(std::size_t group)>& factor) {
  for (Slot& slot : slots_) {
    slot.lr_factor = factor(slot.group);
  }
}

void AdamW::step_raw(double lr, double weight_decay, double gradient_scale) {
  const auto constants = [&](const Slot& slot) {
    const auto count = static_cast<double>(slot.count);
    const double own_lr = lr * slot.rate();
    return AdamWStep{.gradient_scale = gradient_scale,
                     .beta1 = options_.beta1,
                     .beta2 = options_.beta2,
                     .decay = slot.decays ? 1 - own_lr * weight_decay : 1,
                     .step_size = own_lr / (1 - std::pow(options_.beta1, count)),
                     .root_scale = 1 / std::sqrt(1 - std::pow(options_.beta2, count)),
                     .eps = options_.eps};
  };
  const AdamWKernels& kernels = adamw_kernels();
  for_blocks_of(raw_values_, [&](std::int64_t block) {
    for_spans(block * kOptimizerBlock,
              std::min((block + 1) * kOptimizerBlock, raw_values_),
              [&](const Active& active, std::int64_t offset, std::int64_t count) {
                const Slot& slot = *active.slot;
                if (lr * slot.rate() <= 0) {
                  return;
                }
                const auto update = [&]<class T>(const AdamWKernel<T>& kernel) {
                  kernel.update(constants(slot),
                                count,
                                active.gradient.const_data_ptr<T>() + offset,
                                slot.parameter.mutable_data_ptr<T>() + offset,
                                slot.average.mutable_data_ptr<T>() + offset,
                                slot.square.mutable_data_ptr<T>() + offset);
                };
                if (slot.parameter.scalar_type() == at::kFloat) {
                  update(kernels.of_float);
                } else {
                  update(kernels.of_double);
                }
              });
  });
  // Autograd must learn that the values changed; raw pointers do not tell it.
  for (const Active& active : active_) {
    if (active.slot->raw) {
      active.slot->parameter.unsafeGetTensorImpl()->bump_version();
    }
  }
}

void AdamW::step_others(double lr, double weight_decay, double gradient_scale) {
  struct Lists {
    std::vector<at::Tensor> parameters, gradients, averages, squares, counts;
  };

  // The fused kernel takes a count for each parameter, but they may be one tensor.
  std::map<std::tuple<double, bool, std::int64_t>, Lists> kinds;
  for (const Active& active : active_) {
    Slot& slot = *active.slot;
    if (slot.raw || lr * slot.rate() <= 0) {
      continue;
    }
    Lists& lists = kinds[{slot.rate(), slot.decays, slot.count}];
    if (lists.counts.empty()) {
      lists.counts.push_back(at::full(
          {}, static_cast<double>(slot.count), slot.parameter.options().dtype(at::kFloat)));
    } else {
      lists.counts.push_back(lists.counts.front());
    }
    lists.parameters.push_back(slot.parameter);
    lists.gradients.push_back(active.gradient);
    lists.averages.push_back(slot.average);
    lists.squares.push_back(slot.square);
  }
  for (const auto& [kind, lists] : kinds) {
    const auto& [lr_scale, decays, count] = kind;
    std::optional<at::Tensor> divisor;
    if (gradient_scale != 1) {
      divisor = at::full({}, 1 / gradient_scale, lists.counts.front().options());
    }
    at::_fused_adamw_(lists.parameters,
                      lists.gradients,
                      lists.averages,
                      lists.squares,
                      {},
                      lists.counts,
                      lr * lr_scale,
                      options_.beta1,
                      options_.beta2,
                      decays ? weight_decay : 0.0,
                      options_.eps,
                      false,
                      false,
                      divisor);
  }
}

void AdamW::zero_gradients() {
  active_.clear();  // it holds them, too
  for (Slot& slot : slots_) {
    slot.parameter.mutable_grad().reset();
  }
}

std::vector<std::pair<std::string, at::Tensor>> AdamW::state() const {
  std::vector<std::pair<std::string, at::Tensor>> state;
  for (const Slot& slot : slots_) {
    state.emplace_back("average." + slot.name, slot.average);
    state.emplace_back("square." + slot.name, slot.square);
    state.emplace_back("count." + slot.name,
                       at::full({}, static_cast<double>(slot.count), at::kFloat));
  }
  return state;
}

void AdamW::load(const std::string& name, const at::Tensor& value) {
  const at::NoGradGuard no_grad;
  for (Slot& slot : slots_) {
    if (!name.ends_with(slot.name)) {
      continue;
    }
    if (name == "count." + slot.name) {
      MARROW_CHECK(value.numel() == 1);
      slot.count = std::llround(value.item<double>());
      return;
    }
    for (const auto& [key, tensor] : {std::pair{"average." + slot.name, slot.average},
                                      std::pair{"square." + slot.name, slot.square}}) {
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
