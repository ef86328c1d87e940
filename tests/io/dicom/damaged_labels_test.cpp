#include <algorithm>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "io/dicom/dcmtk_session.h"
#include "io/dicom/dicom_writer.h"
#include "io/dicom/label_object.h"
#include "tests/support/damaged_copies.h"
#include "tests/support/dicom_series.h"
#include "tests/support/label_samples.h"
#include "tests/support/memory_cap.h"

namespace marrow {
namespace {

namespace fs = std::filesystem;
using testing::CopyDamager;
using testing::DamagedCopy;
using testing::label_grid;
using testing::MadeSegmentation;
using testing::sample_segmentation;
using testing::sample_structures;

// Damages a file of labels in many ways, and describes and paints each copy as the parsing child
// does.
class DamagedLabelObjects : public ::testing::Test {
 protected:
  void SetUp() override {
    prepare_dcmtk();
    label_image_on(label_grid(), "image");
  }

  void label_image_on(const Geometry& grid, const std::string& name) {
    DicomSeriesAttributes attributes;
    attributes.frame_of_reference_uid = "1.2.9";
    target_.grid_files =
        write_dicom_series(folder_.path() / name, make_grid<float>(grid, 7.0F), attributes);
  }

  void TearDown() override {
    RecordProperty("copies", copies_);
    RecordProperty("accepted", accepted_);
  }

  void start(std::set<std::uint32_t> decisive) {
    decisive_ = std::move(decisive);
    truth_ = read_object_labels(std::vector{file_}, target_);
    described_ = read_label_object(file_);
    ASSERT_GT(labelled(truth_.labels), 5);
    ASSERT_EQ(described_.regions.size(), 2U);
  }

  void check(const DamagedCopy& copy) {
    ++copies_;
    fs::remove(file_);  // see damaged_images_test.cpp
    std::ofstream(file_, std::ios::binary) << copy.bytes;
    refusing(copy, [&] { static_cast<void>(read_label_object(file_)); });
    refusing(copy, [&] {
      const PaintedLabels painted = read_object_labels(std::vector{file_}, target_);
      ++accepted_;
      judge(painted, copy);
    });
  }

  template <class Work>
  static void refusing(const DamagedCopy& copy, Work work) {
    try {
      work();
    } catch (const Error& error) {
      EXPECT_NE(error.code(), ErrorCode::kInternal) << copy.what << ": " << error.what();
    } catch (const std::exception& error) {
      ADD_FAILURE() << copy.what << ": " << error.what();
    }
  }

  void judge(const PaintedLabels& painted, const DamagedCopy& copy) const {
    EXPECT_EQ(painted.labels.geometry.size, truth_.labels.geometry.size);
    const bool allowed = std::any_of(copy.touched.begin(),
                                     copy.touched.end(),
                                     [&](std::uint32_t tag) { return decisive_.contains(tag); });
    // Of a cut file only whole elements behind those that matter may be gone.
    EXPECT_TRUE(painted.labels.voxels == truth_.labels.voxels || (allowed && !copy.cut))
        << copy.what << " gives other labels";
    if (copy.cut) {
      EXPECT_FALSE(last_element_matters_) << copy.what << " is read";
    }
  }

  static std::int64_t labelled(const LabelMap& labels) {
    return static_cast<std::int64_t>(labels.voxels.size()) -
           std::count(labels.voxels.begin(), labels.voxels.end(), 0);
  }

  void damage_every_way() {
    CopyDamager(read_text(file_)).every_way([this](const DamagedCopy& copy) { check(copy); });
  }

