#include "volumes/reduction/slice_similarity.h"

#include <array>
#include <cmath>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "tests/support/slice_pictures.h"
#include "volumes/reduction/ssim_kernel.h"

namespace marrow {
namespace {

using testing::SlicePicture;

GreyPicture view(const SlicePicture& picture) {
  return {picture.pixels, picture.columns, picture.rows};
}

TEST(SliceSimilarityGolden, HasTheFiguresOfScikitImageAndNumpy) {
  std::ifstream file(std::string(MARROW_TEST_DATA) + "/golden/similarity.json");
  const auto golden = nlohmann::json::parse(file);
  const std::vector<SlicePicture> slices = testing::golden_slices();

  for (const auto& pair : golden.at("pairs")) {
    const GreyPicture a = view(slices.at(pair.at("a")));
    const GreyPicture b = view(slices.at(pair.at("b")));
    EXPECT_NEAR(structural_similarity(a, b), pair.at("ssim_gauss"), 1e-9);
    EXPECT_NEAR(mutual_information(a, b).bits, pair.at("mi_bits_64bins"), 1e-9);
    EXPECT_NEAR(mutual_information(a, b).normalised, pair.at("nmi"), 1e-9);
  }
  for (std::size_t n = 0; n < golden.at("entropy_bits").size(); ++n) {
    EXPECT_NEAR(entropy_bits(view(slices[n])), golden.at("entropy_bits")[n], 1e-9);
  }
}

// As Wang et al. 2004 write it, window by window.
double sum_of_windows(const SlicePicture& a,
                      const SlicePicture& b,
                      const std::array<double, kSsimRadius + 1>& half) {
  const auto weight = [&](std::int64_t n) {
    return half[static_cast<std::size_t>(n < 6 ? n : 10 - n)];
  };
  double sum = 0;
  for (std::int64_t y = 0; y + 10 < a.rows; ++y) {
    for (std::int64_t x = 0; x + 10 < a.columns; ++x) {
      double ma = 0, mb = 0, aa = 0, bb = 0, ab = 0;
      for (std::int64_t v = 0; v < 11; ++v) {
        for (std::int64_t u = 0; u < 11; ++u) {
          const auto at = static_cast<std::size_t>((y + v) * a.columns + x + u);
          const double w = weight(u) * weight(v);
          const double va = a.pixels[at];
          const double vb = b.pixels[at];
          ma += w * va;
          mb += w * vb;
          aa += w * va * va;
          bb += w * vb * vb;
          ab += w * va * vb;
        }
      }
      constexpr double kC1 = 6.5025;
      constexpr double kC2 = 58.5225;
      sum += (2 * ma * mb + kC1) * (2 * (ab - ma * mb) + kC2) /
             ((ma * ma + mb * mb + kC1) * (aa - ma * ma + bb - mb * mb + kC2));
    }
  }
  return sum;
}

TEST(SliceSimilarity, IsTheSameByEveryKernelWhateverTheSize) {
  constexpr std::array<double, kSsimRadius + 1> kHalf = {0.01, 0.02, 0.05, 0.1, 0.2, 0.24};
  for (const auto& [columns, rows] : {std::pair{11, 11}, {12, 40}, {40, 12}, {82, 13}, {83, 24}}) {
    const SlicePicture a = testing::noise_picture(columns, rows, 1);
    const SlicePicture b = testing::noise_picture(columns, rows, 2);
    const double wanted = sum_of_windows(a, b, kHalf);
    for (const SsimKernel& kernel : ssim_kernels()) {
      EXPECT_NEAR(kernel.sum(a.pixels.data(),
                             b.pixels.data(),
                             static_cast<std::size_t>(columns),
                             static_cast<std::size_t>(rows),
                             kHalf.data()),
                  wanted,
                  1e-9 * std::abs(wanted) + 1e-9)
          << kernel.name << ", " << columns << " x " << rows;
    }
  }
}

TEST(SliceSimilarity, OfConstantPicturesIsStated) {
  const SlicePicture dark{12, 12, std::vector<std::uint8_t>(144, 10)};
  const SlicePicture light{12, 12, std::vector<std::uint8_t>(144, 200)};

  EXPECT_EQ(entropy_bits(view(dark)), 0);
  EXPECT_EQ(mutual_information(view(dark), view(light)).bits, 0);
  EXPECT_EQ(mutual_information(view(dark), view(light)).normalised, 1);
  EXPECT_NEAR(structural_similarity(view(dark), view(dark)), 1, 1e-12);
  EXPECT_LT(structural_similarity(view(dark), view(light)), 0.2);
}

TEST(SliceSimilarity, RefusesPicturesOfTwoSizesOrSmallerThanItsWindow) {
  const SlicePicture small = testing::noise_picture(10, 30, 1);
  const SlicePicture turned = testing::noise_picture(30, 10, 1);
  EXPECT_THROW((void)structural_similarity(view(small), view(small)), Error);
  EXPECT_THROW((void)structural_similarity(view(small), view(turned)), Error);
  EXPECT_THROW((void)mutual_information(view(small), view(turned)), Error);
}

}  // namespace
}  // namespace marrow
