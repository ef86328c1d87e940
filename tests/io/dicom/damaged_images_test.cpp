#include <algorithm>
#include <cmath>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "io/dicom/dcmtk_session.h"
#include "io/dicom/dicom_header.h"
#include "io/dicom/grouping.h"
#include "tests/support/damaged_copies.h"
#include "tests/support/dicom_objects.h"
#include "tests/support/memory_cap.h"

namespace marrow {
namespace {

namespace fs = std::filesystem;
using testing::CopyDamager;
using testing::CsaLayout;
using testing::DamagedCopy;

bool same_place(const Geometry& a, const Geometry& b) {
  return a.size == b.size && a.spacing == b.spacing && a.origin == b.origin &&
         a.direction == b.direction;
}

bool any_of_tags(const std::set<std::uint32_t>& touched, const std::set<std::uint32_t>& tags) {
  return std::any_of(
      touched.begin(), touched.end(), [&](std::uint32_t tag) { return tags.contains(tag); });
}

// Pixels, their bits, size and scale, and where they lie: what may change a volume.
const std::set<std::uint32_t> kDecisiveOfImages{
    0x00020010,                                                  // transfer syntax
    0x00080016, 0x00080060,                                      // SOP class, modality
    0x00180088, 0x00200032, 0x00200037, 0x00280030,              // place
    0x00280002, 0x00280004, 0x00280008, 0x00280010, 0x00280011,  // size and kind of pixels
    0x00280100, 0x00280101, 0x00280102, 0x00280103, 0x00280106,
    0x00280120, 0x00280121, 0x00281052, 0x00281053, 0x00283000,  // scale
    0x7FE00008, 0x7FE00009, 0x7FE00010, 0xFFFEE000};

// Damages one file of a volume in many ways and reads the volume from each copy as the parsing
// child does.
class DamagedDicomImages : public ::testing::Test {
 protected:
  void SetUp() override { prepare_dcmtk(); }

  void TearDown() override {
    RecordProperty("copies", copies_);
    RecordProperty("accepted", accepted_);
    RecordProperty("scanned", scanned_);
  }

  void start(std::vector<fs::path> files, std::set<std::uint32_t> decisive = kDecisiveOfImages) {
    files_ = std::move(files);
    decisive_ = std::move(decisive);
    truth_ = read_dicom_stack(files_);
  }

  [[nodiscard]] CopyDamager damager() const { return CopyDamager(read_text(files_.front())); }

  void check(const DamagedCopy& copy) {
    ++copies_;
    // A new file each time: replacing the bytes of one makes some file systems write it to disk.
    fs::remove(files_.front());
    std::ofstream(files_.front(), std::ios::binary) << copy.bytes;
    refusing(copy, [&] {
      const Volume volume = read_dicom_stack(files_);
      ++accepted_;
      judge(volume, copy);
    });
    refusing(copy, [&] { check_scan(copy); });
  }

