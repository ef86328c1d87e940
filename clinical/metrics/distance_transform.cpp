#include "clinical/metrics/distance_transform.h"

#include <algorithm>
#include <limits>

#include "core/error.h"

namespace marrow {

namespace {

constexpr double kFar = std::numeric_limits<double>::infinity();

// Along i every value is 0 or infinity, so two sweeps that count voxels do.
void sweep_rows(const std::vector<std::uint8_t>& feature,
                std::int64_t length,
                double spacing,
                std::vector<double>& squared) {
  const auto n = static_cast<std::size_t>(length);
  for (std::size_t row = 0; row < feature.size(); row += n) {
    std::int64_t last = -1;
    for (std::int64_t i = 0; i < length; ++i) {
      const std::size_t at = row + static_cast<std::size_t>(i);
      last = feature[at] != 0 ? i : last;
      const double d = static_cast<double>(i - last) * spacing;
      squared[at] = last < 0 ? kFar : d * d;
    }
    last = -1;
    for (std::int64_t i = length; i-- > 0;) {
      const std::size_t at = row + static_cast<std::size_t>(i);
      last = feature[at] != 0 ? i : last;
      const double d = static_cast<double>(last - i) * spacing;
      squared[at] = last < 0 ? squared[at] : std::min(squared[at], d * d);
    }
  }
}

// The lower envelope of the parabolas value[q] + (x - q * spacing)^2, sampled at the voxels.
class DistanceEnvelope {
 public:
  DistanceEnvelope(std::int64_t length, double spacing)
      : spacing_(spacing),
        value_(static_cast<std::size_t>(length)),
        vertex_(static_cast<std::size_t>(length)),
        height_(static_cast<std::size_t>(length)),
        begin_(static_cast<std::size_t>(length)) {}

  // Replaces `length` values that lie `step` apart.
  void run(double* line, std::int64_t step) {
    const std::size_t n = value_.size();
    std::size_t parabolas = 0;
    for (std::size_t q = 0; q < n; ++q) {
      const double value = line[static_cast<std::int64_t>(q) * step];
      if (value == kFar) {
        continue;
      }
      const double x = static_cast<double>(q) * spacing_;
      const double height = value + x * x;
      double from = -kFar;
      while (parabolas > 0) {
        const std::size_t top = parabolas - 1;
        from = (height - height_[top]) / (2.0 * (x - vertex_[top]));
        if (from > begin_[top]) {
          break;
        }
        --parabolas;
        from = -kFar;
      }
      vertex_[parabolas] = x;
      height_[parabolas] = height;
      value_[parabolas] = value;
      begin_[parabolas] = from;
      ++parabolas;
    }
    if (parabolas == 0) {
      return;
    }
    std::size_t p = 0;
    for (std::size_t q = 0; q < n; ++q) {
      const double x = static_cast<double>(q) * spacing_;
      while (p + 1 < parabolas && begin_[p + 1] < x) {
        ++p;
      }
      const double d = x - vertex_[p];
      line[static_cast<std::int64_t>(q) * step] = value_[p] + d * d;
    }
  }

 private:
  double spacing_;
  std::vector<double> value_, vertex_, height_, begin_;
};

}  // namespace

std::vector<double> squared_distances_mm(const std::vector<std::uint8_t>& feature,
                                         const Size3& size,
                                         const Eigen::Vector3d& spacing) {
  MARROW_CHECK(static_cast<std::int64_t>(feature.size()) == size[0] * size[1] * size[2]);
  std::vector<double> squared(feature.size());
  sweep_rows(feature, size[0], spacing[0], squared);
  if (size[1] > 1) {
    DistanceEnvelope envelope(size[1], spacing[1]);
    for (std::int64_t k = 0; k < size[2]; ++k) {
      for (std::int64_t i = 0; i < size[0]; ++i) {
        envelope.run(squared.data() + i + k * size[0] * size[1], size[0]);
      }
    }
  }
  if (size[2] > 1) {
    DistanceEnvelope envelope(size[2], spacing[2]);
    for (std::int64_t at = 0; at < size[0] * size[1]; ++at) {
      envelope.run(squared.data() + at, size[0] * size[1]);
    }
  }
  return squared;
}

}  // namespace marrow
