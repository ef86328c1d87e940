#pragma once

#include <cstdint>

#include "volumes/reduction/cosine_kernel.h"

// The body of cosine_kernel_baseline, _avx2 and _avx512.cpp, each of which is compiled for another
// kind of processor; what is here must not be shared between them, nor be a function that the rest
// of the program has, too.
namespace marrow {
namespace {

// Products of Rows x two vectors stay in registers: of 16 (32 with AVX-512) they leave enough for a
// row of the right strip and one value of the left.
template <int VectorBytes, int Rows>
struct CosineLoop {
  typedef float Vector __attribute__((vector_size(VectorBytes)));
  typedef float Unaligned __attribute__((vector_size(VectorBytes), aligned(4)));
  static constexpr int kLanes = VectorBytes / 4;
  static constexpr int kColumns = 2 * kLanes;

  template <int StripRows>
  static void pack(const float* row, std::int64_t dimensions, std::int64_t place, void* strip) {
    float* const out = static_cast<float*>(strip) + place;
    for (std::int64_t n = 0; n < dimensions; ++n) {
      out[n * StripRows] = row[n];
    }
  }

  static std::int64_t screen(const void* left,
                             std::int64_t strips,
                             const void* right,
                             std::int64_t depth,
                             float bound,
                             std::uint32_t* hits) {
    std::int64_t found = 0;
    for (std::int64_t strip = 0; strip < strips; ++strip) {
      const float* a = static_cast<const float*>(left) + strip * Rows * depth;
      const float* b = static_cast<const float*>(right);
      Vector sums[Rows][2] = {};
      for (std::int64_t k = 0; k < depth; ++k, a += Rows, b += kColumns) {
        const Vector first = *reinterpret_cast<const Unaligned*>(b);
        const Vector second = *reinterpret_cast<const Unaligned*>(b + kLanes);
#pragma GCC unroll 16
        for (int row = 0; row < Rows; ++row) {
          sums[row][0] += a[row] * first;
          sums[row][1] += a[row] * second;
        }
      }
      Vector most = sums[0][0];
#pragma GCC unroll 16
      for (int row = 0; row < Rows; ++row) {
        most = sums[row][0] > most ? sums[row][0] : most;
        most = sums[row][1] > most ? sums[row][1] : most;
      }
      float peaks[kLanes];
      *reinterpret_cast<Unaligned*>(peaks) = most;
      bool any = false;
      for (int lane = 0; lane < kLanes; ++lane) {
        any |= peaks[lane] >= bound;
      }
      if (!any) {
        continue;
      }
      float products[Rows][kColumns];
      for (int row = 0; row < Rows; ++row) {
        *reinterpret_cast<Unaligned*>(products[row]) = sums[row][0];
        *reinterpret_cast<Unaligned*>(products[row] + kLanes) = sums[row][1];
      }
      for (int row = 0; row < Rows; ++row) {
        for (int column = 0; column < kColumns; ++column) {
          if (products[row][column] >= bound) {
            hits[found++] = static_cast<std::uint32_t>(strip * Rows + row) << 16U |
                            static_cast<std::uint32_t>(column);
          }
        }
      }
    }
    return found;
  }

  static CosineKernel kernel(const char* name) {
    return {name, Rows, kColumns, 1, 4, 0, pack<Rows>, pack<kColumns>, screen};
  }
};

}  // namespace
}  // namespace marrow
