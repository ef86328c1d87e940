#include "clinical/metrics/surface_distance.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "clinical/metrics/distance_transform.h"

namespace marrow {

namespace {

// A box cut out of an image; outside the box there is no mask.
struct MaskBox {
  Size3 size{0, 0, 0};
  std::vector<std::uint8_t> mask;
};

MaskBox cut_mask(const LabelMap& labels, std::uint16_t value, const VoxelBox& box) {
  MaskBox cut;
  for (std::size_t a = 0; a < 3; ++a) {
    cut.size[a] = box.high[a] - box.low[a];
  }
  cut.mask.reserve(static_cast<std::size_t>(cut.size[0] * cut.size[1] * cut.size[2]));
  for (std::int64_t k = box.low[2]; k < box.high[2]; ++k) {
    for (std::int64_t j = box.low[1]; j < box.high[1]; ++j) {
      for (std::int64_t i = box.low[0]; i < box.high[0]; ++i) {
        cut.mask.push_back(labels.at(i, j, k) == value ? 1 : 0);
      }
    }
  }
  return cut;
}

// The mask's voxels with a face neighbour outside it.
std::vector<std::uint8_t> surface_of(const MaskBox& box, const Size3& image) {
  std::vector<std::uint8_t> surface(box.mask.size(), 0);
  const Size3 step{1, box.size[0], box.size[0] * box.size[1]};
  std::size_t at = 0;
  Size3 index{0, 0, 0};
  for (index[2] = 0; index[2] < box.size[2]; ++index[2]) {
    for (index[1] = 0; index[1] < box.size[1]; ++index[1]) {
      for (index[0] = 0; index[0] < box.size[0]; ++index[0], ++at) {
        if (box.mask[at] == 0) {
          continue;
        }
        bool inside = true;
        for (std::size_t a = 0; a < 3 && inside; ++a) {
          if (image[a] == 1) {
            continue;
          }
          const auto offset = static_cast<std::size_t>(step[a]);
          inside = index[a] > 0 && index[a] + 1 < box.size[a] && box.mask[at - offset] != 0 &&
                   box.mask[at + offset] != 0;
        }
        surface[at] = inside ? 0 : 1;
      }
    }
  }
  return surface;
}

std::vector<double> distances_at(const std::vector<std::uint8_t>& surface,
                                 const std::vector<double>& squared) {
  std::vector<double> distances;
  for (std::size_t at = 0; at < surface.size(); ++at) {
    if (surface[at] != 0) {
      distances.push_back(std::sqrt(squared[at]));
    }
  }
  return distances;
}

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

SurfaceDistances surface_distances(const LabelMap& reference,
                                   const LabelMap& prediction,
                                   std::uint16_t value,
                                   const VoxelBox& box) {
  const MaskBox cut = cut_mask(reference, value, box);
  const std::vector<std::uint8_t> of_reference = surface_of(cut, reference.geometry.size);
  const std::vector<std::uint8_t> of_prediction =
      surface_of(cut_mask(prediction, value, box), reference.geometry.size);
  const Eigen::Vector3d& spacing = reference.geometry.spacing;
  SurfaceDistances distances;
  distances.from_reference =
      distances_at(of_reference, squared_distances_mm(of_prediction, cut.size, spacing));
  distances.from_prediction =
      distances_at(of_prediction, squared_distances_mm(of_reference, cut.size, spacing));
  if (distances.from_reference.empty() || distances.from_prediction.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                "surface distance: a mask is empty, so there is no surface to measure from");
  }
  return distances;
}

double percentile(std::vector<double> values, double q) {
  MARROW_CHECK(!values.empty() && q >= 0.0 && q <= 100.0);
  const double position = q / 100.0 * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const auto low = values.begin() + static_cast<std::ptrdiff_t>(below);
  std::nth_element(values.begin(), low, values.end());
  const double a = *low;
  if (below + 1 == values.size()) {
    return a;
  }
  const double b = *std::min_element(low + 1, values.end());
  // Equal neighbours may both be infinite.
  return a == b ? a : a + (position - static_cast<double>(below)) * (b - a);
}

double hausdorff_mm(const SurfaceDistances& distances) {
  return std::max(
      *std::max_element(distances.from_reference.begin(), distances.from_reference.end()),
      *std::max_element(distances.from_prediction.begin(), distances.from_prediction.end()));
}

double hd95_mm(SurfaceDistances distances, SurfaceRule rule) {
  if (rule == SurfaceRule::kDirected) {
    return std::max(percentile(std::move(distances.from_reference), 95.0),
                    percentile(std::move(distances.from_prediction), 95.0));
  }
  std::vector<double> pooled = std::move(distances.from_reference);
  pooled.insert(pooled.end(), distances.from_prediction.begin(), distances.from_prediction.end());
  return percentile(std::move(pooled), 95.0);
}

double assd_mm(const SurfaceDistances& distances, SurfaceRule rule) {
  const double a = mean_of(distances.from_reference);
  const double b = mean_of(distances.from_prediction);
  if (rule == SurfaceRule::kPooled) {
    return (a + b) / 2.0;
  }
  const auto n = static_cast<double>(distances.from_reference.size());
  const auto m = static_cast<double>(distances.from_prediction.size());
  return (a * n + b * m) / (n + m);
}

double diagonal_mm(const Geometry& geometry) {
  double squared = 0.0;
  for (std::size_t a = 0; a < 3; ++a) {
    const double length =
        static_cast<double>(geometry.size[a]) * geometry.spacing[static_cast<Eigen::Index>(a)];
    squared += length * length;
  }
  return std::sqrt(squared);
}

}  // namespace marrow
