#include "clinical/losses/softmax_statistics.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <string>

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include "core/error.h"
#include "models/layers/parallel_tasks.h"

namespace marrow {

namespace {

// Voxels of one task: fixed, so that sums do not depend on the number of threads.
constexpr std::int64_t kStatisticsBlock = 4096;
// Voxels whose probabilities are held at a time.
constexpr std::int64_t kStatisticsTile = 64;

struct StatisticsShape {
  std::int64_t batch = 0;
  std::int64_t classes = 0;
  std::int64_t voxels = 0;
  std::int64_t class_step = 0;  // elements from one class of a voxel to the next
  std::int64_t voxel_step = 0;
};

bool is_channels_last(const at::Tensor& x) {
  return x.is_contiguous(x.dim() == 5 ? at::MemoryFormat::ChannelsLast3d
                                      : at::MemoryFormat::ChannelsLast);
}

StatisticsShape statistics_shape(const at::Tensor& logits) {
  StatisticsShape shape{logits.size(0), logits.size(1), 1, 0, 0};
  for (std::int64_t axis = 2; axis < logits.dim(); ++axis) {
    shape.voxels *= logits.size(axis);
  }
  const bool planes = logits.is_contiguous();
  shape.class_step = planes ? shape.voxels : 1;
  shape.voxel_step = planes ? 1 : shape.classes;
  return shape;
}

// Softmax of `count` voxels from `first`: probabilities [K, kStatisticsTile] and the log of the
// label's one.
template <class T, class Real>
void tile_softmax(const T* logits,
                  const std::int64_t* labels,
                  std::int64_t count,
                  const StatisticsShape& shape,
                  Real* p,
                  Real* log_p) {
  const std::int64_t K = shape.classes;
  Real highest[kStatisticsTile];
  Real total[kStatisticsTile];
  for (std::int64_t k = 0; k < K; ++k) {
    const T* from = logits + k * shape.class_step;
    Real* row = p + k * kStatisticsTile;
    for (std::int64_t v = 0; v < count; ++v) {
      row[v] = static_cast<Real>(from[v * shape.voxel_step]);
      highest[v] = k == 0 ? row[v] : std::max(highest[v], row[v]);
    }
  }
  for (std::int64_t v = 0; v < count; ++v) {
    log_p[v] = p[labels[v] * kStatisticsTile + v] - highest[v];
    total[v] = Real{0};
  }
  for (std::int64_t k = 0; k < K; ++k) {
    Real* row = p + k * kStatisticsTile;
    for (std::int64_t v = 0; v < count; ++v) {
      row[v] = std::exp(row[v] - highest[v]);
      total[v] += row[v];
    }
  }
  for (std::int64_t v = 0; v < count; ++v) {
    log_p[v] -= std::log(total[v]);
    total[v] = Real{1} / total[v];
  }
  for (std::int64_t k = 0; k < K; ++k) {
    Real* row = p + k * kStatisticsTile;
    for (std::int64_t v = 0; v < count; ++v) {
      row[v] *= total[v];
    }
  }
}

// Calls body(batch row, first voxel, voxels, task) for blocks of every example, in parallel.
template <class Body>
void for_blocks(const StatisticsShape& shape, Body body) {
  const std::int64_t blocks = (shape.voxels + kStatisticsBlock - 1) / kStatisticsBlock;
  parallel_tasks(shape.batch * blocks, [&](std::int64_t task) {
    const std::int64_t first = task % blocks * kStatisticsBlock;
    body(task / blocks, first, std::min(kStatisticsBlock, shape.voxels - first), task);
  });
}

// Sums of each block, [4, K]: overlap, predicted, present, and the weighted negative log likelihood
// by label.
template <class T, class Real>
void block_sums(const T* logits,
                const std::int64_t* labels,
                const StatisticsShape& shape,
                std::vector<double>& sums) {
  const auto K = static_cast<std::size_t>(shape.classes);
  const std::int64_t blocks = (shape.voxels + kStatisticsBlock - 1) / kStatisticsBlock;
  sums.assign(static_cast<std::size_t>(shape.batch * blocks) * 4 * K, 0.0);
  for_blocks(shape, [&](std::int64_t b, std::int64_t first, std::int64_t count, std::int64_t task) {
    double* const sum = sums.data() + static_cast<std::size_t>(task) * 4 * K;
    std::vector<Real> p(K * kStatisticsTile);
    Real log_p[kStatisticsTile];
    for (std::int64_t tile = first; tile < first + count; tile += kStatisticsTile) {
      const std::int64_t n = std::min(kStatisticsTile, first + count - tile);
      const std::int64_t* const label = labels + b * shape.voxels + tile;
      tile_softmax(logits + b * shape.classes * shape.voxels + tile * shape.voxel_step,
                   label,
                   n,
                   shape,
                   p.data(),
                   log_p);
      for (std::size_t k = 0; k < K; ++k) {
        Real total{0};
        for (std::int64_t v = 0; v < n; ++v) {
          total += p[k * kStatisticsTile + static_cast<std::size_t>(v)];
        }
        sum[K + k] += static_cast<double>(total);
      }
      for (std::int64_t v = 0; v < n; ++v) {
        const auto k = static_cast<std::size_t>(label[v]);
        sum[k] += static_cast<double>(p[k * kStatisticsTile + static_cast<std::size_t>(v)]);
        sum[2 * K + k] += 1.0;
        sum[3 * K + k] -= static_cast<double>(log_p[v]);
      }
    }
  });
}

// d loss / d logits, from the gradients of the sums: by_overlap and by_predicted [B, K],
// by_likelihood [K].
template <class T, class Real>
void logit_gradient(const T* logits,
                    const std::int64_t* labels,
                    const StatisticsShape& shape,
                    const double* by_overlap,
                    const double* by_predicted,
                    const double* by_likelihood,
                    T* gradient) {
  const auto K = static_cast<std::size_t>(shape.classes);
  for_blocks(shape, [&](std::int64_t b, std::int64_t first, std::int64_t count, std::int64_t) {
    std::vector<Real> p(K * kStatisticsTile);
    std::vector<Real> overlap(K);
    std::vector<Real> predicted(K);
    std::vector<Real> likelihood(K);
    for (std::size_t k = 0; k < K; ++k) {
      const std::size_t row = static_cast<std::size_t>(b) * K + k;
      overlap[k] = static_cast<Real>(by_overlap[row]);
      predicted[k] = static_cast<Real>(by_predicted[row]);
      likelihood[k] = static_cast<Real>(by_likelihood[k]);
    }
    Real log_p[kStatisticsTile];
    Real mean[kStatisticsTile];  // sum over k of p_k * dL/dp_k
    Real weight[kStatisticsTile];
    for (std::int64_t tile = first; tile < first + count; tile += kStatisticsTile) {
      const std::int64_t n = std::min(kStatisticsTile, first + count - tile);
      const std::int64_t* const label = labels + b * shape.voxels + tile;
      const std::int64_t from = b * shape.classes * shape.voxels + tile * shape.voxel_step;
      tile_softmax(logits + from, label, n, shape, p.data(), log_p);
      for (std::int64_t v = 0; v < n; ++v) {
        const auto k = static_cast<std::size_t>(label[v]);
        mean[v] = p[k * kStatisticsTile + static_cast<std::size_t>(v)] * overlap[k];
        weight[v] = likelihood[k];
      }
      for (std::size_t k = 0; k < K; ++k) {
        const Real* const row = p.data() + k * kStatisticsTile;
        for (std::int64_t v = 0; v < n; ++v) {
          mean[v] += row[v] * predicted[k];
        }
      }
      for (std::size_t k = 0; k < K; ++k) {
        const Real* const row = p.data() + k * kStatisticsTile;
        T* const out = gradient + from + static_cast<std::int64_t>(k) * shape.class_step;
        for (std::int64_t v = 0; v < n; ++v) {
          const bool here = label[v] == static_cast<std::int64_t>(k);
          const Real by_p = predicted[k] + (here ? overlap[k] : Real{0});
          const Real truth = here ? Real{1} : Real{0};
          out[v * shape.voxel_step] =
              static_cast<T>(row[v] * (by_p - mean[v]) + weight[v] * (row[v] - truth));
        }
      }
    }
  });
}

void check_labels(const at::Tensor& labels, std::int64_t classes) {
  const std::int64_t* const label = labels.const_data_ptr<std::int64_t>();
  const std::int64_t n = labels.numel();
  std::atomic<std::int64_t> bad{-1};
  const std::int64_t blocks = (n + kStatisticsBlock - 1) / kStatisticsBlock;
  parallel_tasks(blocks, [&](std::int64_t block) {
    for (std::int64_t v = block * kStatisticsBlock; v < std::min(n, (block + 1) * kStatisticsBlock);
         ++v) {
      if (label[v] < 0 || label[v] >= classes) {
        bad = v;
      }
    }
  });
  if (bad >= 0) {
    throw Error(ErrorCode::kInvalidArgument,
                "segmentation loss: found label " + std::to_string(label[bad]) +
                    ", expected labels 0 to " + std::to_string(classes - 1) +
                    "; check the classes of the data set");
  }
}

// Calls run(T*, Real) with the element type of x and the type to compute in.
template <class Run>
void with_types(const at::Tensor& x, Run run) {
  switch (x.scalar_type()) {
    case at::kDouble:
      return run(static_cast<double*>(nullptr), double{});
    case at::kBFloat16:
      return run(static_cast<at::BFloat16*>(nullptr), float{});
    case at::kHalf:
      return run(static_cast<at::Half*>(nullptr), float{});
    default:
      return run(static_cast<float*>(nullptr), float{});
  }
}

// Returns overlap [B, K], predicted [B, K], present [B, K] and the likelihood sums by class [K].
class SoftmaxSums : public torch::autograd::Function<SoftmaxSums> {
 public:
  static torch::autograd::variable_list forward(torch::autograd::AutogradContext* context,
                                                const at::Tensor& input,
                                                const at::Tensor& target) {
    const at::Tensor logits =
        input.is_contiguous() || is_channels_last(input) ? input : input.contiguous();
    const at::Tensor labels = target.contiguous();
    const StatisticsShape shape = statistics_shape(logits);
    check_labels(labels, shape.classes);
    std::vector<double> sums;
    with_types(logits, [&](auto* type, auto real) {
      using T = std::remove_pointer_t<decltype(type)>;
      block_sums<T, decltype(real)>(
          logits.const_data_ptr<T>(), labels.const_data_ptr<std::int64_t>(), shape, sums);
    });
    const at::Tensor all = at::zeros({shape.batch, 4, shape.classes}, at::kDouble);
    const std::int64_t blocks = (shape.voxels + kStatisticsBlock - 1) / kStatisticsBlock;
    const auto width = static_cast<std::size_t>(4 * shape.classes);
    double* const total = all.data_ptr<double>();
    for (std::size_t task = 0; task < static_cast<std::size_t>(shape.batch * blocks); ++task) {
      const std::size_t row = task / static_cast<std::size_t>(blocks);
      for (std::size_t c = 0; c < width; ++c) {
        total[row * width + c] += sums[task * width + c];
      }
    }
    context->save_for_backward({logits, labels});
    const auto type = logits.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
    const at::Tensor present = all.select(1, 2).to(type);
    context->mark_non_differentiable({present});
    return {all.select(1, 0).to(type),
            all.select(1, 1).to(type),
            present,
            all.select(1, 3).sum(0).to(type)};
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor& logits = saved[0];
    const StatisticsShape shape = statistics_shape(logits);
    const auto filled = [&](const at::Tensor& gradient, at::IntArrayRef size) {
      return gradient.defined() ? gradient.to(at::kDouble).contiguous()
                                : at::zeros(size, at::kDouble);
    };
    const at::Tensor by_overlap = filled(gradients[0], {shape.batch, shape.classes});
    const at::Tensor by_predicted = filled(gradients[1], {shape.batch, shape.classes});
    const at::Tensor by_likelihood = filled(gradients[3], {shape.classes});
    at::Tensor gradient = at::empty_like(logits);
    with_types(logits, [&](auto* type, auto real) {
      using T = std::remove_pointer_t<decltype(type)>;
      logit_gradient<T, decltype(real)>(logits.const_data_ptr<T>(),
                                        saved[1].const_data_ptr<std::int64_t>(),
                                        shape,
                                        by_overlap.const_data_ptr<double>(),
                                        by_predicted.const_data_ptr<double>(),
                                        by_likelihood.const_data_ptr<double>(),
                                        gradient.data_ptr<T>());
    });
    return {gradient, at::Tensor()};
  }
};

void check_shapes(const at::Tensor& logits,
                  const at::Tensor& labels,
                  const std::vector<double>& class_weights) {
  bool fits = (logits.dim() == 4 || logits.dim() == 5) && logits.is_floating_point() &&
              labels.scalar_type() == at::kLong && labels.dim() == logits.dim() - 1 &&
              logits.numel() > 0;
  for (std::int64_t axis = 0; fits && axis < labels.dim(); ++axis) {
    fits = labels.size(axis) == logits.size(axis == 0 ? 0 : axis + 1);
  }
  if (!fits) {
    throw Error(
        ErrorCode::kInvalidArgument,
        "segmentation loss: expected float logits [B, K, D, H, W] or [B, K, H, W] and int64 "
        "labels of the same sizes without K");
  }
  if (!class_weights.empty() &&
      (static_cast<std::int64_t>(class_weights.size()) != logits.size(1) ||
       !std::all_of(class_weights.begin(), class_weights.end(), [](double w) {
         return std::isfinite(w) && w >= 0.0;
       }))) {
    throw Error(ErrorCode::kInvalidArgument,
                "segmentation loss: class_weights must be " + std::to_string(logits.size(1)) +
                    " numbers >= 0, one per class; found " + std::to_string(class_weights.size()) +
                    " entries");
  }
}

}  // namespace

SoftmaxStatistics softmax_statistics(const at::Tensor& logits,
                                     const at::Tensor& labels,
                                     const std::vector<double>& class_weights) {
  check_shapes(logits, labels, class_weights);
  const auto type = logits.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  const std::vector<double> all_one(static_cast<std::size_t>(logits.size(1)), 1.0);
  const at::Tensor weight =
      at::tensor(at::ArrayRef<double>(class_weights.empty() ? all_one : class_weights),
                 logits.options().dtype(type).requires_grad(false));
  SoftmaxStatistics statistics;
  at::Tensor likelihood;
  if (logits.is_cpu()) {
    const auto sums = SoftmaxSums::apply(logits, labels);
    statistics.overlap = sums[0];
    statistics.predicted = sums[1];
    statistics.present = sums[2];
    likelihood = sums[3];
  } else {
    const at::Tensor log_p = at::log_softmax(logits.to(type), 1);
    const at::Tensor p = log_p.exp();
    const at::Tensor truth = at::zeros_like(p).scatter_(1, labels.unsqueeze(1), 1.0);
    statistics.overlap = (p * truth).flatten(2).sum(2);
    statistics.predicted = p.flatten(2).sum(2);
    statistics.present = truth.flatten(2).sum(2);
    likelihood = -(log_p * truth).flatten(2).sum(2).sum(0);
  }
  const at::Tensor total_weight = (statistics.present.sum(0) * weight).sum();
  statistics.cross_entropy = (likelihood * weight).sum() / total_weight.clamp_min(1e-12);
  return statistics;
}

}  // namespace marrow
