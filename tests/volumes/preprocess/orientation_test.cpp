#include "volumes/preprocess/orientation.h"

#include <gtest/gtest.h>

#include "tests/support/volumes.h"
#include "volumes/preprocess/recipe.h"

namespace marrow {
namespace {

using testing::all_axis_orders;
using testing::fill_by_place;
using testing::layered_labels;
using testing::oblique_grid;

TEST(Orientation, BringsAll48AxisOrdersOntoOneGridWithEveryVoxelInItsPlace) {
  const Geometry canonical = oblique_grid();
  const auto height = [](const Eigen::Vector3d& place) {
    return place.dot(Eigen::Vector3d(1, 100, 10000)) / 100;
  };
  const Volume expected = fill_by_place<float>(canonical, height);

  for (const Geometry& grid : all_axis_orders(canonical)) {
    const Volume result = reoriented(fill_by_place<float>(grid, height), canonical_moves(grid));

    ASSERT_EQ(result.geometry.size, canonical.size);
    ASSERT_TRUE(result.geometry.affine().isApprox(canonical.affine(), 1e-9));
    for (std::size_t at = 0; at < expected.voxels.size(); ++at) {
      ASSERT_NEAR(result.voxels[at], expected.voxels[at], 2e-3F);
    }
  }
}

TEST(Orientation, KeepsAMarkedVoxelAtItsPatientPositionInAll48Orders) {
  for (const Geometry& grid : all_axis_orders(oblique_grid())) {
    Volume volume = make_grid(grid, 0.0F);
    const Eigen::Vector3d marked(1, 2, 1);
    volume.at(1, 2, 1) = 1;

    const Volume result = reoriented(volume, canonical_moves(grid));

    const auto found =
        std::find(result.voxels.begin(), result.voxels.end(), 1.0F) - result.voxels.begin();
    const Size3& size = result.geometry.size;
    const Eigen::Vector3d index(static_cast<double>(found % size[0]),
                                static_cast<double>(found / size[0] % size[1]),
                                static_cast<double>(found / (size[0] * size[1])));
    EXPECT_LT((result.geometry.to_physical(index) - grid.to_physical(marked)).norm(), 1e-3);
  }
}

TEST(Orientation, PointsEveryAxisTowardsLeftPosteriorSuperior) {
  // A coronal acquisition: i -> -L, j -> -S, k -> +P.
  Eigen::Matrix3d direction;
  direction << -1, 0, 0, 0, 0, 1, 0, -1, 0;
  const Geometry grid = make_geometry({4, 5, 6}, {1, 2, 3}, {0, 0, 0}, direction);

  const Geometry result = reoriented(grid, canonical_moves(grid));

  EXPECT_TRUE(result.direction.isApprox(Eigen::Matrix3d::Identity()));
  EXPECT_EQ(result.size, (Size3{4, 6, 5}));
  EXPECT_TRUE(result.spacing.isApprox(Eigen::Vector3d(1, 3, 2)));
  EXPECT_TRUE(result.origin.isApprox(Eigen::Vector3d(-3, 0, -8)));
}

TEST(Orientation, LeavesACanonicalVolumeAlone) {
  EXPECT_TRUE(canonical_moves(oblique_grid()).nothing());
}

TEST(BackMapping, GivesBackALabelMapBitEqualFromAll48Orders) {
  for (const Geometry& grid : all_axis_orders(oblique_grid({11, 9, 6}))) {
    const LabelMap labels = layered_labels(grid);

    const LabelMap prepared = prepare_labels(labels, reoriented(grid, canonical_moves(grid)));
    const LabelMap back = labels_to_source(prepared, grid);

    ASSERT_EQ(back.voxels, labels.voxels);
    ASSERT_TRUE(back.geometry.affine() == grid.affine());
  }
}

TEST(BackMapping, GivesBackScoresUnchangedFromAll48Orders) {
  for (const Geometry& grid : all_axis_orders(oblique_grid())) {
    const Volume scores = testing::textured(grid, 3);

    const Volume back = scores_to_source(reoriented(scores, canonical_moves(grid)), grid, -5);

    ASSERT_EQ(back.voxels, scores.voxels);
  }
}

TEST(BackMapping, InterpolatesScoresLinearlyBetweenCoarseVoxels) {
  const Geometry coarse =
      make_geometry({3, 1, 1}, {2, 1, 1}, {0.5, 0, 0}, Eigen::Matrix3d::Identity());
  const Geometry fine = make_geometry({6, 1, 1}, {1, 1, 1}, {0, 0, 0}, Eigen::Matrix3d::Identity());

  const Volume result = scores_to_source(make_grid(coarse, VoxelVector<float>{0, 4, 8}), fine, -1);

  EXPECT_EQ(result.voxels, (VoxelVector<float>{0, 1, 3, 5, 7, 8}));
}

TEST(BackMapping, WritesBackgroundAndTheGivenScoreOutsideThePreparedGrid) {
  const Geometry inner =
      make_geometry({2, 1, 1}, {1, 1, 1}, {2, 0, 0}, Eigen::Matrix3d::Identity());
  const Geometry outer =
      make_geometry({6, 1, 1}, {1, 1, 1}, {0, 0, 0}, Eigen::Matrix3d::Identity());

  EXPECT_EQ(labels_to_source(make_grid(inner, VoxelVector<std::uint16_t>{7, 9}), outer).voxels,
            (VoxelVector<std::uint16_t>{0, 0, 7, 9, 0, 0}));
  EXPECT_EQ(scores_to_source(make_grid(inner, VoxelVector<float>{0.25F, 0.75F}), outer, -3).voxels,
            (VoxelVector<float>{-3, -3, 0.25F, 0.75F, -3, -3}));
}

TEST(BackMapping, TakesTheLowerVoxelWhereACentreLiesOnABorder) {
  const Geometry fine = make_geometry({4, 1, 1}, {1, 1, 1}, {0, 0, 0}, Eigen::Matrix3d::Identity());
  const Geometry coarse =
      make_geometry({2, 1, 1}, {2, 1, 1}, {0.5, 0, 0}, Eigen::Matrix3d::Identity());

  EXPECT_EQ(prepare_labels(make_grid(fine, VoxelVector<std::uint16_t>{1, 2, 3, 4}), coarse).voxels,
            (VoxelVector<std::uint16_t>{1, 3}));
}

TEST(BackMapping, RefusesGridsThatAreTurnedAgainstEachOther) {
  const Geometry straight =
      make_geometry({7, 5, 4}, {1, 1, 1}, {0, 0, 0}, Eigen::Matrix3d::Identity());
  const LabelMap labels = make_grid(straight, std::uint16_t{1});

  const std::string message = testing::error_of(
      ErrorCode::kRefused, [&] { static_cast<void>(labels_to_source(labels, oblique_grid())); });

  EXPECT_NE(message.find("parallel axes"), std::string::npos) << message;
}

}  // namespace
}  // namespace marrow
