#include "apps/thumbnail.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <vector>

namespace marrow {
namespace {

// From dark to light on a dark terminal.
constexpr std::string_view kRamp = " .:-=+*#%@";
constexpr int kPanelColumns = 32;
// A letter is about twice as high as wide.
constexpr double kLetterShape = 2.0;

// A plane through the middle of the volume: physical directions of the panel's columns and rows.
struct Plane {
  Eigen::Vector3d right;
  Eigen::Vector3d down;
};

double thumbnail_value(const Volume& volume, const Eigen::Vector3d& point, double outside) {
  const Eigen::Vector3d index = volume.geometry.to_index(point);
  std::array<std::int64_t, 3> voxel{};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    voxel[axis] = std::llround(index[static_cast<Eigen::Index>(axis)]);
    if (voxel[axis] < 0 || voxel[axis] >= volume.geometry.size[axis]) {
      return outside;
    }
  }
  return static_cast<double>(volume.at(voxel[0], voxel[1], voxel[2]));
}

}  // namespace

std::string thumbnail_text(const Volume& volume, int rows) {
  std::vector<float> values;
  const std::size_t step = std::max<std::size_t>(1, volume.voxels.size() / 20000);
  for (std::size_t n = 0; n < volume.voxels.size(); n += step) {
    if (std::isfinite(volume.voxels[n])) {
      values.push_back(volume.voxels[n]);
    }
  }
  if (values.empty()) {
    return {};
  }
  std::sort(values.begin(), values.end());
  const double low = static_cast<double>(values[values.size() / 100]);
  const double high =
      std::max(low + 1e-6, static_cast<double>(values[values.size() - 1 - values.size() / 100]));

  const Geometry& grid = volume.geometry;
  const Eigen::Vector3d last(static_cast<double>(grid.size[0] - 1),
                             static_cast<double>(grid.size[1] - 1),
                             static_cast<double>(grid.size[2] - 1));
  const Eigen::Vector3d middle = grid.to_physical(last / 2);
  const Eigen::Vector3d extent =
      (grid.direction * (last + Eigen::Vector3d::Ones()).cwiseProduct(grid.spacing).asDiagonal())
          .cwiseAbs()
          .rowwise()
          .sum();
  // Rows must hold the tallest panel, columns the widest.
  const double mm_per_row = std::max(
      {extent.y() / rows, extent.z() / rows, extent.maxCoeff() * kLetterShape / kPanelColumns});
  const double mm_per_column = mm_per_row / kLetterShape;
  const Eigen::Vector3d x = Eigen::Vector3d::UnitX();
  const Eigen::Vector3d y = Eigen::Vector3d::UnitY();
  const Eigen::Vector3d z = Eigen::Vector3d::UnitZ();
  const std::array<Plane, 3> planes = {Plane{x, y}, Plane{x, -z}, Plane{y, -z}};
  std::string text;
  for (int row = 0; row < rows; ++row) {
    std::string line;
    for (const Plane& plane : planes) {
      for (int column = 0; column < kPanelColumns; ++column) {
        const Eigen::Vector3d point =
            middle + plane.right * ((column - (kPanelColumns - 1) / 2.0) * mm_per_column) +
            plane.down * ((row - (rows - 1) / 2.0) * mm_per_row);
        const double share = (thumbnail_value(volume, point, low) - low) / (high - low);
        line += kRamp[static_cast<std::size_t>(std::clamp(share, 0.0, 1.0) *
                                               static_cast<double>(kRamp.size() - 1))];
      }
      line += ' ';
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

}  // namespace marrow
