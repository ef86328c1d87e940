#include "io/dicom/structure_set.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <numbers>

#include <gmock/gmock.h>

#include "core/files.h"
#include "io/file_error.h"
#include "tests/support/dicom_series.h"
#include "tests/support/label_objects.h"

namespace marrow {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::MadeContour;
using testing::MadeRegion;
using testing::MadeStructureSet;
using testing::oblique_grid;
using testing::write_structure_set;

using Corners = std::vector<std::pair<double, double>>;

class StructureSetTest : public ::testing::Test {
 protected:
  // Corners in voxels of slice k.
  static MadeContour contour(const Geometry& grid, double k, const Corners& corners) {
    MadeContour made;
    for (const auto& [i, j] : corners) {
      made.points.push_back(grid.to_physical({i, j, k}));
    }
    return made;
  }

  static Corners box(double i0, double j0, double i1, double j1) {
    return {{i0, j0}, {i1, j0}, {i1, j1}, {i0, j1}};
  }

  PaintedLabels labels(const MadeStructureSet& made,
                       const Geometry& grid = oblique_grid(),
                       const std::map<std::string, std::int64_t>& values = {}) const {
    const fs::path file = write_structure_set(folder_.path() / "set.dcm", made);
    return structure_labels(read_structure_set(file), {grid, "1.2.9", values});
  }

  LabelMap labels_of(const std::vector<MadeContour>& contours) const {
    return labels({.regions = {{1, "liver", contours}}}).labels;
  }

  std::string refusal_of(const MadeStructureSet& made,
                         const std::map<std::string, std::int64_t>& values = {}) const {
    try {
      static_cast<void>(labels(made, oblique_grid(), values));
    } catch (const FileError& error) {
      return error.reason_code() + " | " + error.what();
    }
    return "";
  }

  std::string refusal_of(const std::vector<MadeContour>& contours) const {
    return refusal_of(MadeStructureSet{.regions = {{1, "liver", contours}}});
  }

  static std::int64_t count(const LabelMap& labels, int value) {
    return std::count(labels.voxels.begin(), labels.voxels.end(), value);
  }

