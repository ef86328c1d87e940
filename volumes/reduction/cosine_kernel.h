#pragma once

#include <cstdint>

namespace marrow {

// How one kind of processor finds the pairs of rows whose dot product may reach a bound. Rows are
// packed into strips of left_rows or right_rows of them, each filled up with zeros to a multiple of
// depth_step dimensions. A product is computed in low precision; callers lower the bound by the
// error and compute the pairs that are found again.
struct CosineKernel {
  const char* name = "";
  std::int64_t left_rows = 0, right_rows = 0;  // of a strip
  std::int64_t depth_step = 0, value_bytes = 0;
  double rounding = 0;  // largest relative error of a packed value

  // Packs one row into its place in a strip that was filled with zeros.
  using Pack = void (*)(const float* row, std::int64_t dimensions, std::int64_t place, void* strip);
  Pack pack_left = nullptr, pack_right = nullptr;

  // Of `strips` left strips that follow each other and one right strip: writes row * 65536 + column
  // of each product >= bound and returns how many there are. `depth` dimensions, filled up.
  std::int64_t (*screen)(const void* left,
                         std::int64_t strips,
                         const void* right,
                         std::int64_t depth,
                         float bound,
                         std::uint32_t* hits) = nullptr;
};

// float32 in vectors of 16, 32 or 64 bytes.
[[nodiscard]] CosineKernel cosine_kernel_baseline();
[[nodiscard]] CosineKernel cosine_kernel_avx2();
[[nodiscard]] CosineKernel cosine_kernel_avx512();
// bfloat16 in tiles of 16 x 32 values, summed in float32.
[[nodiscard]] CosineKernel cosine_kernel_amx();

// Whether this processor, and for amx the system, runs the kernel of that name; of them all the
// last is the fastest.
[[nodiscard]] bool runs_cosine_kernel(const CosineKernel& kernel);
[[nodiscard]] const CosineKernel& best_cosine_kernel();

}  // namespace marrow
