#pragma once

#include <array>
#include <cstdint>
#include <string>

#include <Eigen/Core>

#include "core/geometry.h"

namespace marrow {

enum class Plane { kSagittal, kCoronal, kAxial };

// "axial" ...
[[nodiscard]] std::string plane_name(Plane plane);

// How a slice across one grid axis is hung: the radiological convention, patient's right (axial,
// coronal) or front (sagittal) on the left of the picture, front (axial) or head up. On an oblique
// grid the nearest such hanging.
struct SliceAxes {
  Plane plane = Plane::kAxial;
  int normal = 2;           // grid axis across the slice
  int right = 0;            // grid axis along the picture's rows
  int down = 1;             // grid axis along its columns
  bool flip_right = false;  // the grid axis runs to the left
  bool flip_down = false;   // the grid axis runs upwards
  std::string left_letters, right_letters, top_letters, bottom_letters;  // of L R A P S I
};

[[nodiscard]] SliceAxes slice_axes(const Geometry& geometry, int normal);
// The grid axis that is nearest to the plane's normal. Each plane has its own axis, also at 45
// degrees.
[[nodiscard]] int plane_normal(const Geometry& geometry, Plane plane);
// The grid axis to cut across: the one with the largest spacing, since the other two are drawn
// sharpest; axial among equals (within a tenth), and always across an axis of one voxel.
[[nodiscard]] int best_normal(const Geometry& geometry);

// Where an LPS direction points: the letters of its components above 0.26 (15 degrees), largest
// first, such as "L" or "AL".
[[nodiscard]] std::string orientation_letters(const Eigen::Vector3d& direction);

}  // namespace marrow
