#include "io/dicom/mosaic.h"

#include <cmath>
#include <string>

#include <Eigen/Geometry>
#include <gmock/gmock.h>

#include "core/error.h"
#include "core/files.h"
#include "io/dicom/grouping.h"
#include "tests/support/csa_bytes.h"
#include "tests/support/dicom_made.h"
#include "tests/support/dicom_series.h"

namespace marrow {

namespace {

using testing::ds;
using ::testing::HasSubstr;

struct MosaicPlan {
  int tiles = 5;
  int rows = 6, columns = 4;  // of a tile
  Eigen::Matrix3d axes = Eigen::Matrix3d::Identity();
  bool against_normal = false;
  std::string leave_out;  // "normal", "step", "number", "position"
  int number = 1;
  int add = 0;  // to every voxel
};

// Voxel of tile k: 100 k + 10 j + i.
Uint16 voxel_of(const MosaicPlan& plan, int i, int j, int k) {
  return static_cast<Uint16>(100 * k + 10 * j + i + plan.add);
}

constexpr double kStep = 3.5;
const Eigen::Vector3d kFirst(-20, 30, 45);  // centre of the first pixel of tile 0
const Eigen::Vector2d kPixel(1.5, 2.0);     // along i and j, mm

Eigen::Vector3d way(const MosaicPlan& plan) {
  return plan.axes.col(2) * (plan.against_normal ? -kStep : kStep);
}

std::filesystem::path write_mosaic(const MosaicPlan& plan, const std::filesystem::path& file) {
  const int across = static_cast<int>(std::ceil(std::sqrt(plan.tiles)));
  DcmFileFormat format;
  DcmDataset& data = *format.getDataset();
  testing::start_image(data, across * plan.rows, across * plan.columns, plan.number);
  testing::put_text(data, DCM_ImageType, "ORIGINAL\\PRIMARY\\M\\MOSAIC");
  const Eigen::Vector3d row = plan.axes.col(0);
  const Eigen::Vector3d column = plan.axes.col(1);
  // Of a slice as large as the whole picture around the centre of the first tile.
  const Eigen::Vector3d corner = kFirst - row * kPixel[0] * (across - 1) * plan.columns / 2.0 -
                                 column * kPixel[1] * (across - 1) * plan.rows / 2.0;
  if (plan.leave_out != "position") {
    testing::put_text(data,
                      DCM_ImagePositionPatient,
                      ds(corner[0]) + "\\" + ds(corner[1]) + "\\" + ds(corner[2]));
  }
  testing::put_text(data,
                    DCM_ImageOrientationPatient,
                    ds(row[0]) + "\\" + ds(row[1]) + "\\" + ds(row[2]) + "\\" + ds(column[0]) +
                        "\\" + ds(column[1]) + "\\" + ds(column[2]));
  testing::put_text(data, DCM_PixelSpacing, ds(kPixel[1]) + "\\" + ds(kPixel[0]));
  if (plan.leave_out != "step") {
    testing::put_text(data, DCM_SpacingBetweenSlices, ds(kStep));
  }
  std::vector<std::pair<std::string, std::vector<std::string>>> fields{{"B_value", {"0"}}};
  if (plan.leave_out != "normal") {
    const Eigen::Vector3d normal = way(plan) / kStep;
    fields.push_back({"SliceNormalVector", {ds(normal[0]), ds(normal[1]), ds(normal[2])}});
  }
  if (plan.leave_out != "number") {
    fields.push_back({"NumberOfImagesInMosaic", {std::to_string(plan.tiles)}});
  }
  const std::string csa = testing::csa_bytes(fields, testing::CsaLayout::kSecond);
  testing::put_text(data, DcmTagKey(0x0029, 0x0010), "SIEMENS CSA HEADER");
  const DcmTag tag(0x0029, 0x1010, EVR_OB);
  EXPECT_TRUE(data.putAndInsertUint8Array(
                      tag, reinterpret_cast<const Uint8*>(csa.data()), csa.size() - csa.size() % 2)
                  .good());
  std::vector<Uint16> sheet(static_cast<std::size_t>(across * plan.rows * across * plan.columns),
                            7777);
  for (int k = 0; k < plan.tiles; ++k) {
    for (int j = 0; j < plan.rows; ++j) {
      for (int i = 0; i < plan.columns; ++i) {
        const int y = k / across * plan.rows + j;
        const int x = k % across * plan.columns + i;
        sheet[static_cast<std::size_t>(y * across * plan.columns + x)] = voxel_of(plan, i, j, k);
      }
    }
  }
  testing::put_pixels(data, sheet);
  return testing::save_image(format, file);
}

class MosaicFiles : public ::testing::Test {
 protected:
  TemporaryFolder folder_;
};

Eigen::Matrix3d oblique_axes() {
  return (Eigen::AngleAxisd(0.4, Eigen::Vector3d::UnitX()) *
          Eigen::AngleAxisd(-0.7, Eigen::Vector3d::UnitZ()))
      .toRotationMatrix();
}

TEST_F(MosaicFiles, BecomeTheVolumeThatWasTiledWhateverItsDirection) {
  Eigen::Matrix3d sagittal;
  sagittal << 0, 0, -1, 1, 0, 0, 0, -1, 0;
  int name = 0;
  for (const Eigen::Matrix3d& axes :
       {Eigen::Matrix3d(Eigen::Matrix3d::Identity()), sagittal, oblique_axes()}) {
    for (const int tiles : {2, 5, 9}) {
      for (const bool against : {false, true}) {
        MosaicPlan plan;
        plan.axes = axes;
        plan.tiles = tiles;
        plan.against_normal = against;
        const auto file = write_mosaic(plan, folder_.path() / (std::to_string(++name) + ".dcm"));

        const Volume volume = read_dicom_stack(std::vector{file});

        ASSERT_EQ(volume.geometry.size, (Size3{plan.columns, plan.rows, tiles}));
        EXPECT_NEAR(volume.geometry.spacing[2], kStep, 1e-6);
        for (int k = 0; k < tiles; ++k) {
          const Eigen::Vector3d place =
              kFirst + k * way(plan) + axes.col(0) * kPixel[0] * 3 + axes.col(1) * kPixel[1] * 2;
          const Eigen::Vector3d index = volume.geometry.to_index(place);
          EXPECT_LT((index - index.array().round().matrix()).norm(), 1e-5);
          EXPECT_EQ(
              volume.at(std::llround(index[0]), std::llround(index[1]), std::llround(index[2])),
              voxel_of(plan, 3, 2, k));
        }
      }
    }
  }
}

TEST_F(MosaicFiles, WithTwoNumbersOfSlicesAreRefused) {
  const auto file = write_mosaic({}, folder_.path() / "a.dcm");
  for (const int tiles : {5, 4}) {
    DcmFileFormat format;
    ASSERT_TRUE(format.loadFile(file.c_str()).good());
    DcmDataset& data = *format.getDataset();
    testing::put_text(data, DcmTagKey(0x0019, 0x0010), "SIEMENS MR HEADER");
    ASSERT_TRUE(
        data.putAndInsertUint16(DcmTag(0x0019, 0x100A, EVR_US), static_cast<Uint16>(tiles)).good());
    const auto changed = testing::save_image(format, folder_.path() / "b.dcm");
    if (tiles == 5) {
      EXPECT_EQ(read_dicom_stack(std::vector{changed}).geometry.size[2], 5);
      continue;
    }
    try {
      static_cast<void>(read_dicom_stack(std::vector{changed}));
      FAIL() << "it was read";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("4 slices and 5"));
    }
  }
}

TEST_F(MosaicFiles, OfOneSeriesAreVolumesInTheOrderOfTheirNumbers) {
  std::vector<DicomHeader> headers;
  for (const int number : {10, 2, 9}) {
    MosaicPlan plan;
    plan.number = number;
    plan.add = number;
    headers.push_back(
        read_dicom_header(write_mosaic(plan, folder_.path() / (std::to_string(number) + ".dcm"))));
  }

  const std::vector<DicomStack> stacks = group_dicom(headers);

  ASSERT_EQ(stacks.size(), 3U);
  const std::vector<int> order{2, 9, 10};
  for (std::size_t n = 0; n < 3; ++n) {
    EXPECT_EQ(stacks[n].verdict, Verdict::kSplit) << stacks[n].reason;
    EXPECT_FALSE(stacks[n].volume);
    EXPECT_EQ(read_dicom_stack(std::vector{stacks[n].slices[0].file}).voxels[0],
              static_cast<float>(order[n]));
    EXPECT_THAT(stacks[n].told_apart_by, HasSubstr("instance " + std::to_string(order[n])));
  }
}

TEST_F(MosaicFiles, AreRefusedNamingWhatTheirGeometryLacks) {
  const std::vector<std::pair<std::string, std::string>> traps{{"normal", "SliceNormalVector"},
                                                               {"step", "SpacingBetweenSlices"},
                                                               {"number", "number of its slices"},
                                                               {"position", "position"}};
  for (const auto& [missing, said] : traps) {
    MosaicPlan plan;
    plan.leave_out = missing;
    const auto file = write_mosaic(plan, folder_.path() / (missing + ".dcm"));

    const std::vector<DicomStack> stacks = group_dicom({read_dicom_header(file)});

    ASSERT_EQ(stacks.size(), 1U);
    EXPECT_EQ(stacks[0].verdict, Verdict::kRefuse);
    EXPECT_EQ(stacks[0].reason_code, "mosaic") << missing;
    EXPECT_THAT(stacks[0].reason, HasSubstr(said));
    EXPECT_THROW(static_cast<void>(read_dicom_stack(std::vector{file})), Error);
  }
}

TEST_F(MosaicFiles, StoredTwiceAreOneVolume) {
  const auto file = write_mosaic({}, folder_.path() / "a.dcm");
  std::filesystem::copy_file(file, folder_.path() / "b.dcm");

  const std::vector<DicomStack> stacks =
      group_dicom({read_dicom_header(file), read_dicom_header(folder_.path() / "b.dcm")});

  ASSERT_EQ(stacks.size(), 1U);
  EXPECT_EQ(stacks[0].verdict, Verdict::kUse) << stacks[0].reason;
  EXPECT_FALSE(stacks[0].duplicates.empty());
}

}  // namespace

}  // namespace marrow
