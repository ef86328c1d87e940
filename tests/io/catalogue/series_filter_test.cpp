#include "io/catalogue/series_filter.h"

#include <Eigen/Geometry>
#include <gmock/gmock.h>

#include "core/error.h"

namespace marrow {

namespace {

using ::testing::HasSubstr;

SeriesRecord filtered_series() {
  SeriesRecord record;
  record.geometry =
      make_geometry({512, 512, 60}, {0.7, 0.7, 2.5}, {0, 0, 0}, Eigen::Matrix3d::Identity());
  record.facts = {
      {"kernel", "B30f"}, {"contrast", "yes"}, {"image_type", "ORIGINAL/PRIMARY/AXIAL"}};
  return record;
}

Eigen::Matrix3d turned(double degrees, const Eigen::Vector3d& axis) {
  return Eigen::AngleAxisd(degrees * 3.14159265358979 / 180, axis).toRotationMatrix();
}

TEST(SeriesFilter, TakesEverythingByDefault) {
  EXPECT_EQ(not_wanted_because(filtered_series(), {}), "");
  EXPECT_EQ(not_wanted_because(SeriesRecord{}, {}), "");
}

TEST(SeriesFilter, NamesThePlaneOfTheSlices) {
  SeriesRecord record = filtered_series();
  EXPECT_EQ(slice_plane(record), "axial");
  record.geometry->direction = turned(19, Eigen::Vector3d::UnitX());
  EXPECT_EQ(slice_plane(record), "axial");
  record.geometry->direction = turned(45, Eigen::Vector3d::UnitX());
  EXPECT_EQ(slice_plane(record), "oblique");
  record.geometry->direction = turned(90, Eigen::Vector3d::UnitX());
  EXPECT_EQ(slice_plane(record), "coronal");
  record.geometry->direction = turned(-90, Eigen::Vector3d::UnitY());
  EXPECT_EQ(slice_plane(record), "sagittal");
  EXPECT_EQ(slice_plane(SeriesRecord{}), "");
}

TEST(SeriesFilter, SaysWhatIsNotWanted) {
  const SeriesRecord record = filtered_series();
  EXPECT_THAT(not_wanted_because(record, {.planes = {"coronal", "sagittal"}}),
              HasSubstr("axial slices, wanted coronal or sagittal"));
  EXPECT_EQ(not_wanted_because(record, {.kernels = {"B3"}}), "");
  EXPECT_THAT(not_wanted_because(record, {.kernels = {"B70", "I"}}), HasSubstr("kernel B30f"));
  EXPECT_EQ(not_wanted_because(record, {.thickness_mm = {2, 3}}), "");
  EXPECT_THAT(not_wanted_because(record, {.thickness_mm = {0, 2}}), HasSubstr("2.5 mm"));
  EXPECT_EQ(not_wanted_because(record, {.contrast = "yes"}), "");
  EXPECT_THAT(not_wanted_because(record, {.contrast = "no"}), HasSubstr("wanted without"));
  EXPECT_EQ(not_wanted_because(record, {.minimum_slices = 60}), "");
  EXPECT_THAT(not_wanted_because(record, {.minimum_slices = 61}), HasSubstr("60 slices"));
  EXPECT_THAT(not_wanted_because(record, {.exclude = {"LOCALIZER", "AXIAL"}}),
              HasSubstr("image type"));
}

TEST(SeriesFilter, LeavesOutASeriesThatDoesNotSayWhatIsAskedFor) {
  SeriesRecord silent = filtered_series();
  silent.facts.clear();
  EXPECT_THAT(not_wanted_because(silent, {.kernels = {"B30"}}), HasSubstr("not stated"));
  EXPECT_THAT(not_wanted_because(silent, {.contrast = "yes"}), HasSubstr("stated"));
}

TEST(SeriesFilter, RefusesPlanesAndRangesThatMakeNoSense) {
  EXPECT_THROW(check_select({.planes = {"transversal"}}), Error);
  EXPECT_THROW(check_select({.thickness_mm = {1}}), Error);
  EXPECT_THROW(check_select({.thickness_mm = {3, 1}}), Error);
  EXPECT_NO_THROW(check_select({.planes = {"axial"}, .thickness_mm = {1, 3}}));
}

}  // namespace

}  // namespace marrow
