#include "io/dicom/segmentation_object.h"

#include <algorithm>
#include <fstream>
#include <numeric>

#include <gmock/gmock.h>

#include "core/files.h"
#include "io/file_error.h"
#include "tests/support/dicom_series.h"
#include "tests/support/label_objects.h"

namespace marrow {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using testing::frame_of;
using ::testing::HasSubstr;
using testing::MadeFrame;
using testing::MadeSegmentation;
using testing::oblique_grid;
using testing::segmentation_of;
using testing::write_segmentation;

// Two labels that leave slices 0 and 3 of six empty; 35 pixels a slice, no multiple of 8.
LabelMap two_organs() {
  LabelMap labels = make_grid<std::uint16_t>(oblique_grid());
  for (std::int64_t k : {1, 2, 4, 5}) {
    for (std::int64_t j = 0; j < 5; ++j) {
      for (std::int64_t i = 0; i < 7; ++i) {
        const std::int64_t mix = (3 * i + 5 * j + 7 * k) % 4;
        labels.at(i, j, k) = static_cast<std::uint16_t>(mix == 3 || (mix == 2 && k < 4) ? 0 : mix);
      }
    }
  }
  return labels;
}

const std::map<int, std::string> kOrgans{{1, "liver"}, {2, "spleen"}};

class SegmentationObjectTest : public ::testing::Test {
 protected:
  fs::path write(const MadeSegmentation& made) const {
    return write_segmentation(folder_.path() / "seg.dcm", made);
  }

  PaintedLabels labels(const MadeSegmentation& made,
                       const std::map<std::string, std::int64_t>& values = {},
                       const Geometry& grid = oblique_grid()) const {
    return segmentation_labels(SegmentationObject(write(made)), {grid, "1.2.9", values});
  }

  // The reason code and the sentence of the refusal; "" when there is none.
  template <class Read>
  static std::string refusal(Read read) {
    try {
      read();
    } catch (const FileError& error) {
      return error.reason_code() + " | " + error.what();
    } catch (const Error& error) {
      return std::string("error | ") + error.what();
    }
    return "";
  }

  std::string refusal_of(const MadeSegmentation& made,
                         const std::map<std::string, std::int64_t>& values = {},
                         const Geometry& grid = oblique_grid()) const {
    return refusal([&] { static_cast<void>(labels(made, values, grid)); });
  }

