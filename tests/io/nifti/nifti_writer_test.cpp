#include <sys/stat.h>

#include <Eigen/Geometry>
#include <gmock/gmock.h>

#include "core/files.h"
#include "io/nifti/nifti.h"
#include "tests/support/nifti_bytes.h"

namespace marrow {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Oblique, off the origin, three different sizes and spacings.
Geometry oblique_grid(bool left_handed = false) {
  Eigen::Matrix3d direction = (Eigen::AngleAxisd(0.4, Eigen::Vector3d::UnitZ()) *
                               Eigen::AngleAxisd(-0.3, Eigen::Vector3d::UnitX()))
                                  .toRotationMatrix();
  if (left_handed) {
    direction.col(2) *= -1;
  }
  return make_geometry({6, 5, 4}, {0.75, 1.25, 3.5}, {-17.5, 42.25, -101.5}, direction);
}

template <class T>
Grid<T> counting_grid(const Geometry& geometry) {
  Grid<T> grid = make_grid<T>(geometry);
  for (std::size_t i = 0; i < grid.voxels.size(); ++i) {
    grid.voxels[i] = static_cast<T>(i);
  }
  return grid;
}

class NiftiWriter : public ::testing::Test {
 protected:
  std::filesystem::path path(const std::string& name) const { return folder_.path() / name; }

 private:
  TemporaryFolder folder_;
};

TEST_F(NiftiWriter, KeepsVoxelsAndGeometry) {
  for (const char* name : {"scan.nii", "scan.nii.gz"}) {
    for (const bool left_handed : {false, true}) {
      Volume volume = counting_grid<float>(oblique_grid(left_handed));
      volume.voxels[5] = -0.125F;

      write_nifti(path(name), volume);

      const Volume back = read_nifti(path(name));
      EXPECT_EQ(back.voxels, volume.voxels);
      EXPECT_EQ(geometry_difference(back.geometry, volume.geometry), "");
      EXPECT_LT((back.geometry.origin - volume.geometry.origin).norm(), 1e-4);
      EXPECT_THAT(read_nifti_header(path(name)).warnings, IsEmpty())
          << "sform and qform must agree";
    }
  }
}

TEST_F(NiftiWriter, GivesBackVoxelsAndGridWhenWhatWasReadIsWrittenAgain) {
  write_nifti(path("a.nii.gz"), counting_grid<float>(oblique_grid(true)));

  write_nifti(path("b.nii.gz"), read_nifti(path("a.nii.gz")));

  // The header holds float32, so that the grid of an oblique volume may move in its last digits.
  const Volume first = read_nifti(path("a.nii.gz"));
  const Volume second = read_nifti(path("b.nii.gz"));
  EXPECT_EQ(first.voxels, second.voxels);
  EXPECT_LT((first.geometry.affine() - second.geometry.affine()).cwiseAbs().maxCoeff(), 1e-5);
}

TEST_F(NiftiWriter, FortyEightAxisOrdersSurviveTheRoundTrip) {
  const std::array<std::array<int, 3>, 6> orders{
      {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}};
  for (const auto& order : orders) {
    for (int flips = 0; flips < 8; ++flips) {
      Eigen::Matrix3d direction = Eigen::Matrix3d::Zero();
      for (int column = 0; column < 3; ++column) {
        direction(order[static_cast<std::size_t>(column)], column) = flips >> column & 1 ? -1 : 1;
      }
      const Geometry grid =
          make_geometry({4, 3, 2}, {0.7, 1.3, 2.9}, {-31.5, 12.25, 44.5}, direction);

      write_nifti(path("scan.nii"), counting_grid<float>(grid));

      const NiftiHeader header = read_nifti_header(path("scan.nii"));
      EXPECT_LT((header.geometry.to_physical({3, 2, 1}) - grid.to_physical({3, 2, 1})).norm(),
                1e-3);
      EXPECT_THAT(header.warnings, IsEmpty());
    }
  }
}

TEST_F(NiftiWriter, ChoosesTheSmallestLabelType) {
  LabelMap labels = counting_grid<std::uint16_t>(oblique_grid());
  write_nifti(path("narrow.nii"), labels);
  labels.voxels[3] = 256;
  write_nifti(path("wide.nii"), labels);

  EXPECT_EQ(read_nifti_header(path("narrow.nii")).datatype, 2);
  EXPECT_EQ(read_nifti_header(path("wide.nii")).datatype, 512);
  EXPECT_EQ(read_nifti_labels(path("wide.nii")).voxels, labels.voxels);
}

TEST_F(NiftiWriter, WritesInt16AndRefusesWhatDoesNotFit) {
  Volume volume = counting_grid<float>(oblique_grid());
  volume.voxels[0] = -1024;
  write_nifti_int16(path("ct.nii.gz"), volume);

  EXPECT_EQ(read_nifti_header(path("ct.nii.gz")).datatype, 4);
  EXPECT_EQ(read_nifti(path("ct.nii.gz")).voxels, volume.voxels);
  for (const float value : {0.5F, 32768.0F, std::numeric_limits<float>::quiet_NaN()}) {
    volume.voxels[0] = value;
    EXPECT_THAT(
        error_of(ErrorCode::kInvalidArgument, [&] { write_nifti_int16(path("bad.nii"), volume); }),
        HasSubstr("int16"));
  }
  EXPECT_FALSE(std::filesystem::exists(path("bad.nii")));
}

TEST_F(NiftiWriter, RefusesOtherNames) {
  EXPECT_THAT(
      error_of(ErrorCode::kInvalidArgument,
               [&] { write_nifti(path("scan.mha"), counting_grid<float>(oblique_grid())); }),
      HasSubstr(".nii.gz"));
}

TEST_F(NiftiWriter, LeavesNothingBesideTheFile) {
  write_nifti(path("out/scan.nii"), counting_grid<float>(oblique_grid()));

  int entries = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(path("out"))) {
    ++entries;
  }
  EXPECT_EQ(entries, 1);
}

}  // namespace
}  // namespace marrow
