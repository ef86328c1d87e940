#include "io/dicom/unshear.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include <Eigen/Geometry>
#include <gmock/gmock.h>

#include "core/error.h"
#include "core/files.h"
#include "io/dicom/grouping.h"
#include "tests/support/dicom_made.h"
#include "tests/support/dicom_series.h"

namespace marrow {

namespace {

using testing::ds;

std::vector<float> unsheared(const std::vector<float>& values,
                             std::int64_t columns,
                             double shift_i,
                             double shift_j,
                             std::int64_t out_columns,
                             std::int64_t out_rows) {
  std::vector<float> out(static_cast<std::size_t>(out_columns * out_rows), 99);
  const ShearedSlice slice{values, columns, static_cast<std::int64_t>(values.size()) / columns};
  unshear_slice(slice, shift_i, shift_j, out_columns, out);
  std::replace_if(
      out.begin(), out.end(), [](float value) { return std::isnan(value); }, -1.0F);
  return out;
}

TEST(Unshear, MovesByWholePixelsWithoutTouchingAValue) {
  EXPECT_THAT(unsheared({1, 2, 3, 4}, 2, 1, 1, 3, 3),
              ::testing::ElementsAre(-1, -1, -1, -1, 1, 2, -1, 3, 4));
}

TEST(Unshear, MixesNeighboursByTheirShare) {
  EXPECT_THAT(unsheared({0, 8, 16}, 3, 0.25, 0, 4, 1), ::testing::ElementsAre(0, 6, 14, -1));
  EXPECT_THAT(unsheared({0, 8, 16}, 1, 0, 0.75, 1, 4), ::testing::ElementsAre(-1, 2, 10, 16));
}

TEST(Unshear, LetsNothingFromOutsideThePictureIntoAValue) {
  EXPECT_THAT(unsheared({10, std::numeric_limits<float>::quiet_NaN(), 30}, 3, 0.25, 0, 4, 1),
              ::testing::ElementsAre(10, -1, 30, -1));
}

// Axial slices of a head CT with a tilted gantry: the table moves along z, the slices are turned
// about x. The object is a ramp in physical space.
double ramp(const Eigen::Vector3d& place) {
  return 1000 + 3 * place.x() - 2 * place.y() + 4 * place.z();
}

class TiltedSeries : public ::testing::Test {
 protected:
  std::vector<std::filesystem::path> write(double degrees, double stated, bool sheared = true) {
    constexpr int kSize = 24;
    constexpr int kSlices = 9;
    constexpr double kTable = 3;
    const Eigen::Matrix3d axes =
        Eigen::AngleAxisd(degrees * std::numbers::pi / 180, Eigen::Vector3d::UnitX())
            .toRotationMatrix();
    std::vector<std::filesystem::path> files;
    for (int k = 0; k < kSlices; ++k) {
      const Eigen::Vector3d step =
          sheared ? Eigen::Vector3d(0, 0, kTable) : Eigen::Vector3d(axes.col(2) * kTable);
      const Eigen::Vector3d first = Eigen::Vector3d(-10, -12, 50) + k * step;
      DcmFileFormat format;
      DcmDataset& data = *format.getDataset();
      testing::start_image(data, kSize, kSize, k + 1);
      testing::put_text(
          data, DCM_ImagePositionPatient, ds(first[0]) + "\\" + ds(first[1]) + "\\" + ds(first[2]));
      testing::put_text(
          data,
          DCM_ImageOrientationPatient,
          "1\\0\\0\\" + ds(axes(0, 1)) + "\\" + ds(axes(1, 1)) + "\\" + ds(axes(2, 1)));
      testing::put_text(data, DCM_PixelSpacing, "0.9\\0.8");
      if (stated != 0) {
        testing::put_text(data, DCM_GantryDetectorTilt, ds(stated));
      }
      // Hundredths, so that the ramp survives being stored.
      testing::put_text(data, DCM_RescaleSlope, "0.05");
      testing::put_text(data, DCM_RescaleIntercept, "0");
      std::vector<Uint16> words;
      for (int j = 0; j < kSize; ++j) {
        for (int i = 0; i < kSize; ++i) {
          const Eigen::Vector3d place = first + axes.col(0) * 0.8 * i + axes.col(1) * 0.9 * j;
          words.push_back(static_cast<Uint16>(std::lround(ramp(place) / 0.05)));
        }
      }
      testing::put_pixels(data, words);
      files.push_back(testing::save_image(
          format, folder_.path() / (ds(degrees) + ds(stated)) / (std::to_string(k) + ".dcm")));
    }
    return files;
  }

  TemporaryFolder folder_;
};

std::vector<DicomStack> grouped(const std::vector<std::filesystem::path>& files) {
  std::vector<DicomHeader> headers;
  for (const auto& file : files) {
    headers.push_back(read_dicom_header(file));
  }
  return group_dicom(headers);
}

TEST_F(TiltedSeries, KeepEveryPointOfTheObjectWhereItIs) {
  for (const double degrees : {-20.0, -5.0, 12.5, 20.0}) {
    const auto files = write(degrees, degrees == 12.5 ? 0 : degrees);
    const std::vector<DicomStack> stacks = grouped(files);

    ASSERT_EQ(stacks.size(), 1U);
    ASSERT_EQ(stacks[0].verdict, Verdict::kResample) << stacks[0].reason;
    const Volume volume = read_dicom_stack(files);
    ASSERT_EQ(volume.geometry.size, stacks[0].geometry->size);
    EXPECT_NEAR(volume.geometry.spacing[2], 3 * std::cos(degrees * std::numbers::pi / 180), 1e-5);
    std::int64_t inside = 0;
    for (std::int64_t k = 0; k < volume.geometry.size[2]; ++k) {
      for (std::int64_t j = 0; j < volume.geometry.size[1]; ++j) {
        for (std::int64_t i = 0; i < volume.geometry.size[0]; ++i) {
          if (volume.at(i, j, k) == 0) {
            continue;  // outside the slices
          }
          ++inside;
          const Eigen::Vector3d place = volume.geometry.to_physical(
              {static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)});
          // 0.1 mm along z is 0.4; at the border of a slice the nearest pixel stands in.
          const bool border = j > 0 && j + 1 < volume.geometry.size[1] &&
                              (volume.at(i, j - 1, k) == 0 || volume.at(i, j + 1, k) == 0);
          const bool edge = border || j == 0 || j + 1 == volume.geometry.size[1];
          EXPECT_NEAR(volume.at(i, j, k), ramp(place), edge ? 3.0 : 0.06) << degrees;
        }
      }
    }
    EXPECT_GE(inside, 24 * 23 * 9);
  }
}

TEST_F(TiltedSeries, ThatOnlyTheHeaderCallsTiltedAreRefused) {
  const std::vector<DicomStack> stacks = grouped(write(10, 10, false));

  ASSERT_EQ(stacks.size(), 1U);
  EXPECT_EQ(stacks[0].verdict, Verdict::kRefuse);
  EXPECT_EQ(stacks[0].reason_code, "gantry-tilt");
}

}  // namespace

}  // namespace marrow
