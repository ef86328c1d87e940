#include "volumes/preprocess/channels.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "tests/support/volumes.h"

namespace marrow {
namespace {

using testing::all_axis_orders;
using testing::error_of;
using testing::fill_by_place;
using testing::oblique_grid;

// A ball of tissue with a bright spot, by place in the patient.
double ball(const Eigen::Vector3d& place, const Eigen::Vector3d& centre) {
  const double distance = (place - centre).norm();
  const double spot = (place - centre - Eigen::Vector3d(3, 0, 0)).norm() < 2 ? 60 : 0;
  return distance < 8 ? 100 + spot + distance : 1;
}

RecipeOptions ct(std::vector<double> window) {
  RecipeOptions recipe;
  recipe.modality = "ct";
  recipe.window_hu = std::move(window);
  return recipe;
}

TEST(PrepareVolume, GivesTheSameVolumeForAll48AxisOrders) {
  const Geometry canonical = oblique_grid({30, 22, 11});
  const Eigen::Vector3d centre = canonical.to_physical({14, 11, 5});
  const auto value = [&centre](const Eigen::Vector3d& place) { return ball(place, centre); };
  RecipeOptions recipe;
  recipe.spacing_mm = {1.0, 1.0, 2.0};
  const PreparedVolume expected = prepare_volume(fill_by_place<float>(canonical, value), recipe);

  for (const Geometry& grid : all_axis_orders(canonical)) {
    const PreparedVolume result = prepare_volume(fill_by_place<float>(grid, value), recipe);

    ASSERT_EQ(result.volume.geometry.size, expected.volume.geometry.size);
    ASSERT_LT(
        (result.volume.geometry.affine() - expected.volume.geometry.affine()).cwiseAbs().maxCoeff(),
        1e-9);
    ASSERT_TRUE(result.source.affine() == grid.affine());
    for (std::size_t at = 0; at < expected.volume.voxels.size(); ++at) {
      ASSERT_NEAR(result.volume.voxels[at], expected.volume.voxels[at], 1e-3F);
    }
  }
}

TEST(PrepareVolume, NormalisesTheBodyOfAnMrToMeanZeroAndDeviationOne) {
  const Geometry grid = oblique_grid({30, 22, 11});
  const Eigen::Vector3d centre = grid.to_physical({14, 11, 5});
  Volume input =
      fill_by_place<float>(grid, [&](const Eigen::Vector3d& place) { return ball(place, centre); });

  const Volume result = prepare_volume(input, {}).volume;

  double count = 0;
  double sum = 0;
  double squares = 0;
  for (std::size_t at = 0; at < result.voxels.size(); ++at) {
    if (input.voxels[at] > 50) {
      const auto value = static_cast<double>(result.voxels[at]);
      count += 1;
      sum += value;
      squares += value * value;
    }
  }
  EXPECT_NEAR(sum / count, 0, 1e-4);
  EXPECT_NEAR(squares / count, 1, 1e-3);
}

TEST(PrepareVolume, FitsAPictureAndBringsLabelsBackToItsSize) {
  // Stored with left to the left and rows downwards from the second axis' far end: the canonical
  // grid turns both.
  Eigen::Matrix3d turned = Eigen::Vector3d(-1, -1, 1).asDiagonal();
  const Geometry picture = make_geometry({120, 90, 1}, {1, 1, 1}, {3, 4, 5}, turned);
  const auto inside = [](const Eigen::Vector3d& place) { return place[0] < -50 ? 200.0 : 10.0; };
  RecipeOptions recipe;
  recipe.fit_size = 40;

  const PreparedVolume prepared = prepare_volume(fill_by_place<float>(picture, inside), recipe);
  LabelMap labels = make_grid(prepared.volume.geometry, std::uint16_t{0});
  std::transform(prepared.volume.voxels.begin(),
                 prepared.volume.voxels.end(),
                 labels.voxels.begin(),
                 [](float value) { return static_cast<std::uint16_t>(value > 0 ? 1 : 0); });
  const LabelMap back = labels_to_source(labels, prepared.source);

  EXPECT_EQ(prepared.volume.geometry.size, (Size3{40, 30, 1}));
  EXPECT_EQ(back.geometry.size, picture.size);
  std::int64_t wrong = 0;
  for (std::int64_t i = 0; i < 120; ++i) {
    const double left = picture.to_physical({static_cast<double>(i), 45, 0})[0];
    if (std::abs(left + 50) > 3) {  // a voxel of the fitted picture
      wrong += back.at(i, 45, 0) == (left < -50 ? 1 : 0) ? 0 : 1;
    }
  }
  EXPECT_EQ(wrong, 0);
}

TEST(PrepareVolume, DoesNotDependOnTheScannersGain) {
  const Geometry grid = oblique_grid({30, 22, 11});
  const Eigen::Vector3d centre = grid.to_physical({14, 11, 5});
  const Volume weak =
      fill_by_place<float>(grid, [&](const Eigen::Vector3d& place) { return ball(place, centre); });
  Volume strong = weak;
  for (float& value : strong.voxels) {
    value *= 1024;
  }

  EXPECT_EQ(prepare_volume(weak, {}).volume.voxels, prepare_volume(strong, {}).volume.voxels);
}

TEST(PrepareVolume, KeepsThePixelsOfACtThatNeedsNoResampling) {
  Volume input = make_grid(oblique_grid({4, 3, 2}), -1000.0F);
  input.voxels[5] = 40;
  input.voxels[6] = 3000;

  const Volume result = prepare_volume(input, ct({-160, 240})).volume;

  EXPECT_EQ(result.voxels[0], -1);
  EXPECT_EQ(result.voxels[5], 0);
  EXPECT_EQ(result.voxels[6], 1);
}

TEST(PrepareVolume, LeavesOutTheBorderAroundTheBodyAndCanGoBack) {
  const Geometry grid = oblique_grid({40, 30, 16});
  const Eigen::Vector3d centre = grid.to_physical({25, 11, 7});
  const Volume input =
      fill_by_place<float>(grid, [&](const Eigen::Vector3d& place) { return ball(place, centre); });
  RecipeOptions recipe;
  recipe.crop_to_body = true;

  const PreparedVolume result = prepare_volume(input, recipe);

  // The ball reaches 8 mm to both sides: 11 voxels of 0.7 mm, 7 of 1.1, 3 of 2.5, and two more are
  // kept.
  EXPECT_EQ(result.volume.geometry.size, (Size3{23 + 4, 15 + 4, 7 + 4}));
  EXPECT_LT((result.volume.geometry.to_physical({0, 0, 0}) - grid.to_physical({12, 2, 2})).norm(),
            1e-9);
  const LabelMap ones = make_grid(result.volume.geometry, std::uint16_t{1});
  const LabelMap back = labels_to_source(ones, grid);
  EXPECT_EQ(back.at(12, 2, 2), 1);
  EXPECT_EQ(back.at(11, 2, 2), 0);
  EXPECT_EQ(back.at(38, 20, 12), 1);
  EXPECT_EQ(back.at(39, 20, 12), 0);
}

TEST(PrepareVolume, CropsTheChannelsOfACaseToOneBox) {
  const Geometry grid = oblique_grid({40, 30, 16});
  const Eigen::Vector3d left = grid.to_physical({13, 11, 7});
  const Eigen::Vector3d right = grid.to_physical({27, 11, 7});
  RecipeOptions recipe;
  recipe.crop_to_body = true;

  const PreparedChannels result = prepare_channels(
      {fill_by_place<float>(grid, [&](const Eigen::Vector3d& place) { return ball(place, left); }),
       fill_by_place<float>(grid,
                            [&](const Eigen::Vector3d& place) { return ball(place, right); })},
      recipe);

  ASSERT_EQ(result.channels.size(), 2U);
  EXPECT_EQ(result.channels[0].geometry.size, result.channels[1].geometry.size);
  EXPECT_EQ(result.channels[0].geometry.size[0], 40);  // 13 - 11 - 2 to 27 + 11 + 2
}

TEST(PrepareVolume, RefusesChannelsOnDifferentGridsShowingBoth) {
  const std::string message = error_of(ErrorCode::kRefused, [] {
    static_cast<void>(prepare_channels(
        {make_grid(oblique_grid({7, 5, 4}), 1.0F), make_grid(oblique_grid({7, 6, 4}), 1.0F)}, {}));
  });

  EXPECT_NE(message.find("7x5x4 voxels"), std::string::npos) << message;
  EXPECT_NE(message.find("7x6x4 voxels"), std::string::npos) << message;
}

TEST(PrepareVolume, WarnsOfVoxelsThatAreNotFiniteAndOfEmptyVolumes) {
  Volume input = make_grid(oblique_grid(), 3.0F);
  input.voxels[4] = std::numeric_limits<float>::quiet_NaN();

  const PreparedChannels result = prepare_channels({input}, {});

  ASSERT_EQ(result.warnings.size(), 2U);
  EXPECT_NE(result.warnings[0].find("1 voxels were NaN"), std::string::npos);
  EXPECT_NE(result.warnings[1].find("same value, 3"), std::string::npos);
  EXPECT_EQ(result.channels[0].voxels, VoxelVector<float>(140, 0.0F));
}

TEST(PrepareVolume, WarnsOfACtWithoutAir) {
  const PreparedChannels result = prepare_channels(
      {fill_by_place<float>(oblique_grid(), [](const auto& place) { return place[0]; })},
      ct({-1000, 1000}));

  ASSERT_EQ(result.warnings.size(), 1U);
  EXPECT_NE(result.warnings[0].find("rescale intercept"), std::string::npos);
}

TEST(PrepareVolume, RefusesARecipeThatMakesNoSense) {
  const Volume input = make_grid(oblique_grid(), 1.0F);
  RecipeOptions two;
  two.spacing_mm = {1, 2};

  EXPECT_NE(
      error_of(ErrorCode::kInvalidArgument, [&] { static_cast<void>(prepare_volume(input, two)); })
          .find("spacing_mm has 2 values"),
      std::string::npos);
  EXPECT_NE(error_of(ErrorCode::kInvalidArgument,
                     [&] {
                       static_cast<void>(prepare_volume(input, ct({240, -160})));
                     })
                .find("window_hu"),
            std::string::npos);
}

TEST(PrepareLabels, FollowTheImageOntoTheResampledGrid) {
  const Geometry grid = oblique_grid({20, 16, 8});
  const auto value = [&grid](const Eigen::Vector3d& place) {
    return grid.to_index(place)[0] < 9.5 ? 10.0 : 200.0;
  };
  RecipeOptions recipe;
  recipe.spacing_mm = {1.4, 1.1, 1.25};
  const Geometry prepared =
      prepare_volume(fill_by_place<float>(grid, value), recipe).volume.geometry;

  const LabelMap labels = prepare_labels(
      fill_by_place<std::uint16_t>(
          grid, [&](const Eigen::Vector3d& place) { return value(place) > 100 ? 2 : 1; }),
      prepared);

  EXPECT_EQ(prepared.size, (Size3{10, 16, 16}));
  EXPECT_EQ(labels.at(4, 3, 5), 1);
  EXPECT_EQ(labels.at(5, 3, 5), 2);
  EXPECT_EQ(std::count(labels.voxels.begin(), labels.voxels.end(), 0), 0);
}

}  // namespace
}  // namespace marrow
