#pragma once

#include <bit>
#include <cstdint>
#include <span>

#include "volumes/fingerprints/lanczos_resize.h"

namespace marrow {

// Difference hash of 64 bits, as imagehash.dhash makes it: the picture at 9 x 8 (LanczosResize), a
// bit for each pixel that is darker than the one to its right. Row by row, the first bit is the
// highest, so that the hexadecimal number is imagehash's text.
class DifferenceHash {
 public:
  // Of pictures of this size.
  explicit DifferenceHash(LanczosResize::Size size);

  [[nodiscard]] std::uint64_t operator()(std::span<const std::uint8_t> picture) const;

 private:
  LanczosResize resize_;
};

// Perceptual hash of 64 bits, as imagehash.phash makes it: the 8 x 8 lowest frequencies of the
// picture at 32 x 32 (DCT-II in both directions), a bit for each that is above their median.
class PerceptualHash {
 public:
  explicit PerceptualHash(LanczosResize::Size size);

  [[nodiscard]] std::uint64_t operator()(std::span<const std::uint8_t> picture) const;

 private:
  LanczosResize resize_;
};

// How many bits differ.
[[nodiscard]] inline int hamming_distance(std::uint64_t a, std::uint64_t b) {
  return std::popcount(a ^ b);
}

}  // namespace marrow
