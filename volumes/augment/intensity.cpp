#include "volumes/augment/intensity.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "volumes/augment/fast_math.h"

namespace marrow {

namespace {

// Loops over whole runs of this length, then over the rest, so that the compiler needs no case
// distinction inside.
constexpr std::size_t kLanes = 16;

// Adds in a fixed order of its own (16 interleaved sums in double), the same for every build.
struct LaneSum {
  std::array<double, kLanes> lanes{};

  [[nodiscard]] double total() const {
    double sum = 0;
    for (const double lane : lanes) {
      sum += lane;
    }
    return sum;
  }
};

double intensity_mean(std::span<const float> values) {
  LaneSum sum;
  std::size_t at = 0;
  for (; at + kLanes <= values.size(); at += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      sum.lanes[lane] += static_cast<double>(values[at + lane]);
    }
  }
  for (; at < values.size(); ++at) {
    sum.lanes[0] += static_cast<double>(values[at]);
  }
  return sum.total() / static_cast<double>(values.size());
}

struct IntensityRange {
  float low;
  float high;
};

IntensityRange intensity_range(std::span<const float> values) {
  std::array<float, kLanes> low;
  std::array<float, kLanes> high;
  low.fill(values.front());
  high.fill(values.front());
  std::size_t at = 0;
  for (; at + kLanes <= values.size(); at += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const float value = values[at + lane];
      low[lane] = value < low[lane] ? value : low[lane];
      high[lane] = value > high[lane] ? value : high[lane];
    }
  }
  for (; at < values.size(); ++at) {
    low[0] = std::min(low[0], values[at]);
    high[0] = std::max(high[0], values[at]);
  }
  return {*std::min_element(low.begin(), low.end()), *std::max_element(high.begin(), high.end())};
}

constexpr std::array<std::array<int, 3>, 19> kBiasFieldPowers = [] {
  std::array<std::array<int, 3>, 19> powers{};
  std::size_t next = 0;
  for (int c = 0; c <= 3; ++c) {
    for (int b = 0; b + c <= 3; ++b) {
      for (int a = 0; a + b + c <= 3; ++a) {
        if (a + b + c > 0) {
          powers[next++] = {a, b, c};
        }
      }
    }
  }
  return powers;
}();

float whole_power(float x, int exponent) {
  float result = 1;
  for (int n = 0; n < exponent; ++n) {
    result *= x;
  }
  return result;
}

// For one row: the polynomial as a cubic in x alone.
std::array<float, 4> bias_field_row(const BiasField& field, float y, float z) {
  std::array<float, 4> cubic{};
  for (std::size_t term = 0; term < kBiasFieldPowers.size(); ++term) {
    const auto& [a, b, c] = kBiasFieldPowers[term];
    cubic[static_cast<std::size_t>(a)] +=
        field.coefficients[term] * whole_power(y, b) * whole_power(z, c);
  }
  return cubic;
}

// -1 .. 1 across `size` voxels; 0 for one voxel.
float patch_coordinate(std::int64_t index, std::int64_t size) {
  return size > 1 ? 2.0F * static_cast<float>(index) / static_cast<float>(size - 1) - 1.0F : 0.0F;
}

// w[0] at distance 0.
std::vector<float> half_kernel(double sigma) {
  const auto radius = static_cast<std::size_t>(std::ceil(3 * sigma));
  std::vector<double> weights(radius + 1);
  double total = 0;
  for (std::size_t r = 0; r <= radius; ++r) {
    const auto distance = static_cast<double>(r);
    weights[r] = std::exp(-distance * distance / (2 * sigma * sigma));
    total += r == 0 ? weights[r] : 2 * weights[r];
  }
  std::vector<float> kernel;
  kernel.reserve(weights.size());
  for (const double weight : weights) {
    kernel.push_back(static_cast<float>(weight / total));
  }
  return kernel;
}