  // As scanning groups it: what it would use is read, and lies where grouping says. Where it
  // refuses a part, such as a frame that lies elsewhere than the others, those may be a smaller
  // volume, and so may the other files of a series.
  void check_scan(const DamagedCopy& copy) {
    if (files_.size() > 1) {
      return;
    }
    const std::vector<DicomStack> stacks = group_dicom(read_dicom_headers(files_));
    if (std::any_of(stacks.begin(), stacks.end(), [](const DicomStack& stack) {
          return stack.verdict == Verdict::kRefuse;
        })) {
      return;
    }
    for (const DicomStack& stack : stacks) {
      const Volume volume = read_dicom_stack(files_, stack.volume);
      ++scanned_;
      ASSERT_TRUE(stack.geometry.has_value()) << copy.what;
      EXPECT_TRUE(same_place(volume.geometry, *stack.geometry)) << copy.what;
      judge(volume, copy);
    }
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

  void judge(const Volume& volume, const DamagedCopy& copy) const {
    EXPECT_FALSE(copy.cut) << copy.what;
    EXPECT_EQ(static_cast<std::int64_t>(volume.voxels.size()), volume.geometry.voxels());
    EXPECT_TRUE(std::all_of(volume.voxels.begin(), volume.voxels.end(), [](float value) {
      return std::isfinite(value);
    })) << copy.what;
    const bool same =
        same_place(volume.geometry, truth_.geometry) && volume.voxels == truth_.voxels;
    EXPECT_TRUE(same || any_of_tags(copy.touched, decisive_))
        << copy.what << " gives another volume";
  }

  // Of all copies so far some were read and most were not.
  void expect_judged(int least) const {
    EXPECT_GT(copies_, least);
    EXPECT_GT(accepted_, 0);
    EXPECT_LT(accepted_, copies_);
    EXPECT_EQ(scanned_ > 0, files_.size() == 1);
  }

  [[nodiscard]] auto checking() {
    return [this](const DamagedCopy& copy) { check(copy); };
  }

  TemporaryFolder folder_;
  testing::MemoryCap cap_{std::uint64_t{1} << 30};
  std::vector<fs::path> files_;
  std::set<std::uint32_t> decisive_;
  Volume truth_;
  int copies_ = 0;
  int accepted_ = 0;
  int scanned_ = 0;
};

TEST_F(DamagedDicomImages, OfEnhancedObjectsAreRefusedOrGiveTheSameVolume) {
  start({testing::write_enhanced_object(folder_.path() / "a.dcm")});

  damager().every_way(checking());

  expect_judged(3000);
}

TEST_F(DamagedDicomImages, OfMosaicsAreRefusedOrGiveTheSameVolume) {
  std::set<std::uint32_t> decisive = kDecisiveOfImages;
  decisive.insert(0x00291010);  // how many slices there are, and which way they go
  start({testing::write_mosaic_object(folder_.path() / "a.dcm", CsaLayout::kFirst)}, decisive);
  damager().flip(checking());
  start({testing::write_mosaic_object(folder_.path() / "a.dcm", CsaLayout::kSecond)}, decisive);
  damager().every_way(checking());

  expect_judged(3000);
}

TEST_F(DamagedDicomImages, OfOnePetSliceAreRefusedOrGiveTheSameSuv) {
  std::set<std::uint32_t> decisive = kDecisiveOfImages;
  decisive.insert({0x00080021,
                   0x00080022,
                   0x00080031,
                   0x00080032,  // when it was scanned
                   0x00101030,
                   0x00181072,
                   0x00181074,
                   0x00181075,
                   0x00181078,
                   0x00541001,
                   0x00541006,
                   0x00541102});  // weight, injection, units, decay
  start(testing::write_pet_series(folder_.path()), decisive);

  damager().every_way(checking());

  expect_judged(2000);
}

class DamagedCompressedImages : public DamagedDicomImages,
                                public ::testing::WithParamInterface<E_TransferSyntax> {};

TEST_P(DamagedCompressedImages, AreRefusedOrGiveTheSameVolume) {
  start({testing::write_enhanced_object(folder_.path() / "a.dcm", GetParam())});

  damager().every_way(checking());

  expect_judged(3500);
}

// A stream that ends early while the file around it is whole: what a tool made of a cut file. Only
// an end marker may be missing.
TEST_P(DamagedCompressedImages, OfStreamsThatEndEarlyAreRefusedOrGiveTheSameVolume) {
  start({testing::write_enhanced_object(folder_.path() / "a.dcm", GetParam())});
  const CopyDamager copies = damager();

  copies.shorten_fragments(checking());

  EXPECT_GT(copies_, 20);
}

// The same with the end marker of JPEG, JPEG-LS and JPEG 2000, which looks like a whole stream.
TEST_P(DamagedCompressedImages, OfStreamsThatLackTheirLastPixelsAreRefused) {
  start({testing::write_enhanced_object(folder_.path() / "a.dcm", GetParam())});
  const CopyDamager copies = damager();

  // CharLS, which decodes JPEG-LS, reads zeros where the last byte or two are gone.
  copies.shorten_fragments(checking(), "\xff\xd9", GetParam() == EXS_JPEGLSLossless ? 6 : 4);

  EXPECT_GT(copies_, 20);
}

INSTANTIATE_TEST_SUITE_P(Syntaxes,
                         DamagedCompressedImages,
                         ::testing::Values(EXS_RLELossless,
                                           EXS_JPEGProcess14SV1,
                                           EXS_JPEGLSLossless,
                                           EXS_JPEG2000LosslessOnly));

}  // namespace
}  // namespace marrow
