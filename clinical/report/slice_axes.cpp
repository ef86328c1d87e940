#include "clinical/report/slice_axes.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace marrow {

namespace {

constexpr double kLetterComponent = 0.26;
constexpr double kEqualSpacing = 1.1;

// For each patient axis (L, P, S) the grid axis that follows it best; every grid axis is used once.
std::array<int, 3> grid_axes(const Geometry& geometry) {
  std::array<int, 3> assigned{-1, -1, -1};
  std::array<bool, 3> used{};
  for (int round = 0; round < 3; ++round) {
    double best = -1;
    std::size_t best_patient = 0;
    int best_grid = 0;
    for (std::size_t patient = 0; patient < 3; ++patient) {
      for (int grid = 0; grid < 3; ++grid) {
        const double weight =
            std::abs(geometry.direction(static_cast<Eigen::Index>(patient), grid));
        if (assigned[patient] < 0 && !used[static_cast<std::size_t>(grid)] && weight > best) {
          best = weight;
          best_patient = patient;
          best_grid = grid;
        }
      }
    }
    assigned[best_patient] = best_grid;
    used[static_cast<std::size_t>(best_grid)] = true;
  }
  return assigned;
}

}  // namespace

std::string plane_name(Plane plane) {
  switch (plane) {
    case Plane::kSagittal:
      return "sagittal";
    case Plane::kCoronal:
      return "coronal";
    case Plane::kAxial:
      break;
  }
  return "axial";
}

int plane_normal(const Geometry& geometry, Plane plane) {
  return grid_axes(geometry)[static_cast<std::size_t>(plane)];
}

int best_normal(const Geometry& geometry) {
  for (int axis = 0; axis < 3; ++axis) {
    if (geometry.size[static_cast<std::size_t>(axis)] == 1) {
      return axis;
    }
  }
  const int axial = plane_normal(geometry, Plane::kAxial);
  int best = axial;
  for (int axis = 0; axis < 3; ++axis) {
    if (geometry.spacing[axis] > geometry.spacing[axial] * kEqualSpacing &&
        geometry.spacing[axis] > geometry.spacing[best]) {
      best = axis;
    }
  }
  return best;
}

SliceAxes slice_axes(const Geometry& geometry, int normal) {
  MARROW_CHECK(normal >= 0 && normal < 3);
  const std::array<int, 3> axes = grid_axes(geometry);
  SliceAxes slice;
  slice.normal = normal;
  const auto place = std::find(axes.begin(), axes.end(), normal);
  slice.plane = static_cast<Plane>(place - axes.begin());
  // Patient axes along the picture, in LPS: right is L or (sagittal) P, down is P or the opposite
  // of S.
  const Eigen::Index right_patient = slice.plane == Plane::kSagittal ? 1 : 0;
  const Eigen::Index down_patient = slice.plane == Plane::kAxial ? 1 : 2;
  slice.right = axes[static_cast<std::size_t>(right_patient)];
  slice.down = axes[static_cast<std::size_t>(down_patient)];
  slice.flip_right = geometry.direction(right_patient, slice.right) < 0;
  const double down_sign = down_patient == 2 ? -1 : 1;
  slice.flip_down = down_sign * geometry.direction(down_patient, slice.down) < 0;

  const Eigen::Vector3d right =
      geometry.direction.col(slice.right) * (slice.flip_right ? -1.0 : 1.0);
  const Eigen::Vector3d down = geometry.direction.col(slice.down) * (slice.flip_down ? -1.0 : 1.0);
  slice.right_letters = orientation_letters(right);
  slice.left_letters = orientation_letters(-right);
  slice.bottom_letters = orientation_letters(down);
  slice.top_letters = orientation_letters(-down);
  return slice;
}

std::string orientation_letters(const Eigen::Vector3d& direction) {
  static constexpr std::array<char, 3> kPositive{'L', 'P', 'S'};
  static constexpr std::array<char, 3> kNegative{'R', 'A', 'I'};
  std::array<std::size_t, 3> order{0, 1, 2};
  const auto weight = [&](std::size_t axis) {
    return std::abs(direction[static_cast<Eigen::Index>(axis)]);
  };
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return weight(a) > weight(b);
  });
  std::string letters;
  for (const std::size_t axis : order) {
    if (letters.empty() || weight(axis) > kLetterComponent) {
      letters += direction[static_cast<Eigen::Index>(axis)] > 0 ? kPositive[axis] : kNegative[axis];
    }
  }
  return letters;
}

}  // namespace marrow
