#include "volumes/reduction/slice_similarity.h"

#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "tests/support/slice_pictures.h"

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
