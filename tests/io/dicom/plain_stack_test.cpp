#include "io/dicom/plain_stack.h"

#include <numeric>

#include <gmock/gmock.h>

#include "core/files.h"
#include "io/dicom/dicom_writer.h"
#include "io/file_error.h"
#include "tests/support/dicom_made.h"
#include "tests/support/nifti_bytes.h"

namespace marrow {

namespace {

// Pictures of 16 bits with a head of 20 bytes, each value its own.
class PlainStacks : public ::testing::Test {
 protected:
  void make(Size3 size) {
    stack_.geometry = make_geometry(size, {1, 1, 1}, {0, 0, 0}, Eigen::Matrix3d::Identity());
    const auto area = static_cast<std::size_t>(size[0] * size[1]);
    for (std::int64_t k = 0; k < size[2]; ++k) {
      std::vector<std::uint16_t> words(10 + area);
      std::iota(words.begin() + 10, words.end(), static_cast<std::uint16_t>(1000 * k));
      const auto file = folder_.path() / (std::to_string(k) + ".raw");
      testing::write_file(file, {reinterpret_cast<const char*>(words.data()), 2 * words.size()});
      files_.push_back(file);
      PlainSlice slice;
      slice.file = static_cast<std::size_t>(k);
      slice.offset = 20;
      slice.row_bytes = 2 * size[0];
      slice.coding.layout = {.bits_allocated = 16, .bits_stored = 16, .high_bit = 15};
      stack_.slices.push_back(slice);
    }
  }

  std::string reason() {
    try {
      static_cast<void>(read_plain_stack(stack_, files_));
    } catch (const FileError& error) {
      return error.reason_code();
    }
    return "none";
  }

  TemporaryFolder folder_;
  PlainStack stack_;
  std::vector<std::filesystem::path> files_;
};

TEST_F(PlainStacks, AreReadInPiecesOfRowsWhateverTheirSize) {
  for (const Size3 size : {Size3{3, 5, 2}, Size3{1000, 1100, 2}, Size3{70000, 3, 1}}) {
    stack_ = {};
    files_.clear();
    make(size);

    const Volume volume = read_plain_stack(stack_, files_);

    const std::int64_t area = size[0] * size[1];
    for (std::int64_t n = 0; n < volume.geometry.voxels(); ++n) {
      ASSERT_EQ(volume.voxels[static_cast<std::size_t>(n)],
                static_cast<std::uint16_t>(1000 * (n / area) + n % area));
    }
  }
}

TEST_F(PlainStacks, TakeATileOutOfALargerPicture) {
  make({8, 6, 1});
  stack_.geometry = make_geometry({3, 2, 1}, {1, 1, 1}, {0, 0, 0}, Eigen::Matrix3d::Identity());
  stack_.slices[0].offset += 2 * (4 * 8 + 5);  // the last rows and columns: the file ends there

  EXPECT_THAT(read_plain_stack(stack_, files_).voxels,
              ::testing::ElementsAre(37, 38, 39, 45, 46, 47));
}

TEST_F(PlainStacks, WhoseFilesChangedAreRefusedByName) {
  make({16, 16, 3});
  std::filesystem::resize_file(files_[1], 20 + 2 * 16 * 16 - 1);
  EXPECT_EQ(reason(), "cut-short");
  std::filesystem::remove(files_[1]);
  EXPECT_EQ(reason(), "missing");
  std::filesystem::create_directory(files_[1]);
  EXPECT_EQ(reason(), "not-a-file");
}

TEST_F(PlainStacks, OfNumbersThatDoNotFitAreNotRead) {
  make({16, 16, 3});
  const PlainStack good = stack_;
  const auto refused = [&](auto&& spoil) {
    stack_ = good;
    spoil(stack_);
    static_cast<void>(testing::error_of(
        ErrorCode::kInternal, [&] { static_cast<void>(read_plain_stack(stack_, files_)); }));
  };
  EXPECT_NO_THROW(static_cast<void>(read_plain_stack(good, files_)));
  refused([](PlainStack& s) { s.slices[2].file = 3; });
  refused([](PlainStack& s) { s.slices[2].offset = -1; });
  refused([](PlainStack& s) { s.slices[2].row_bytes = 31; });
  refused([](PlainStack& s) { s.slices[2].row_bytes = std::int64_t{1} << 40; });
  refused([](PlainStack& s) { s.slices[2].coding.layout.bits_stored = 17; });
  refused([](PlainStack& s) { s.slices[2].coding.layout.floating = true; });
  refused([](PlainStack& s) { s.slices.pop_back(); });
  refused([](PlainStack& s) { s.slices.clear(); });
  refused([](PlainStack& s) { s.geometry.size = {0, 16, 3}; });
}

TEST(OpenedStacks, ArePlainUnlessTheyTakeACodec) {
  const TemporaryFolder folder;
  const Volume written = make_grid<float>(
      make_geometry({8, 8, 3}, {1, 1, 2}, {0, 0, 0}, Eigen::Matrix3d::Identity()), 7.0F);
  const auto plain = write_dicom_series(folder.path() / "plain", written, {});
  std::vector<std::filesystem::path> packed;
  for (int k = 0; k < 3; ++k) {
    DcmFileFormat format;
    testing::start_image(*format.getDataset(), 8, 8, k + 1);
    testing::put_text(
        *format.getDataset(), DCM_ImagePositionPatient, "0\\0\\" + std::to_string(2 * k));
    testing::put_text(*format.getDataset(), DCM_ImageOrientationPatient, "1\\0\\0\\0\\1\\0");
    testing::put_text(*format.getDataset(), DCM_PixelSpacing, "1\\1");
    testing::put_pixels(*format.getDataset(), std::vector<Uint16>(64, 7));
    packed.push_back(testing::save_image(
        format, folder.path() / (std::to_string(k) + ".dcm"), EXS_DeflatedLittleEndianExplicit));
  }

  EXPECT_TRUE(std::holds_alternative<PlainStack>(
      open_dicom_stack(read_dicom_headers(plain), std::nullopt)));
  EXPECT_TRUE(
      std::holds_alternative<Volume>(open_dicom_stack(read_dicom_headers(packed), std::nullopt)));
  EXPECT_EQ(read_dicom_stack(plain).voxels, written.voxels);
  EXPECT_EQ(read_dicom_stack(packed).voxels, written.voxels);
}

}  // namespace

}  // namespace marrow
