#pragma once

#include <cstdint>
#include <span>

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

 private:
  Size from_, to_;
  LanczosPlan along_rows_, along_columns_;  // without outputs: that direction stays as it is
};

}  // namespace marrow