// Along an axis whose voxels lie `stride` apart: blocks of `size` rows of `stride` values each.
// `stride` 1 is the i axis, where a padded copy of the row takes the place of neighbouring rows.
void blur_rows(std::span<float> values,
               std::int64_t size,
               std::int64_t stride,
               const std::vector<float>& kernel) {
  const auto radius = static_cast<std::int64_t>(kernel.size()) - 1;
  const std::int64_t block = size * stride;
  // The block with its first and last row repeated on either side.
  std::vector<float> padded(static_cast<std::size_t>((size + 2 * radius) * stride));
  for (std::int64_t start = 0; start < static_cast<std::int64_t>(values.size()); start += block) {
    float* target = values.data() + start;
    for (std::int64_t row = -radius; row < size + radius; ++row) {
      const float* from = target + std::clamp<std::int64_t>(row, 0, size - 1) * stride;
      std::copy_n(from, stride, padded.data() + (row + radius) * stride);
    }
    // With rows of one value the whole block is one run of `size` values shifted by one; else row
    // by row, so that what is being summed stays in the first-level cache.
    const std::int64_t run = stride == 1 ? size : stride;
    for (std::int64_t at = 0; at < block; at += run) {
      float* __restrict out = target + at;
      const float* __restrict middle = padded.data() + radius * stride + at;
      for (std::int64_t n = 0; n < run; ++n) {
        out[n] = kernel[0] * middle[n];
      }
      for (std::int64_t r = 1; r <= radius; ++r) {
        const float weight = kernel[static_cast<std::size_t>(r)];
        const float* __restrict before = middle - r * stride;
        const float* __restrict after = middle + r * stride;
        for (std::int64_t n = 0; n < run; ++n) {
          out[n] += weight * (before[n] + after[n]);
        }
      }
    }
  }
}

}  // namespace

const std::array<std::array<int, 3>, 19>& bias_field_powers() {
  return kBiasFieldPowers;
}

BiasField draw_bias_field(const Size3& size, Rng& rng) {
  BiasField field;
  for (float& coefficient : field.coefficients) {
    coefficient = static_cast<float>(rng.normal());
  }
  const double wanted = rng.uniform(0.05, 0.3);
  // A cubic is smooth enough to find its extremes on nine points an axis, the borders among them.
  float strongest = 0;
  for (int k = 0; k < 9; ++k) {
    for (int j = 0; j < 9; ++j) {
      const std::array<float, 4> cubic =
          bias_field_row(field,
                         size[1] > 1 ? patch_coordinate(j, 9) : 0.0F,
                         size[2] > 1 ? patch_coordinate(k, 9) : 0.0F);
      for (int i = 0; i < 9; ++i) {
        const float x = size[0] > 1 ? patch_coordinate(i, 9) : 0.0F;
        strongest = std::max(strongest,
                             std::abs(cubic[0] + x * (cubic[1] + x * (cubic[2] + x * cubic[3]))));
      }
    }
  }
  const float scale = strongest > 0 ? static_cast<float>(wanted) / strongest : 0.0F;
  for (float& coefficient : field.coefficients) {
    coefficient *= scale;
  }
  return field;
}

IntensityChange draw_intensity(const AugmentOptions& options,
                               const Size3& size,
                               std::uint64_t seed,
                               std::int64_t channel) {
  Rng rng(seed, "intensity", {static_cast<std::uint64_t>(channel)});
  IntensityChange change;
  if (rng.chance(options.bias_field)) {
    change.bias_field = draw_bias_field(size, rng);
  }
  if (rng.chance(options.blur)) {
    change.blur_sigma = rng.uniform(options.blur_sigma[0], options.blur_sigma[1]);
  }
  if (rng.chance(options.noise)) {
    change.noise_sigma = rng.uniform(0.0, options.noise_sigma);
    change.noise_key = rng();
  }
  if (rng.chance(options.brightness)) {
    change.brightness = rng.uniform(options.brightness_range[0], options.brightness_range[1]);
  }
  if (rng.chance(options.contrast)) {
    change.contrast = rng.uniform(options.contrast_range[0], options.contrast_range[1]);
  }
  if (rng.chance(options.gamma)) {
    change.gamma = rng.uniform(options.gamma_range[0], options.gamma_range[1]);
  }
  return change;
}

void change_intensity(std::span<float> values, const Size3& size, const IntensityChange& change) {
  if (values.empty()) {
    return;
  }
  if (change.bias_field) {
    multiply_bias_field(values, size, *change.bias_field);
  }
  if (change.blur_sigma > 0) {
    blur(values, size, change.blur_sigma);
  }
  if (change.noise_sigma > 0) {
    add_noise(values, change.noise_sigma, change.noise_key);
  }
  if (change.brightness != 1 || change.contrast != 1) {
    scale_and_stretch(values, change.brightness, change.contrast);
  }
  if (change.gamma != 1) {
    bend_gamma(values, change.gamma);
  }
}