  TemporaryFolder folder_;
  testing::MemoryCap cap_{std::uint64_t{1} << 30};
  fs::path file_ = folder_.path() / "labels.dcm";
  LabelTarget target_;
  PaintedLabels truth_;
  LabelObject described_;
  std::set<std::uint32_t> decisive_;
  bool last_element_matters_ = true;
  int copies_ = 0;
  int accepted_ = 0;
};

// What it is, where its frames lie, which segment they show, its pixels.
const std::set<std::uint32_t> kDecisiveOfSegmentations{0x00020002,
                                                       0x00020010,
                                                       0x00080016,
                                                       0x00200032,
                                                       0x00200037,
                                                       0x00280030,
                                                       0x00280010,
                                                       0x00280011,
                                                       0x00620001,
                                                       0x00620004,
                                                       0x0062000B,
                                                       0x0062000E,
                                                       0x00280120,
                                                       0x7FE00010};

// What it is, its space, its regions, and their contours.
const std::set<std::uint32_t> kDecisiveOfStructureSets{
    0x00020002, 0x00020010, 0x00080016, 0x30060022, 0x30060024, 0x30060084, 0x30060050};

TEST_F(DamagedLabelObjects, OfBinarySegmentationsAreRefusedOrGiveTheSameLabels) {
  testing::write_segmentation(file_, sample_segmentation("BINARY"));
  start(kDecisiveOfSegmentations);

  damage_every_way();

  EXPECT_GT(copies_, 4000);
  EXPECT_GT(accepted_, 100);
}

TEST_F(DamagedLabelObjects, OfFractionalOnesWithoutCompressionAndOfLabelMapsAreToo) {
  for (const char* type : {"FRACTIONAL", "LABELMAP"}) {
    testing::write_segmentation(file_, sample_segmentation(type));
    start(kDecisiveOfSegmentations);
    damage_every_way();
  }

  EXPECT_GT(copies_, 9000);
}

TEST_F(DamagedLabelObjects, OfCompressedOnesAreToo) {
  for (const char* type : {"FRACTIONAL", "LABELMAP"}) {
    MadeSegmentation made = sample_segmentation(type);
    made.rle = true;
    testing::write_segmentation(file_, made);
    std::set<std::uint32_t> decisive = kDecisiveOfSegmentations;
    decisive.insert(0xFFFEE000);  // of fragments
    start(decisive);
    const CopyDamager damager(read_text(file_));
    const auto& all = damager.placed().all();
    const auto pixels = std::find_if(
        all.begin(), all.end(), [](const auto& element) { return element.tag == 0x7FE00010; });
    ASSERT_NE(pixels, all.end());
    const auto visit = [this](const DamagedCopy& copy) { check(copy); };
    damager.cut(visit, pixels->start);
    damager.flip(visit, pixels->start);
    damager.lengthen(visit, pixels->start);
    damager.rearrange(visit, pixels->start);
    decisive_.clear();
    damager.shorten_fragments(visit);
  }

  EXPECT_GT(copies_, 1000);
}

// The format has no check sum: flipped bits may inflate to other labels, but a cut never does.
TEST_F(DamagedLabelObjects, OfDeflatedOnesAreRefusedWhenCut) {
  testing::write_segmentation(file_, sample_segmentation("BINARY"));
  DcmFileFormat format;
  ASSERT_TRUE(format.loadFile(file_.c_str()).good());
  ASSERT_TRUE(format.loadAllDataIntoMemory().good());
  ASSERT_TRUE(format.saveFile(file_.c_str(), EXS_DeflatedLittleEndianExplicit).good());
  start({});
  const std::string whole = read_text(file_);

  for (std::size_t size = 200; size + 2 < whole.size(); ++size) {
    check({whole.substr(0, size), "deflated, cut", {}, true});
  }
  EXPECT_EQ(accepted_, 0);
  for (std::size_t at = 340; at < whole.size(); ++at) {
    std::string bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x10);
    fs::remove(file_);
    std::ofstream(file_, std::ios::binary) << bytes;
    refusing({bytes, "deflated, flipped"}, [&] {
      EXPECT_EQ(read_object_labels(std::vector{file_}, target_).labels.geometry.size,
                truth_.labels.geometry.size);
    });
  }
}

TEST_F(DamagedLabelObjects, OfStructureSetsAreRefusedOrGiveTheSameLabels) {
  testing::write_structure_set(file_, sample_structures());
  last_element_matters_ = false;  // the interpreted types come last
  start(kDecisiveOfStructureSets);

  damage_every_way();

  EXPECT_GT(copies_, 3000);
  EXPECT_GT(accepted_, 100);
}

// Damage that moves a label here finds a free slice.
TEST_F(DamagedLabelObjects, OnAnObliqueGridWithEmptySlicesAreToo) {
  const Geometry grid = testing::oblique_grid();
  label_image_on(grid, "oblique");
  for (const char* type : {"BINARY", "LABELMAP"}) {
    testing::write_segmentation(file_, sample_segmentation(type, grid));
    start(kDecisiveOfSegmentations);
    damage_every_way();
  }
  testing::write_structure_set(file_, sample_structures(grid));
  last_element_matters_ = false;
  start(kDecisiveOfStructureSets);
  damage_every_way();

  EXPECT_GT(copies_, 10000);
  EXPECT_GT(accepted_, 1000);
}

}  // namespace
}  // namespace marrow
