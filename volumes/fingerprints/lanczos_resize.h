#pragma once

#include <cstdint>
#include <span>
#include <vector>

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
  // A weight is coarse * 2^shift + fine; what the fine parts can add decides rarely.
  struct Coarse {
    std::vector<std::int16_t> weights;  // padded to whole vectors with zeros
    std::int32_t most_above = 0;        // largest sum of the fine parts, times 2^22
    std::int32_t most_below = 0;        // smallest
  };

  void shrink_rows(std::span<const std::uint8_t> picture, std::span<std::uint8_t> out) const;
  void shrink_columns(std::span<const std::uint8_t> picture, std::span<std::uint8_t> out) const;

  Size from_, to_;
  std::vector<Taps> along_rows_, along_columns_;  // empty: that direction stays as it is
  std::vector<Coarse> coarse_;                    // of along_rows_
  int shift_ = 0;
};

}  // namespace marrow
