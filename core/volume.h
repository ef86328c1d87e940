#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/geometry.h"
#include "core/large_memory.h"

namespace marrow {

// A voxel grid with its values, i fastest. The buffer always has geometry.voxels() elements.
template <class T>
struct Grid {
  Geometry geometry;
  VoxelVector<T> voxels;

  [[nodiscard]] std::size_t offset(std::int64_t i, std::int64_t j, std::int64_t k) const {
    return static_cast<std::size_t>(i + geometry.size[0] * (j + geometry.size[1] * k));
  }

  [[nodiscard]] T& at(std::int64_t i, std::int64_t j, std::int64_t k) {
    return voxels[offset(i, j, k)];
  }

  [[nodiscard]] const T& at(std::int64_t i, std::int64_t j, std::int64_t k) const {
    return voxels[offset(i, j, k)];
  }
};

// Intensities after the header's rescale: CT in HU, PET in Bq/ml, MR without unit.
using Volume = Grid<float>;
// An expert's annotation or a prediction: class per voxel.
using LabelMap = Grid<std::uint16_t>;

template <class T>
[[nodiscard]] Grid<T> make_grid(const Geometry& geometry, T value = T{}) {
  return Grid<T>{geometry, VoxelVector<T>(static_cast<std::size_t>(geometry.voxels()), value)};
}

template <class T>
[[nodiscard]] Grid<T> make_grid(const Geometry& geometry, VoxelVector<T> voxels) {
  MARROW_CHECK(static_cast<std::int64_t>(voxels.size()) == geometry.voxels());
  return Grid<T>{geometry, std::move(voxels)};
}

template <class T>
[[nodiscard]] Grid<T> make_grid(const Geometry& geometry, const std::vector<T>& voxels) {
  return make_grid(geometry, VoxelVector<T>(voxels.begin(), voxels.end()));
}

// Its voxels hold whatever the memory held: for those who write every one of them.
template <class T>
[[nodiscard]] Grid<T> make_unfilled_grid(const Geometry& geometry) {
  VoxelVector<T> voxels;
  voxels.resize(static_cast<std::size_t>(geometry.voxels()));
  return Grid<T>{geometry, std::move(voxels)};
}

}  // namespace marrow
