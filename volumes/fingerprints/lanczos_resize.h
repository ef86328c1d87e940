#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "volumes/fingerprints/lanczos_kernel.h"

namespace marrow {

// Resizes 8-bit grey pictures bit for bit as Pillow's Image.resize(size, LANCZOS) does: a window of
// three lobes, widened by the factor that the picture shrinks by, weights of 22 bits behind the
// point, first along rows, then along columns, rounded to 8 bits after each. A direction whose
// length stays the same is left alone. imagehash takes its hashes from such pictures. (Pillow 13
// begins with the columns where a picture loses more than twice as many rows as columns, as tall
// ones do; we always begin with the rows.)
//
// Safe to share between threads. Throws Error{kInvalidArgument} for sizes below 1 or above 32768.
class LanczosResize {
 public:
  struct Size {
    std::int64_t columns = 0, rows = 0;
  };

  LanczosResize(Size from, Size to);

  // Row by row; `picture` and `out` are as large as the sizes say.
  void resize(std::span<const std::uint8_t> picture, std::span<std::uint8_t> out) const;

  // For one output: the weights of `count` inputs from `first` on.
  struct Taps {
    std::int64_t first = 0, count = 0;
    std::vector<std::int32_t> weights;  // times 2^22
  };

 private:
  void shrink_columns(std::span<const std::uint8_t> picture, std::span<std::uint8_t> out) const;

  Size from_, to_;
  LanczosRowPlan along_rows_;        // without outputs: rows stay as they are
  std::vector<Taps> along_columns_;  // empty: columns do
};

}  // namespace marrow