  TemporaryFolder folder_;
  Geometry grid_ = oblique_grid();  // 7 x 5 x 6
};

TEST_F(StructureSetTest, PutsTheVoxelsWhoseCentresAreInsideOnAnObliqueGrid) {
  const LabelMap found = labels_of({contour(grid_, 2, box(0.6, 0.6, 3.4, 2.4))});
  for (std::int64_t k = 0; k < 6; ++k) {
    for (std::int64_t j = 0; j < 5; ++j) {
      for (std::int64_t i = 0; i < 7; ++i) {
        const bool inside = k == 2 && i >= 1 && i <= 3 && j >= 1 && j <= 2;
        EXPECT_EQ(found.at(i, j, k), inside ? 1 : 0) << i << " " << j << " " << k;
      }
    }
  }
}

TEST_F(StructureSetTest, LeavesHolesAndKeyholesOpen) {
  const LabelMap hole = labels_of(
      {contour(grid_, 1, box(0.5, 0.5, 5.5, 3.5)), contour(grid_, 1, box(2.5, 1.5, 3.5, 2.5))});
  EXPECT_EQ(count(hole, 1), 5 * 3 - 1);
  EXPECT_EQ(hole.at(3, 2, 1), 0);
  // The same hole, joined to the outline by a channel of no width.
  const LabelMap keyhole = labels_of({contour(grid_,
                                              1,
                                              {{0.5, 0.5},
                                               {5.5, 0.5},
                                               {5.5, 3.5},
                                               {0.5, 3.5},
                                               {0.5, 0.5},
                                               {2.5, 1.5},
                                               {2.5, 2.5},
                                               {3.5, 2.5},
                                               {3.5, 1.5},
                                               {2.5, 1.5}})});
  EXPECT_EQ(keyhole.voxels, hole.voxels);
}

TEST_F(StructureSetTest, GivesEachCentreOnASharedBorderToOneRegion) {
  // Borders that run through the centres of row 2 and column 3 of an axis-aligned grid.
  const Geometry grid = make_geometry({7, 5, 6}, {1, 1, 1}, {0, 0, 0}, Eigen::Matrix3d::Identity());
  // A point between two centres tells that they were drawn, not traced.
  const auto drawn = [&](double i0, double j0, double i1, double j1) {
    Corners corners = box(i0, j0, i1, j1);
    corners.emplace_back(i0, j0 + 0.5);
    return contour(grid, 0, corners);
  };
  const MadeStructureSet made{.regions = {{1, "a", {drawn(0, 0, 3, 2)}},
                                          {2, "b", {drawn(3, 0, 6, 2)}},
                                          {3, "c", {drawn(0, 2, 6, 4)}}}};
  const LabelMap found = labels(made, grid).labels;
  EXPECT_EQ(count(found, 1), 6);
  EXPECT_EQ(count(found, 2), 6);
  EXPECT_EQ(count(found, 3), 12);
  EXPECT_EQ(found.at(3, 1, 0), 2);
  EXPECT_EQ(found.at(3, 2, 0), 3);
}

TEST_F(StructureSetTest, FindsTheVolumeOfAnEllipsoid) {
  const Geometry grid =
      make_geometry({96, 80, 40}, {0.8, 0.9, 1.5}, {-40, 13, 7}, oblique_grid().direction);
  constexpr std::array<double, 3> kRadiiMm{30, 25, 20};
  constexpr double kMiddle = 19.6;
  std::vector<MadeContour> contours;
  double area_mm2 = 0;
  double border_mm = 0;
  for (int k = 0; k < 40; ++k) {
    const double height = (k - kMiddle) * 1.5 / kRadiiMm[2];
    if (std::abs(height) >= 1) {
      continue;
    }
    const double cut = std::sqrt(1 - height * height);
    area_mm2 += std::numbers::pi * kRadiiMm[0] * kRadiiMm[1] * cut * cut;
    border_mm += 2 * std::numbers::pi * kRadiiMm[0] * cut;
    MadeContour one;
    for (int n = 0; n < 720; ++n) {
      const double angle = n * std::numbers::pi / 360;
      one.points.push_back(grid.to_physical({47.3 + kRadiiMm[0] * cut * std::cos(angle) / 0.8,
                                             39.8 + kRadiiMm[1] * cut * std::sin(angle) / 0.9,
                                             static_cast<double>(k)}));
    }
    contours.push_back(one);
  }
  const auto found =
      static_cast<double>(count(labels({.regions = {{1, "e", contours}}}, grid).labels, 1)) * 0.72;
  // Never off by more than half a pixel along the border; in fact far less, since errors cancel.
  EXPECT_NEAR(found, area_mm2, 0.45 * border_mm);
  EXPECT_NEAR(found, area_mm2, 1e-3 * area_mm2);
}

TEST_F(StructureSetTest, TakesTheNearestSliceAndFillsNothingBetween) {
  const LabelMap found = labels_of(
      {contour(grid_, 0.4, box(0.5, 0.5, 2.5, 2.5)), contour(grid_, 3.6, box(0.5, 0.5, 2.5, 2.5))});
  EXPECT_EQ(count(found, 1), 8);
  EXPECT_EQ(found.at(1, 1, 0), 1);
  EXPECT_EQ(found.at(1, 1, 2), 0);
  EXPECT_EQ(found.at(1, 1, 4), 1);
}

TEST_F(StructureSetTest, RefusesContoursThatAreInThePlaneOfNoSlice) {
  MadeContour tilted = contour(grid_, 2, box(0.5, 0.5, 2.5, 2.5));
  tilted.points[0] += 0.3 * grid_.spacing[2] * grid_.direction.col(2);
  EXPECT_THAT(refusal_of(std::vector{tilted}), HasSubstr("off-plane"));
}

TEST_F(StructureSetTest, RefusesContoursOnSlicesThatTheImageDoesNotHaveWithTheirNumber) {
  const std::string found = refusal_of({contour(grid_, 2, box(0.5, 0.5, 2.5, 2.5)),
                                        contour(grid_, 6, box(0.5, 0.5, 2.5, 2.5)),
                                        contour(grid_, -1, box(0.5, 0.5, 2.5, 2.5))});
  EXPECT_THAT(found, HasSubstr("other-grid"));
  EXPECT_THAT(found, HasSubstr("2 of 3 contours"));
}

TEST_F(StructureSetTest, RefusesContoursFarBeyondTheBorder) {
  EXPECT_THAT(refusal_of({contour(grid_, 2, box(-4, 0.5, 2.5, 2.5))}), HasSubstr("other-grid"));
  EXPECT_EQ(refusal_of({contour(grid_, 2, box(-0.5, -0.5, 6.5, 4.5))}), "");
}

TEST_F(StructureSetTest, RefusesTwoHeightsOfOneRegionInOneSlice) {
  EXPECT_THAT(refusal_of({contour(grid_, 2.2, box(0.5, 0.5, 2.5, 2.5)),
                          contour(grid_, 1.8, box(0.5, 0.5, 2.5, 2.5))}),
              HasSubstr("mixed-heights"));
}

TEST_F(StructureSetTest, LeavesOutPointsAndRepetitionsWithAWarning) {
  const MadeContour drawn = contour(grid_, 2, box(0.5, 0.5, 2.5, 2.5));
  MadeContour point = contour(grid_, 2, {{1, 1}});
  point.type = "POINT";
  const PaintedLabels found = labels({.regions = {{1, "liver", {drawn, point, drawn}}}});
  EXPECT_EQ(count(found.labels, 1), 4);
  EXPECT_THAT(found.warnings,
              ::testing::UnorderedElementsAre(HasSubstr("1 contours of type POINT"),
                                              HasSubstr("1 contours that repeat")));
}

TEST_F(StructureSetTest, GivesLabelsBackWhoseBordersWereTracedThroughCentres) {
  // All but the pixel (3, 2) of slice 2, as OpenCV traces it, and a single pixel.
  const PaintedLabels traced =
      labels({.regions = {{1,
                           "liver",
                           {contour(grid_, 2, box(0, 0, 6, 4)),
                            contour(grid_, 2, {{2, 2}, {3, 1}, {4, 2}, {3, 3}}),
                            contour(grid_, 4, {{5, 1}})}}}});
  LabelMap expected = make_grid<std::uint16_t>(grid_);
  std::fill_n(&expected.at(0, 0, 2), 35, std::uint16_t{1});
  expected.at(3, 2, 2) = 0;
  expected.at(5, 1, 4) = 1;
  EXPECT_EQ(traced.labels.voxels, expected.voxels);
  EXPECT_THAT(traced.warnings, ::testing::ElementsAre(HasSubstr("through the centres")));
}

TEST_F(StructureSetTest, KeepsTheHalfOpenRuleWhereOneCornerIsOffCentre) {
  const PaintedLabels drawn =
      labels({.regions = {
                  {1, "liver", {contour(grid_, 2, {{1, 1}, {4, 1}, {4, 3}, {1.25, 3}, {1, 2}})}}}});
  EXPECT_EQ(count(drawn.labels, 1), 3 * 2);
  EXPECT_TRUE(drawn.warnings.empty());
}

TEST_F(StructureSetTest, RefusesOverlapsByNameUnlessOneIsChosen) {
  const MadeStructureSet made{
      .regions = {{4, "body", {contour(grid_, 2, box(0.5, 0.5, 5.5, 3.5))}},
                  {7, "liver", {contour(grid_, 2, box(1.5, 1.5, 3.5, 2.5))}}}};
  const std::string found = refusal_of(made);
  EXPECT_THAT(found, HasSubstr("overlapping-labels"));
  EXPECT_THAT(found, HasSubstr("body"));
  EXPECT_THAT(found, HasSubstr("liver"));
  EXPECT_EQ(count(labels(made, grid_, {{"liver", 3}}).labels, 3), 2);
}

TEST_F(StructureSetTest, WarnsOfOneOfSeveralClassesThatWasNotDrawn) {
  const PaintedLabels drawn = labels(
      {.regions = {{1, "liver", {contour(grid_, 2, box(0.5, 0.5, 2.5, 2.5))}}, {2, "spleen"}}},
      grid_,
      {{"liver", 1}, {"spleen", 2}});
  EXPECT_EQ(count(drawn.labels, 1), 4);
  EXPECT_THAT(drawn.warnings, ::testing::ElementsAre(HasSubstr("spleen (2): has no closed")));
}

TEST_F(StructureSetTest, RefusesAChosenRegionWithoutContours) {
  EXPECT_THAT(refusal_of({.regions = {{1, "liver", {}}}}, {{"liver", 1}}),
              HasSubstr("no-contours"));
}

TEST_F(StructureSetTest, RefusesAnotherFrameOfReference) {
  EXPECT_THAT(refusal_of(MadeStructureSet{
                  .regions = {{1, "liver", {contour(grid_, 2, box(0.5, 0.5, 2.5, 2.5))}}},
                  .frame_of_reference = "1.2.10"}),
              HasSubstr("other-frame-of-reference"));
}

TEST_F(StructureSetTest, IsNoImageToAScanWhichSaysWhatItIs) {
  const fs::path file = write_structure_set(
      folder_.path() / "set.dcm",
      {.regions = {{1, "liver", {contour(grid_, 2, box(0.5, 0.5, 2.5, 2.5))}}}});
  try {
    static_cast<void>(read_dicom_header(file));
    ADD_FAILURE() << "expected a refusal";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), ::testing::StartsWith("not-an-image: "));
    EXPECT_THAT(error.what(), HasSubstr("these are labels: give the folder with --data"));
  }
}

TEST_F(StructureSetTest, RefusesAWrongNumberOfPoints) {
  MadeContour lie = contour(grid_, 2, box(0.5, 0.5, 2.5, 2.5));
  lie.stated_points = 5;
  EXPECT_THAT(refusal_of(std::vector{lie}), HasSubstr("bad-contour"));
}

TEST_F(StructureSetTest, RefusesEveryFileThatIsCutShortWithinItsContours) {
  const fs::path file = write_structure_set(
      folder_.path() / "whole.dcm",
      {.regions = {{1, "liver", {contour(grid_, 2, box(0.5, 0.5, 2.5, 2.5))}}}});
  const std::string bytes = read_text(file);
  const fs::path cut = folder_.path() / "cut.dcm";
  for (std::size_t size = 0; size < bytes.size(); size += 50) {
    std::ofstream(cut, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(size));
    try {
      const StructureSet set = read_structure_set(cut);
      // A cut between two elements of the top level is no damage to see; contours are not halved.
      for (const RegionOfInterest& region : set.regions) {
        EXPECT_TRUE(region.contours.empty() || region.contours.front().size() == 4) << size;
      }
    } catch (const Error&) {
      continue;
    }
  }
}

}  // namespace
}  // namespace marrow
