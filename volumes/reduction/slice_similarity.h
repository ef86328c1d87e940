#pragma once

#include <cstdint>
#include <span>

namespace marrow {

// An 8-bit grey picture, row by row.
struct GreyPicture {
  std::span<const std::uint8_t> pixels;
  std::int64_t columns = 0, rows = 0;
};

// Structural similarity (Wang et al. 2004): Gaussian window of 11 x 11 with sigma 1.5, K1 0.01, K2
// 0.03, range 255, population moments; the mean over the pixels whose window lies inside, as
// scikit-image takes it. -1 to 1. Throws Error{kInvalidArgument} for pictures of two sizes or below
// 11 pixels a side.
[[nodiscard]] double structural_similarity(const GreyPicture& a, const GreyPicture& b);

struct SharedInformation {
  double bits = 0;        // mutual information, log2
  double normalised = 0;  // 2 I / (H_a + H_b), 0 to 1; 1 for two constant pictures
};

// Of the joint histogram of 64 x 64 bins over 0 to 255. Throws as above for two sizes.
[[nodiscard]] SharedInformation mutual_information(const GreyPicture& a, const GreyPicture& b);

// Entropy of the grey values in bits, 0 to 8.
[[nodiscard]] double entropy_bits(const GreyPicture& picture);

}  // namespace marrow
