#include "clinical/report/picture.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <Eigen/Geometry>
#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/support/report_support.h"

namespace marrow {
namespace {

constexpr Rgb kBlack{0, 0, 0};
constexpr Rgb kWhite{255, 255, 255};

// 6 x 4 x 3 voxels of 2 x 3 x 5 mm: 12 x 12 mm in the axial plane.
Geometry small_grid(const Eigen::Matrix3d& direction = Eigen::Matrix3d::Identity()) {
  return make_geometry({6, 4, 3}, {2, 3, 5}, {-7, 11, 40}, direction);
}

SliceView axial(std::int64_t index, std::int64_t side) {
  SliceView view;
  view.normal = 2;
  view.index = index;
  view.longest_side = side;
  return view;
}

const IntensityWindow kUnitWindow{0, 1, ""};

TEST(Png, DecodesBackToTheSamePixelsWithAPalette) {
  Picture picture = make_picture(5, 3, {10, 20, 30});
  picture.at(4, 2) = {255, 0, 1};

  const Picture decoded = decode_png(encode_png(picture));

  EXPECT_EQ(decoded.width, 5);
  EXPECT_EQ(decoded.height, 3);
  EXPECT_EQ(decoded.pixels, picture.pixels);
}

TEST(Png, DecodesBackToTheSamePixelsWithMoreThan256Colours) {
  Picture picture = make_picture(20, 20, kBlack);
  for (std::int64_t i = 0; i < 400; ++i) {
    picture.at(i % 20, i / 20) = {
        static_cast<std::uint8_t>(i % 256), static_cast<std::uint8_t>(i / 256), 7};
  }

  EXPECT_EQ(decode_png(encode_png(picture)).pixels, picture.pixels);
}

TEST(Png, DataUriNamesItsType) {
  EXPECT_TRUE(png_data_uri(make_picture(1, 1, kBlack)).starts_with("data:image/png;base64,iVBOR"));
}

TEST(Picture, IsSquareInMillimetres) {
  const SliceRaster raster =
      slice_raster(make_geometry({10, 30, 4}, {3, 0.5, 7}, {0, 0, 0}, Eigen::Matrix3d::Identity()),
                   axial(0, 300));

  // 30 mm by 15 mm
  EXPECT_EQ(raster.content_width, 300);
  EXPECT_EQ(raster.content_height, 150);
  EXPECT_DOUBLE_EQ(raster.pixel_mm, 0.1);
}

TEST(Picture, ShowsThePatientsLeftFrontAtTheTopRight) {
  Volume volume = make_grid<float>(small_grid());
  volume.at(5, 0, 1) = 1;  // largest L, smallest P

  const Picture picture = render_slice(volume, axial(1, 120), kUnitWindow);

  EXPECT_EQ(picture.at(119, 0), kWhite);
  EXPECT_EQ(picture.at(0, 0), kBlack);
  EXPECT_EQ(picture.at(119, 119), kBlack);
}

TEST(Picture, LooksTheSameHoweverTheGridIsStored) {
  Volume volume = make_grid<float>(small_grid());
  Eigen::Matrix3d flipped = Eigen::Matrix3d::Identity();
  flipped(0, 0) = -1;
  flipped(1, 1) = -1;
  Volume turned = make_grid<float>(small_grid(flipped));
  for (std::int64_t j = 0; j < 4; ++j) {
    for (std::int64_t i = 0; i < 6; ++i) {
      volume.at(i, j, 1) = static_cast<float>(i + 6 * j) / 24.0F;
      turned.at(5 - i, 3 - j, 1) = volume.at(i, j, 1);
    }
  }

  EXPECT_EQ(render_slice(volume, axial(1, 120), kUnitWindow).pixels,
            render_slice(turned, axial(1, 120), kUnitWindow).pixels);
}

TEST(Picture, InterpolatesBetweenVoxelsAndClipsToTheWindow) {
  Volume volume = make_grid<float>(
      make_geometry({2, 1, 3}, {10, 20, 4}, {0, 0, 0}, Eigen::Matrix3d::Identity()));
  volume.at(0, 0, 0) = -100;
  volume.at(1, 0, 0) = 300;

  const Picture picture = render_slice(volume, axial(0, 40), {0, 200, ""});

  EXPECT_EQ(picture.at(2, 20), kBlack);
  EXPECT_EQ(picture.at(37, 20), kWhite);
  // Pixel 20 lies at voxel index (20.5 / 20) - 0.5 = 0.525: value 110 of 200.
  EXPECT_NEAR(picture.at(20, 20).r, 140, 2);
}

TEST(Picture, AveragesWhereItIsSmallerThanTheSlice) {
  Volume volume = make_grid<float>(
      make_geometry({64, 64, 2}, {1, 1, 1}, {0, 0, 0}, Eigen::Matrix3d::Identity()));
  for (std::int64_t j = 0; j < 64; ++j) {
    for (std::int64_t i = 0; i < 64; ++i) {
      volume.at(i, j, 0) = (i + j) % 2 == 0 ? 0.0F : 1.0F;
    }
  }

  const Picture picture = render_slice(volume, axial(0, 16), kUnitWindow);

  EXPECT_NEAR(picture.at(8, 8).r, 127, 3);
}

TEST(Picture, HatchesHiddenVoxelsInColoursThatNoTissueHasWithHardEdges) {
  Volume volume = make_grid<float>(small_grid(), 1.0F);
  for (std::int64_t j = 0; j < 4; ++j) {
    for (std::int64_t i = 0; i < 3; ++i) {
      volume.at(i, j, 0) = std::numeric_limits<float>::quiet_NaN();
    }
  }

  const Picture picture = render_slice(volume, axial(0, 120), kUnitWindow);

  // Lines and ground: neither black nor white, and not grey.
  for (const std::int64_t x : {10, 11, 12, 13, 14, 15, 16, 17, 58}) {
    EXPECT_GT(picture.at(x, 60).r, 50) << x;
    EXPECT_LT(picture.at(x, 60).r, 150) << x;
    EXPECT_GT(picture.at(x, 60).b, picture.at(x, 60).r + 20) << x;
  }
  EXPECT_NE(picture.at(10, 60), picture.at(14, 60));
  EXPECT_EQ(picture.at(62, 60), kWhite);
}

TEST(Picture, CropsToABox) {
  Volume volume = make_grid<float>(small_grid());
  volume.at(2, 1, 0) = 1;
  SliceView view = axial(0, 60);
  view.crop = SliceBox{{2, 1, 0}, {4, 2, 0}};  // 6 x 6 mm

  const Picture picture = render_slice(volume, view, kUnitWindow);

  EXPECT_EQ(picture.at(0, 0), kWhite);
  EXPECT_EQ(picture.at(59, 0), kBlack);
  EXPECT_DOUBLE_EQ(slice_raster(volume.geometry, view).pixel_mm, 0.1);
}

TEST(Picture, RefusesASliceOutsideTheGrid) {
  const Volume volume = make_grid<float>(small_grid());

  EXPECT_THROW((void)render_slice(volume, axial(3, 60), kUnitWindow), Error);
  EXPECT_THROW((void)render_slice(volume, axial(-1, 60), kUnitWindow), Error);
}

TEST(Picture, WindowIgnoresOutliersAndNaN) {
  Volume volume = make_grid<float>(
      make_geometry({50, 40, 1}, {1, 1, 1}, {0, 0, 0}, Eigen::Matrix3d::Identity()));
  for (std::size_t i = 0; i < volume.voxels.size(); ++i) {
    volume.voxels[i] = static_cast<float>(i % 1000);
  }
  volume.voxels[0] = 1e9F;
  volume.voxels[1] = std::numeric_limits<float>::quiet_NaN();

  const IntensityWindow window = robust_window(volume);

  EXPECT_NEAR(window.low, 5, 1.5);
  EXPECT_NEAR(window.high, 995, 1.5);
  EXPECT_EQ(window_text({12, 871, ""}), "window 12 to 871");
  EXPECT_EQ(window_text(soft_tissue_window()), "soft tissue window \u2212160 to 240");
}

TEST(Picture, WindowOfAConstantVolumeIsNotEmpty) {
  const Volume volume = make_grid<float>(small_grid(), 4.0F);

  EXPECT_LT(robust_window(volume).low, robust_window(volume).high);
}

// A block of class `label` over voxels 2..3 x 1..2 of slice 0: pixels 40..79 x 30..89 of a picture
// 120 pixels wide.
LabelMap block(std::uint16_t label) {
  LabelMap labels = make_grid<std::uint16_t>(small_grid());
  for (std::int64_t j = 1; j < 3; ++j) {
    for (std::int64_t i = 2; i < 4; ++i) {
      labels.at(i, j, 0) = label;
    }
  }
  return labels;
}

TEST(PictureLabels, OutlineLiesJustInsideTheBorderOfTheLabel) {
  Picture picture = make_picture(120, 120, kBlack);
  draw_outlines(picture, block(1), axial(0, 120));
  const Picture decoded = decode_png(encode_png(picture));

  EXPECT_EQ(decoded.at(40, 60), class_colour(1));  // left border, inside
  EXPECT_EQ(decoded.at(41, 60), class_colour(1));
  EXPECT_EQ(decoded.at(39, 60), kBlack);  // outside
  EXPECT_EQ(decoded.at(42, 60), kBlack);  // the inside stays visible
  EXPECT_EQ(decoded.at(79, 60), class_colour(1));
  EXPECT_EQ(decoded.at(60, 30), class_colour(1));
  EXPECT_EQ(decoded.at(60, 89), class_colour(1));
  EXPECT_EQ(decoded.at(60, 60), kBlack);
}

TEST(PictureLabels, OutlineFollowsAFlippedGrid) {
  Eigen::Matrix3d flipped = Eigen::Matrix3d::Identity();
  flipped(0, 0) = -1;
  LabelMap labels = make_grid<std::uint16_t>(small_grid(flipped));
  labels.at(0, 1, 0) = 1;  // patient's leftmost column: right side of the picture
  Picture picture = make_picture(120, 120, kBlack);

  draw_outlines(picture, labels, axial(0, 120));

  EXPECT_EQ(picture.at(101, 45), class_colour(1));
  EXPECT_EQ(picture.at(5, 45), kBlack);
}

TEST(PictureLabels, ClassesDifferByLineAsWellAsColour) {
  Picture solid = make_picture(120, 120, kBlack);
  Picture dashed = make_picture(120, 120, kBlack);
  draw_outlines(solid, block(1), axial(0, 120));
  draw_outlines(dashed, block(2), axial(0, 120));

  const auto drawn = [](const Picture& picture) {
    return picture.pixels.size() - static_cast<std::size_t>(std::count(
                                       picture.pixels.begin(), picture.pixels.end(), kBlack));
  };
  EXPECT_LT(drawn(dashed), drawn(solid) * 3 / 4);
  EXPECT_GT(drawn(dashed), drawn(solid) / 4);
  EXPECT_NE(class_colour(1), class_colour(2));
}

TEST(PictureLabels, DifferenceTellsMissedAddedAndConfused) {
  LabelMap reference = make_grid<std::uint16_t>(small_grid());
  LabelMap prediction = make_grid<std::uint16_t>(small_grid());
  for (std::int64_t j = 0; j < 4; ++j) {
    reference.at(0, j, 0) = reference.at(1, j, 0) = 1;    // missed: pixels 0..39
    prediction.at(4, j, 0) = prediction.at(5, j, 0) = 1;  // added: pixels 80..119
    reference.at(2, j, 0) = reference.at(3, j, 0) = 1;    // confused: pixels 40..79
    prediction.at(2, j, 0) = prediction.at(3, j, 0) = 2;
  }
  Picture picture = make_picture(120, 120, kBlack);

  draw_difference(picture, reference, prediction, axial(0, 120));

  const auto count = [&](Rgb colour, std::int64_t from, std::int64_t to) {
    std::int64_t found = 0;
    for (std::int64_t y = 5; y < 115; ++y) {
      for (std::int64_t x = from; x < to; ++x) {
        found += picture.at(x, y) == colour ? 1 : 0;
      }
    }
    return found;
  };
  EXPECT_NEAR(static_cast<double>(count(kMissedColour, 5, 35)) / (30 * 110), 0.5, 0.05);
  EXPECT_NEAR(static_cast<double>(count(kExtraColour, 85, 115)) / (30 * 110), 0.5, 0.05);
  EXPECT_NEAR(static_cast<double>(count(kWrongClassColour, 45, 75)) / (30 * 110), 0.25, 0.05);
  EXPECT_EQ(count(kExtraColour, 0, 79), 0);
}

TEST(PictureLabels, AgreementLeavesOnlyTheReferencesOutline) {
  Picture picture = make_picture(120, 120, kBlack);

  draw_difference(picture, block(1), block(1), axial(0, 120));

  EXPECT_EQ(picture.at(40, 60), kWhite);
  EXPECT_EQ(picture.at(60, 60), kBlack);
  EXPECT_EQ(std::count(picture.pixels.begin(), picture.pixels.end(), kMissedColour), 0);
}

TEST(PictureMarks, ScaleBarIsARoundLengthInThePicturesScale) {
  EXPECT_DOUBLE_EQ(scale_bar_mm(35), 10);
  EXPECT_DOUBLE_EQ(scale_bar_mm(400), 100);
  EXPECT_DOUBLE_EQ(scale_bar_mm(60), 20);
  EXPECT_DOUBLE_EQ(scale_bar_mm(2), 0.5);

  const Geometry geometry =
      make_geometry({60, 50, 4}, {1, 1, 4}, {0, 0, 0}, Eigen::Matrix3d::Identity());
  Picture picture = make_picture(240, 200, {90, 90, 90});
  draw_marks(picture, geometry, axial(0, 240), SliceMarks::kLettersAndScale);

  // 20 mm of 60 mm: 80 of 240 pixels, in the lowest white row.
  std::int64_t longest = 0;
  for (std::int64_t y = 150; y < 200; ++y) {
    std::int64_t run = 0;
    for (std::int64_t x = 0; x < 240; ++x) {
      run = picture.at(x, y) == kWhite ? run + 1 : 0;
      longest = std::max(longest, run);
    }
  }
  EXPECT_EQ(longest, 80);
}

TEST(PictureMarks, AreLeftOutWithoutPatientCoordinates) {
  Picture picture = make_picture(120, 120, {90, 90, 90});

  draw_marks(picture, small_grid(), axial(0, 120), SliceMarks::kNone);

  EXPECT_EQ(std::count(picture.pixels.begin(), picture.pixels.end(), Rgb{90, 90, 90}), 120 * 120);
}

TEST(PictureMarks, LettersChangeSidesWithAFlippedHanging) {
  // The letters on both sides are mirror positions; an L has no stroke at its top right, an R has.
  const auto top_right_of_left_letter = [](const Eigen::Matrix3d& direction) {
    Picture picture = make_picture(120, 120, {90, 90, 90});
    draw_marks(picture, small_grid(direction), axial(0, 120), SliceMarks::kLettersAndScale);
    // dot 1: margin 3, letter rows 56..62, columns 3..7
    return picture.at(6, 56) == kWhite;
  };
  Eigen::Matrix3d flipped = Eigen::Matrix3d::Identity();
  flipped(0, 0) = -1;

  EXPECT_TRUE(top_right_of_left_letter(Eigen::Matrix3d::Identity()));  // R
  EXPECT_TRUE(top_right_of_left_letter(flipped));  // still R: the picture is hung alike
}

TEST(PictureMarks, ThreePlanesHaveTheirOwnShapes) {
  const Volume volume = make_grid<float>(
      make_geometry({20, 30, 10}, {1, 1, 2}, {0, 0, 0}, Eigen::Matrix3d::Identity()));

  const std::vector<Picture> pictures = three_planes(volume, {10, 15, 5}, kUnitWindow, 120);

  ASSERT_EQ(pictures.size(), 3U);
  EXPECT_EQ(pictures[0].width * 3, pictures[0].height * 2);  // axial 20 x 30 mm
  EXPECT_EQ(pictures[1].width, pictures[1].height);          // coronal 20 x 20 mm
  EXPECT_EQ(pictures[2].width * 2, pictures[2].height * 3);  // sagittal 30 x 20 mm
}

}  // namespace
}  // namespace marrow