  TemporaryFolder folder_;
};

TEST_F(SegmentationObjectTest, DescribesSegmentsFramesAndReferences) {
  MadeSegmentation made = segmentation_of(two_organs(), kOrgans);
  made.series = {"1.2.3.5", "1.2.3.4"};
  const SegmentationObject object(write(made));
  const SegmentationHeader& header = object.header();
  ASSERT_EQ(header.segments.size(), 2U);
  EXPECT_EQ(header.segments[1].label, "spleen");
  EXPECT_EQ(header.segments[1].number, 2);
  EXPECT_EQ(header.segments[1].type.value, "T-62000");
  EXPECT_EQ(header.segments[1].type.meaning, "Liver");
  EXPECT_EQ(header.segments[1].algorithm_type, "MANUAL");
  EXPECT_EQ(header.frames.size(), 6U);  // spleen: slices 1 and 2 only
  EXPECT_THAT(header.references.series_uids, ElementsAre("1.2.3.4", "1.2.3.5"));
  EXPECT_EQ(header.frame_of_reference_uid, "1.2.9");
}

TEST_F(SegmentationObjectTest, PutsPackedBitsOnAnObliqueGridWithEmptySlices) {
  const LabelMap truth = two_organs();
  ASSERT_EQ(truth.geometry.size[0] * truth.geometry.size[1] % 8, 3);
  EXPECT_EQ(labels(segmentation_of(truth, kOrgans)).labels.voxels, truth.voxels);
}

TEST_F(SegmentationObjectTest, FindsSlicesByPositionAndNotByTheOrderOfFrames) {
  const LabelMap truth = two_organs();
  MadeSegmentation made = segmentation_of(truth, kOrgans);
  std::reverse(made.frames.begin(), made.frames.end());
  EXPECT_EQ(labels(made).labels.voxels, truth.voxels);
}

TEST_F(SegmentationObjectTest, TurnsFlippedAndTransposedPlanesByTheirGeometry) {
  const LabelMap truth = two_organs();
  const Geometry& grid = truth.geometry;
  MadeSegmentation made = segmentation_of(truth, kOrgans);
  made.rows = 7;
  made.columns = 5;
  for (MadeFrame& frame : made.frames) {
    // Columns run along -j and rows along i.
    MadeFrame turned = frame;
    for (std::size_t n = 0; n < 3; ++n) {
      turned.position[n] += 4 * grid.spacing[1] * frame.orientation[n + 3];
      turned.orientation[n] = -frame.orientation[n + 3];
      turned.orientation[n + 3] = frame.orientation[n];
    }
    turned.spacing = {frame.spacing[1], frame.spacing[0]};
    for (std::size_t row = 0; row < 7; ++row) {
      for (std::size_t column = 0; column < 5; ++column) {
        turned.pixels[row * 5 + column] = frame.pixels[(4 - column) * 7 + row];
      }
    }
    frame = turned;
  }
  EXPECT_EQ(labels(made).labels.voxels, truth.voxels);
}

TEST_F(SegmentationObjectTest, CutsFractionsAtHalfOfTheLargest) {
  MadeSegmentation made;
  made.type = "FRACTIONAL";
  made.bits = 8;
  made.rows = 5;
  made.columns = 7;
  made.frames = {frame_of(two_organs(), 1, 1)};
  std::iota(made.frames[0].pixels.begin(), made.frames[0].pixels.end(), 111);  // 111 to 145 of 255
  const LabelMap found = labels(made).labels;
  EXPECT_EQ(found.at(16 % 7, 16 / 7, 1), 0);  // 127
  EXPECT_EQ(found.at(17 % 7, 17 / 7, 1), 1);  // 128
  EXPECT_EQ(std::count(found.voxels.begin(), found.voxels.end(), 1), 145 - 128 + 1);
}

TEST_F(SegmentationObjectTest, ReadsLabelMapsOf8And16BitsNativeAndRle) {
  LabelMap truth = two_organs();
  for (const int bits : {8, 16}) {
    for (const bool rle : {false, true}) {
      const int large = bits == 16 ? 700 : 7;
      MadeSegmentation made;
      made.type = "LABELMAP";
      made.bits = bits;
      made.rle = rle;
      made.rows = 5;
      made.columns = 7;
      made.segments = {{1, "liver"}, {large, "spleen"}};
      LabelMap expected = truth;
      for (std::uint16_t& voxel : expected.voxels) {
        voxel = static_cast<std::uint16_t>(voxel == 2 ? large : voxel);
      }
      for (std::int64_t k = 0; k < 6; ++k) {
        MadeFrame frame = frame_of(expected, k, 1);
        const MadeFrame other = frame_of(expected, k, large, large);
        for (std::size_t n = 0; n < frame.pixels.size(); ++n) {
          frame.pixels[n] = static_cast<std::uint16_t>(frame.pixels[n] + other.pixels[n]);
        }
        made.frames.push_back(frame);
      }
      EXPECT_EQ(labels(made).labels.voxels, expected.voxels) << bits << " bits, RLE " << rle;
    }
  }
}

TEST_F(SegmentationObjectTest, GivesChosenSegmentsTheirValues) {
  LabelMap expected = two_organs();
  for (std::uint16_t& voxel : expected.voxels) {
    voxel = static_cast<std::uint16_t>(voxel == 2 ? 9 : 0);
  }
  const MadeSegmentation made = segmentation_of(two_organs(), kOrgans);
  EXPECT_EQ(labels(made, {{"spleen", 9}}).labels.voxels, expected.voxels);
  EXPECT_THAT(refusal_of(made, {{"heart", 1}}), HasSubstr("no-such-label"));
}

TEST_F(SegmentationObjectTest, RefusesOverlappingSegmentsByNameUnlessOneIsChosen) {
  MadeSegmentation made = segmentation_of(two_organs(), kOrgans);
  MadeFrame& spleen = made.frames.back();
  spleen.pixels.assign(spleen.pixels.size(), 1);
  const std::string found = refusal_of(made);
  EXPECT_THAT(found, HasSubstr("overlapping-labels"));
  EXPECT_THAT(found, HasSubstr("liver"));
  EXPECT_THAT(found, HasSubstr("spleen"));
  EXPECT_EQ(refusal_of(made, {{"spleen", 1}}), "");
}

TEST_F(SegmentationObjectTest, RefusesAnotherGridWithBothGeometries) {
  const MadeSegmentation made = segmentation_of(two_organs(), kOrgans);
  const Geometry g = oblique_grid();
  const Eigen::Vector3d along_k = g.direction.col(2);
  const std::vector<Geometry> others{
      make_geometry({7, 5, 6}, {0.76, 1.25, 2.5}, g.origin, g.direction),
      make_geometry({8, 5, 6}, g.spacing, g.origin, g.direction),
      make_geometry({7, 5, 6}, g.spacing, g.origin + 0.02 * along_k, g.direction),
      make_geometry({7, 5, 5}, g.spacing, g.origin, g.direction),
      make_geometry({7, 5, 6}, g.spacing, g.origin, Eigen::Matrix3d::Identity())};
  for (const Geometry& other : others) {
    const std::string found = refusal_of(made, {}, other);
    EXPECT_THAT(found, HasSubstr("other-grid"));
    EXPECT_THAT(found, HasSubstr(describe(other)));
    EXPECT_THAT(found, HasSubstr("7x5 pixels of 0.75x1.25 mm"));
  }
}

TEST_F(SegmentationObjectTest, AllowsAnOffsetOfLessThanAHundredthOfAMillimetre) {
  const Geometry g = oblique_grid();
  const Geometry near =
      make_geometry(g.size, g.spacing, g.origin + 0.005 * g.direction.col(0), g.direction);
  EXPECT_EQ(refusal_of(segmentation_of(two_organs(), kOrgans), {}, near), "");
}

TEST_F(SegmentationObjectTest, RefusesAnotherFrameOfReference) {
  MadeSegmentation made = segmentation_of(two_organs(), kOrgans);
  made.frame_of_reference = "1.2.10";
  EXPECT_THAT(refusal_of(made), HasSubstr("other-frame-of-reference"));
}

TEST_F(SegmentationObjectTest, RefusesTheSameSegmentTwiceOnOneSlice) {
  MadeSegmentation made = segmentation_of(two_organs(), kOrgans);
  made.frames.push_back(made.frames.front());
  EXPECT_THAT(refusal_of(made), HasSubstr("repeated-frames"));
}

TEST_F(SegmentationObjectTest, RefusesFrameCountsThatLie) {
  for (const int stated : {1, 5, 7, 1'000'000, 2'000'000'000}) {
    MadeSegmentation made = segmentation_of(two_organs(), kOrgans);
    made.stated_frames = stated;
    EXPECT_NE(refusal_of(made), "") << stated;
    made.type = "FRACTIONAL";
    made.bits = 8;
    made.rle = true;
    EXPECT_NE(refusal_of(made), "") << stated << " RLE";
  }
}

TEST_F(SegmentationObjectTest, RefusesPixelsThatNameNoSegment) {
  MadeSegmentation made;
  made.type = "LABELMAP";
  made.bits = 8;
  made.rows = 5;
  made.columns = 7;
  made.frames = {frame_of(two_organs(), 1, 1, 3)};
  EXPECT_THAT(refusal_of(made), HasSubstr("names no segment"));
}

TEST_F(SegmentationObjectTest, RefusesEveryFileThatIsCutShort) {
  const LabelMap truth = two_organs();
  const fs::path file = write(segmentation_of(truth, kOrgans));
  const std::string bytes = read_text(file);
  const fs::path cut = folder_.path() / "cut.dcm";
  for (std::size_t size = 0; size < bytes.size(); size += 50) {
    std::ofstream(cut, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(size));
    EXPECT_NE(refusal([&] { const SegmentationObject object(cut); }), "") << size << " bytes";
  }
}

// The sum of all frames' pixels, and that of the first.
std::pair<std::int64_t, std::int64_t> pixel_sums(const SegmentationObject& object) {
  std::vector<std::int64_t> sums;
  for (std::size_t n = 0; n < object.header().frames.size(); ++n) {
    const auto values = object.frame_values(static_cast<std::int64_t>(n));
    sums.push_back(std::accumulate(values.begin(), values.end(), std::int64_t{0}));
  }
  return {std::accumulate(sums.begin(), sums.end(), std::int64_t{0}), sums.front()};
}

TEST(SegmentationObjectData, FindsThePixelsOfPublicSegmentations) {
  const fs::path files = fs::path(MARROW_SHARED_DATA) / "dicom_syntax/files";
  if (!fs::exists(files / "liver.dcm")) {
    GTEST_SKIP() << "no " << files;
  }
  // Sums of expected.csv, made with pydicom; the other file holds the first frame of this one.
  const auto [all, first] = pixel_sums(SegmentationObject(files / "liver.dcm"));
  EXPECT_EQ(all, 107098);
  EXPECT_EQ(first, 36233);
  // That one has the pixels of one frame and describes three: nothing says where they belong.
  try {
    const SegmentationObject object(files / "liver_1frame.dcm");
    ADD_FAILURE() << "expected a refusal";
  } catch (const FileError& error) {
    EXPECT_EQ(error.reason_code(), "frame-count");
  }
}

}  // namespace
}  // namespace marrow
