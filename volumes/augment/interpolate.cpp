#include "volumes/augment/interpolate.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>

#include "core/error.h"

namespace marrow {

namespace {

// Voxels of a row that are worked on together: positions first, in vector code, then the values.
constexpr std::int64_t kRun = 64;

struct RunPositions {
  alignas(64) std::array<std::int32_t, kRun> offset;  // of the lower neighbour
  alignas(64) std::array<float, kRun> x, y, z;        // distance from it, [0, 1)
};

void check_interpolation(std::size_t source_voxels,
                         const Size3& source_size,
                         const VoxelMap& map,
                         const Size3& size,
                         std::size_t out_voxels) {
  const auto count = [](const Size3& s) { return static_cast<std::size_t>(s[0] * s[1] * s[2]); };
  MARROW_CHECK(source_voxels == count(source_size) && out_voxels == count(size));
  MARROW_CHECK(source_voxels <= static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()));
  // An affine map takes its extremes at the corners.
  for (int corner = 0; corner < 8; ++corner) {
    Eigen::Vector3d index(0, 0, 0);
    for (int axis = 0; axis < 3; ++axis) {
      index[axis] = (corner >> axis & 1) != 0
                        ? static_cast<double>(size[static_cast<std::size_t>(axis)] - 1)
                        : 0.0;
    }
    const Eigen::Vector3d position = map.origin + map.steps * index;
    for (int axis = 0; axis < 3; ++axis) {
      const auto last = static_cast<double>(source_size[static_cast<std::size_t>(axis)] - 1);
      MARROW_CHECK(last == 0 ? position[axis] == 0 : position[axis] >= 0 && position[axis] < last);
    }
  }
}

// Positions of kRun voxels from `start` on; those beyond the end of a row are computed and not
// used.
inline void run_positions(const std::array<float, 3>& start,
                          const std::array<float, 3>& step,
                          std::int32_t stride_j,
                          std::int32_t stride_k,
                          RunPositions& run) {
  for (std::int32_t t = 0; t < kRun; ++t) {
    const auto n = static_cast<float>(t);
    const auto at = static_cast<std::size_t>(t);
    const float x = start[0] + n * step[0];
    const float y = start[1] + n * step[1];
    const float z = start[2] + n * step[2];
    const auto i = static_cast<std::int32_t>(x);
    const auto j = static_cast<std::int32_t>(y);
    const auto k = static_cast<std::int32_t>(z);
    run.x[at] = x - static_cast<float>(i);
    run.y[at] = y - static_cast<float>(j);
    run.z[at] = z - static_cast<float>(k);
    run.offset[at] = i + j * stride_j + k * stride_k;
  }
}

inline float blend(float a, float b, float share) {
  return a + share * (b - a);
}

// `stride_*` is 0 along an axis of one voxel, so that the upper neighbour is the voxel itself.
template <bool kFlat>
void blend_run(const float* source,
               const RunPositions& run,
               std::int64_t stride_i,
               std::int64_t stride_j,
               std::int64_t stride_k,
               std::int64_t count,
               float* out) {
  for (std::int64_t t = 0; t < count; ++t) {
    const auto at = static_cast<std::size_t>(t);
    const float* p = source + run.offset[at];
    const float x = run.x[at];
    const float y = run.y[at];
    const float near =
        blend(blend(p[0], p[stride_i], x), blend(p[stride_j], p[stride_j + stride_i], x), y);
    if constexpr (kFlat) {
      out[t] = near;
    } else {
      const float* q = p + stride_k;
      const float far =
          blend(blend(q[0], q[stride_i], x), blend(q[stride_j], q[stride_j + stride_i], x), y);
      out[t] = blend(near, far, run.z[at]);
    }
  }
}

// Calls `work(positions, count, first output voxel)` for every run of every row. `shift` is added
// to all positions.
template <class Work>
void for_each_run(const Size3& source_size,
                  const VoxelMap& map,
                  const Size3& size,
                  double shift,
                  const Work& work) {
  const auto stride_j = static_cast<std::int32_t>(source_size[0]);
  const auto stride_k = static_cast<std::int32_t>(source_size[0] * source_size[1]);
  const std::array<float, 3> step{static_cast<float>(map.steps(0, 0)),
                                  static_cast<float>(map.steps(1, 0)),
                                  static_cast<float>(map.steps(2, 0))};
  RunPositions run;
  for (std::int64_t k = 0; k < size[2]; ++k) {
    for (std::int64_t j = 0; j < size[1]; ++j) {
      for (std::int64_t i = 0; i < size[0]; i += kRun) {
        // The start of each run in double: the float error does not grow along a row.
        const Eigen::Vector3d start =
            map.origin + map.steps * Eigen::Vector3d(static_cast<double>(i),
                                                     static_cast<double>(j),
                                                     static_cast<double>(k));
        run_positions({static_cast<float>(start[0] + shift),
                       static_cast<float>(start[1] + shift),
                       static_cast<float>(start[2] + shift)},
                      step,
                      stride_j,
                      stride_k,
                      run);
        work(run, std::min(kRun, size[0] - i), i + size[0] * (j + size[1] * k));
      }
    }
  }
}

}  // namespace

void interpolate_linear(std::span<const float> source,
                        const Size3& source_size,
                        const VoxelMap& map,
                        const Size3& size,
                        std::span<float> out) {
  check_interpolation(source.size(), source_size, map, size, out.size());
  const std::int64_t stride_i = source_size[0] > 1 ? 1 : 0;
  const std::int64_t stride_j = source_size[1] > 1 ? source_size[0] : 0;
  const std::int64_t stride_k = source_size[0] * source_size[1];
  const auto blend_into = [&](auto flat) {
    for_each_run(source_size,
                 map,
                 size,
                 0.0,
                 [&](const RunPositions& run, std::int64_t count, std::int64_t first) {
                   blend_run<decltype(flat)::value>(
                       source.data(), run, stride_i, stride_j, stride_k, count, out.data() + first);
                 });
  };
  if (source_size[2] == 1) {
    blend_into(std::true_type{});
  } else {
    blend_into(std::false_type{});
  }
}

void interpolate_nearest(std::span<const std::uint8_t> source,
                         const Size3& source_size,
                         const VoxelMap& map,
                         const Size3& size,
                         std::span<std::uint8_t> out) {
  check_interpolation(source.size(), source_size, map, size, out.size());
  for_each_run(source_size,
               map,
               size,
               0.5,
               [&](const RunPositions& run, std::int64_t count, std::int64_t first) {
                 std::uint8_t* row = out.data() + first;
                 for (std::int64_t t = 0; t < count; ++t) {
                   row[t] =
                       source[static_cast<std::size_t>(run.offset[static_cast<std::size_t>(t)])];
                 }
               });
}

}  // namespace marrow
