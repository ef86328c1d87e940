#include "models/layers/norm_act_kernel.h"

#include <algorithm>
#include <cmath>

// One binary for every x86-64: the loader picks the widest version the processor has.
#define MARROW_VECTORISED \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))

namespace marrow {

namespace {

constexpr std::int64_t kLanes = 16;    // channels handled together in channels-last memory
constexpr std::int64_t kChunk = 1024;  // voxels summed in float before the sum goes into a double

// ---- channels-last: `channels` <= kLanes neighbouring floats per voxel
// ----------------------------------------------

MARROW_VECTORISED void last_sums(const NormActShape& s,
                                 const float* x,
                                 const float* mean,
                                 double* sum) {
  // mean == null: sum of x; else sum of (x - mean)^2
  const auto lanes = static_cast<int>(s.channels);
  float centre[kLanes] = {};
  for (int c = 0; c < lanes; ++c) {
    centre[c] = mean == nullptr ? 0.0F : mean[c];
    sum[c] = 0;
  }
  for (std::int64_t start = 0; start < s.voxels; start += kChunk) {
    const std::int64_t end = std::min(s.voxels, start + kChunk);
    float part[kLanes] = {};
    for (std::int64_t v = start; v < end; ++v) {
      if (s.visible != nullptr && !s.visible[v]) {
        continue;
      }
      const float* const row = x + v * s.voxel_stride;
      if (lanes == kLanes) {
        for (int c = 0; c < kLanes; ++c) {
          const float value = row[c] - centre[c];
          part[c] += mean == nullptr ? row[c] : value * value;
        }
      } else {
        for (int c = 0; c < lanes; ++c) {
          const float value = row[c] - centre[c];
          part[c] += mean == nullptr ? row[c] : value * value;
        }
      }
    }
    for (int c = 0; c < lanes; ++c) {
      sum[c] += static_cast<double>(part[c]);
    }
  }
}

template <int kWidth, bool kResidual>
inline __attribute__((always_inline)) void last_apply_row(const float* __restrict row,
                                                          const float* __restrict extra,
                                                          const float* __restrict scale,
                                                          const float* __restrict shift,
                                                          float slope,
                                                          int lanes,
                                                          float* __restrict out) {
  const int n = kWidth > 0 ? kWidth : lanes;
  for (int c = 0; c < n; ++c) {
    float value = row[c] * scale[c] + shift[c];
    if constexpr (kResidual) {
      value += extra[c];
    }
    out[c] = value > 0 ? value : value * slope;
  }
}

MARROW_VECTORISED void last_apply(const NormActShape& s,
                                  const float* x,
                                  const float* residual,
                                  const float* scale,
                                  const float* shift,
                                  float* y) {
  const auto lanes = static_cast<int>(s.channels);
  for (std::int64_t v = 0; v < s.voxels; ++v) {
    float* const out = y + v * s.voxel_stride;
    if (s.visible != nullptr && !s.visible[v]) {
      std::fill(out, out + lanes, 0.0F);
      continue;
    }
    const float* const row = x + v * s.voxel_stride;
    const float* const extra = residual == nullptr ? nullptr : residual + v * s.voxel_stride;
    if (lanes == kLanes && extra != nullptr) {
      last_apply_row<kLanes, true>(row, extra, scale, shift, s.slope, lanes, out);
    } else if (lanes == kLanes) {
      last_apply_row<kLanes, false>(row, extra, scale, shift, s.slope, lanes, out);
    } else if (extra != nullptr) {
      last_apply_row<0, true>(row, extra, scale, shift, s.slope, lanes, out);
    } else {
      last_apply_row<0, false>(row, extra, scale, shift, s.slope, lanes, out);
    }
  }
}

MARROW_VECTORISED void last_backward_sums(const NormActShape& s,
                                          const float* dy,
                                          const float* x,
                                          const float* y,
                                          const float* mean,
                                          const float* rstd,
                                          double* sum,
                                          double* dot) {
  const auto lanes = static_cast<int>(s.channels);
  float centre[kLanes] = {};
  float inverse[kLanes] = {};
  for (int c = 0; c < lanes; ++c) {
    centre[c] = mean[c];
    inverse[c] = rstd[c];
    sum[c] = 0;
    dot[c] = 0;
  }
  for (std::int64_t start = 0; start < s.voxels; start += kChunk) {
    const std::int64_t end = std::min(s.voxels, start + kChunk);
    float part[kLanes] = {};
    float part_dot[kLanes] = {};
    for (std::int64_t v = start; v < end; ++v) {
      if (s.visible != nullptr && !s.visible[v]) {
        continue;
      }
      const float* const g = dy + v * s.voxel_stride;
      const float* const row = x + v * s.voxel_stride;
      const float* const out = y + v * s.voxel_stride;
      const int n = lanes == kLanes ? static_cast<int>(kLanes) : lanes;
      for (int c = 0; c < n; ++c) {
        const float d = out[c] > 0 ? g[c] : g[c] * s.slope;
        part[c] += d;
        part_dot[c] += d * ((row[c] - centre[c]) * inverse[c]);
      }
    }
    for (int c = 0; c < lanes; ++c) {
      sum[c] += static_cast<double>(part[c]);
      dot[c] += static_cast<double>(part_dot[c]);
    }
  }
}

MARROW_VECTORISED void last_backward_apply(const NormActShape& s,
                                           const float* dy,
                                           const float* x,
                                           const float* y,
                                           const float* a,
                                           const float* b,
                                           const float* k,
                                           float* dx,
                                           float* dresidual) {
  // dx = a * d + b * x + k, the affine form of the usual three-term gradient
  const auto lanes = static_cast<int>(s.channels);
  for (std::int64_t v = 0; v < s.voxels; ++v) {
    float* const out = dx + v * s.voxel_stride;
    float* const extra = dresidual == nullptr ? nullptr : dresidual + v * s.voxel_stride;
    if (s.visible != nullptr && !s.visible[v]) {
      std::fill(out, out + lanes, 0.0F);
      if (extra != nullptr) {
        std::fill(extra, extra + lanes, 0.0F);
      }
      continue;
    }
    const float* const g = dy + v * s.voxel_stride;
    const float* const row = x + v * s.voxel_stride;
    const float* const side = y + v * s.voxel_stride;
    const int n = lanes == kLanes ? static_cast<int>(kLanes) : lanes;
    if (extra == nullptr) {
      for (int c = 0; c < n; ++c) {
        const float d = side[c] > 0 ? g[c] : g[c] * s.slope;
        out[c] = a[c] * d + b[c] * row[c] + k[c];
      }
    } else {
      for (int c = 0; c < n; ++c) {
        const float d = side[c] > 0 ? g[c] : g[c] * s.slope;
        extra[c] = d;
        out[c] = a[c] * d + b[c] * row[c] + k[c];
      }
    }
  }
}

// ---- contiguous: one channel at a time, voxels side by side
// ----------------------------------------------------------

MARROW_VECTORISED double row_sum(const NormActShape& s,
                                 const float* x,
                                 float centre,
                                 bool squared) {
  double total = 0;
  for (std::int64_t start = 0; start < s.voxels; start += kChunk) {
    const std::int64_t end = std::min(s.voxels, start + kChunk);
    float part[kLanes] = {};
    std::int64_t v = start;
    for (; v + kLanes <= end; v += kLanes) {
      for (int lane = 0; lane < kLanes; ++lane) {
        const bool seen = s.visible == nullptr || s.visible[v + lane];
        const float value = x[v + lane] - centre;
        const float term = squared ? value * value : value;
        part[lane] += seen ? term : 0.0F;
      }
    }
    for (; v < end; ++v) {
      const bool seen = s.visible == nullptr || s.visible[v];
      const float value = x[v] - centre;
      part[0] += seen ? (squared ? value * value : value) : 0.0F;
    }
    for (const float lane : part) {
      total += static_cast<double>(lane);
    }
  }
  return total;
}

MARROW_VECTORISED void row_apply(const NormActShape& s,
                                 const float* x,
                                 const float* residual,
                                 float scale,
                                 float shift,
                                 float* y) {
  for (std::int64_t v = 0; v < s.voxels; ++v) {
    float value = x[v] * scale + shift + (residual == nullptr ? 0.0F : residual[v]);
    value = value > 0 ? value : value * s.slope;
    y[v] = s.visible == nullptr || s.visible[v] ? value : 0.0F;
  }
}

MARROW_VECTORISED void row_backward(const NormActShape& s,
                                    const float* dy,
                                    const float* x,
                                    const float* y,
                                    float gamma,
                                    float mean,
                                    float rstd,
                                    double count,
                                    float* dx,
                                    float* dresidual,
                                    float* dgamma,
                                    float* dbeta) {
  double sum = 0;
  double dot = 0;
  for (std::int64_t start = 0; start < s.voxels; start += kChunk) {
    const std::int64_t end = std::min(s.voxels, start + kChunk);
    float part = 0;
    float part_dot = 0;
    for (std::int64_t v = start; v < end; ++v) {
      const bool seen = s.visible == nullptr || s.visible[v];
      const float d = seen ? (y[v] > 0 ? dy[v] : dy[v] * s.slope) : 0.0F;
      part += d;
      part_dot += seen ? d * ((x[v] - mean) * rstd) : 0.0F;
    }
    sum += static_cast<double>(part);
    dot += static_cast<double>(part_dot);
  }
  *dbeta = static_cast<float>(sum);
  *dgamma = static_cast<float>(dot);
  const float a = gamma * rstd;
  const auto b = static_cast<float>(-static_cast<double>(a) * rstd * dot / count);
  const auto k =
      static_cast<float>(-static_cast<double>(a) * sum / count - static_cast<double>(b) * mean);
  for (std::int64_t v = 0; v < s.voxels; ++v) {
    const bool seen = s.visible == nullptr || s.visible[v];
    const float d = y[v] > 0 ? dy[v] : dy[v] * s.slope;
    dx[v] = seen ? a * d + b * x[v] + k : 0.0F;
    if (dresidual != nullptr) {
      dresidual[v] = seen ? d : 0.0F;
    }
  }
}

double visible_count(const NormActShape& s) {
  return s.visible == nullptr
             ? static_cast<double>(s.voxels)
             : static_cast<double>(std::count(s.visible, s.visible + s.voxels, true));
}

}  // namespace

void norm_act_forward(const NormActShape& s,
                      const float* x,
                      const float* gamma,
                      const float* beta,
                      const float* residual,
                      float* y,
                      float* mean,
                      float* rstd) {
  const double count = visible_count(s);
  const bool last = s.channel_stride == 1;
  for (std::int64_t first = 0; first < s.channels; first += last ? kLanes : 1) {
    NormActShape group = s;
    group.channels = last ? std::min(kLanes, s.channels - first) : 1;
    const std::int64_t at = first * s.channel_stride;
    double sums[kLanes];
    float scale[kLanes];
    float shift[kLanes];
    if (last) {
      last_sums(group, x + at, nullptr, sums);
    } else {
      sums[0] = row_sum(group, x + at, 0.0F, false);
    }
    for (std::int64_t c = 0; c < group.channels; ++c) {
      mean[first + c] = static_cast<float>(sums[c] / count);
    }
    if (last) {
      last_sums(group, x + at, mean + first, sums);
    } else {
      sums[0] = row_sum(group, x + at, mean[first], true);
    }
    for (std::int64_t c = 0; c < group.channels; ++c) {
      rstd[first + c] =
          static_cast<float>(1.0 / std::sqrt(sums[c] / count + static_cast<double>(s.eps)));
      scale[c] = gamma[first + c] * rstd[first + c];
      shift[c] = beta[first + c] - mean[first + c] * scale[c];
    }
    const float* const extra = residual == nullptr ? nullptr : residual + at;
    if (last) {
      last_apply(group, x + at, extra, scale, shift, y + at);
    } else {
      row_apply(group, x + at, extra, scale[0], shift[0], y + at);
    }
  }
}

void norm_act_backward(const NormActShape& s,
                       const float* dy,
                       const float* x,
                       const float* y,
                       const float* gamma,
                       const float* mean,
                       const float* rstd,
                       float* dx,
                       float* dresidual,
                       float* dgamma,
                       float* dbeta) {
  const double count = visible_count(s);
  const bool last = s.channel_stride == 1;
  for (std::int64_t first = 0; first < s.channels; first += last ? kLanes : 1) {
    NormActShape group = s;
    group.channels = last ? std::min(kLanes, s.channels - first) : 1;
    const std::int64_t at = first * s.channel_stride;
    float* const extra = dresidual == nullptr ? nullptr : dresidual + at;
    if (!last) {
      row_backward(group,
                   dy + at,
                   x + at,
                   y + at,
                   gamma[first],
                   mean[first],
                   rstd[first],
                   count,
                   dx + at,
                   extra,
                   dgamma + first,
                   dbeta + first);
      continue;
    }
    double sum[kLanes];
    double dot[kLanes];
    last_backward_sums(group, dy + at, x + at, y + at, mean + first, rstd + first, sum, dot);
    float a[kLanes];
    float b[kLanes];
    float k[kLanes];
    for (std::int64_t c = 0; c < group.channels; ++c) {
      dbeta[first + c] = static_cast<float>(sum[c]);
      dgamma[first + c] = static_cast<float>(dot[c]);
      a[c] = gamma[first + c] * rstd[first + c];
      b[c] = static_cast<float>(-static_cast<double>(a[c]) * rstd[first + c] * dot[c] / count);
      k[c] = static_cast<float>(-static_cast<double>(a[c]) * sum[c] / count -
                                static_cast<double>(b[c]) * mean[first + c]);
    }
    last_backward_apply(group, dy + at, x + at, y + at, a, b, k, dx + at, extra);
  }
}

}  // namespace marrow
