#pragma once

#include "core/geometry.h"

namespace marrow::testing {

// A small grid that the sample labels lie on.
inline Geometry label_grid() {
  return make_geometry(
      {5, 4, 3}, {0.75, 1.25, 2.5}, {-31.5, 12.25, 140.0}, Eigen::Matrix3d::Identity());
}

}  // namespace marrow::testing
