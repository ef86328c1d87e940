#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include <ATen/core/Tensor.h>
#include <nlohmann/json.hpp>

#include "core/files.h"
#include "core/volume.h"

namespace marrow {

inline nlohmann::json golden_json(const char* name) {
  return nlohmann::json::parse(
      read_text(std::filesystem::path(MARROW_TEST_DATA) / "golden" / name));
}

// An oblique, off-origin grid with another spacing along each axis.
inline Geometry oblique_grid(const Size3& size) {
  Eigen::Matrix3d direction;
  direction << 0.8, -0.6, 0, 0.6, 0.8, 0, 0, 0, 1;
  return make_geometry(size, {0.7, 1.3, 2.9}, {-31.0, 12.5, 400.0}, direction);
}

inline LabelMap painted(const Geometry& grid,
                        const std::function<int(std::int64_t, std::int64_t, std::int64_t)>& value) {
  LabelMap labels = make_grid<std::uint16_t>(grid);
  for (std::int64_t k = 0; k < grid.size[2]; ++k) {
    for (std::int64_t j = 0; j < grid.size[1]; ++j) {
      for (std::int64_t i = 0; i < grid.size[0]; ++i) {
        labels.at(i, j, k) = static_cast<std::uint16_t>(value(i, j, k));
      }
    }
  }
  return labels;
}

// Half-open box of voxels with value 1.
inline LabelMap box_mask(const Geometry& grid, const Size3& low, const Size3& high) {
  return painted(grid, [&](std::int64_t i, std::int64_t j, std::int64_t k) {
    return i >= low[0] && i < high[0] && j >= low[1] && j < high[1] && k >= low[2] && k < high[2];
  });
}

}  // namespace marrow