void multiply_bias_field(std::span<float> values, const Size3& size, const BiasField& field) {
  const float low = intensity_range(values).low;
  std::vector<float> xs(static_cast<std::size_t>(size[0]));
  for (std::int64_t i = 0; i < size[0]; ++i) {
    xs[static_cast<std::size_t>(i)] = patch_coordinate(i, size[0]);
  }
  constexpr float kLog2E = 1.4426950409F;
  for (std::int64_t k = 0; k < size[2]; ++k) {
    for (std::int64_t j = 0; j < size[1]; ++j) {
      const std::array<float, 4> p =
          bias_field_row(field, patch_coordinate(j, size[1]), patch_coordinate(k, size[2]));
      float* __restrict row = values.data() + size[0] * (j + size[1] * k);
      const float* __restrict x = xs.data();
      for (std::int64_t i = 0; i < size[0]; ++i) {
        const float exponent = p[0] + x[i] * (p[1] + x[i] * (p[2] + x[i] * p[3]));
        row[i] = low + (row[i] - low) * fast::exp2(kLog2E * exponent);
      }
    }
  }
}

void blur(std::span<float> values, const Size3& size, double sigma) {
  const std::vector<float> kernel = half_kernel(sigma);
  const std::array<std::int64_t, 3> stride{1, size[0], size[0] * size[1]};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    if (size[axis] > 1) {
      blur_rows(values, size[axis], stride[axis], kernel);
    }
  }
}

void add_noise(std::span<float> values, double sigma, std::uint64_t key) {
  const auto key_a = static_cast<std::uint32_t>(key);
  const auto key_b = static_cast<std::uint32_t>(key >> 32);
  const auto scale = static_cast<float>(sigma);
  // Voxel v of a run and voxel v + kLanes share a pair of normals.
  constexpr std::size_t kRun = 2 * kLanes;
  std::array<float, kRun> noise;
  for (std::size_t at = 0; at < values.size(); at += kRun) {
    const auto counter = static_cast<std::uint32_t>(at);
    for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
      const fast::NormalPair pair = fast::normals(fast::hash(counter + 2 * lane, key_a, key_b),
                                                  fast::hash(counter + 2 * lane + 1, key_a, key_b));
      noise[lane] = scale * pair.first;
      noise[lane + kLanes] = scale * pair.second;
    }
    const std::size_t count = std::min(kRun, values.size() - at);
    for (std::size_t n = 0; n < count; ++n) {
      values[at + n] += noise[n];
    }
  }
}

void scale_and_stretch(std::span<float> values, double brightness, double contrast) {
  // mean(brightness * x) = brightness * mean(x): both are one line a * x + b.
  const double mean = contrast == 1 ? 0.0 : brightness * intensity_mean(values);
  const auto factor = static_cast<float>(brightness * contrast);
  const auto offset = static_cast<float>((1 - contrast) * mean);
  for (float& value : values) {
    value = value * factor + offset;
  }
}

void bend_gamma(std::span<float> values, double gamma) {
  const auto [low, high] = intensity_range(values);
  const float range = high - low;
  if (!(range > 1e-7F)) {
    return;
  }
  // Sums of the values on [0, 1] before (t) and after (p).
  LaneSum t_sum;
  LaneSum t_squares;
  LaneSum p_sum;
  LaneSum p_squares;
  const float inverse = 1.0F / range;
  const auto exponent = static_cast<float>(gamma);
  const auto bend = [&](std::size_t at, std::size_t lane) {
    const float t = std::min((values[at] - low) * inverse, 1.0F);
    const float p = fast::pow(t, exponent);
    values[at] = p;
    const auto t_wide = static_cast<double>(t);
    const auto p_wide = static_cast<double>(p);
    t_sum.lanes[lane] += t_wide;
    t_squares.lanes[lane] += t_wide * t_wide;
    p_sum.lanes[lane] += p_wide;
    p_squares.lanes[lane] += p_wide * p_wide;
  };
  std::size_t at = 0;
  for (; at + kLanes <= values.size(); at += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      bend(at + lane, lane);
    }
  }
  for (; at < values.size(); ++at) {
    bend(at, 0);
  }
  const auto count = static_cast<double>(values.size());
  const double t_mean = t_sum.total() / count;
  const double p_mean = p_sum.total() / count;
  const double t_deviation = std::sqrt(std::max(0.0, t_squares.total() / count - t_mean * t_mean));
  const double p_deviation = std::sqrt(std::max(0.0, p_squares.total() / count - p_mean * p_mean));
  const double stretch = p_deviation > 1e-8 ? t_deviation / p_deviation : 1.0;
  // low + range * (t_mean + stretch * (p - p_mean))
  const double wide = static_cast<double>(range);
  const auto factor = static_cast<float>(wide * stretch);
  const auto offset =
      static_cast<float>(static_cast<double>(low) + wide * (t_mean - stretch * p_mean));
  for (float& value : values) {
    value = value * factor + offset;
  }
}

}  // namespace marrow
