#include <algorithm>
#include <fstream>
#include <limits>
#include <random>

#include <gmock/gmock.h>

#include "core/error.h"
#include "core/files.h"
#include "io/dicom/dicom_header.h"
#include "io/dicom/dicom_prescan.h"
#include "io/dicom/dicom_writer.h"
#include "io/dicom/grouping.h"
#include "tests/support/dicom_series.h"

namespace marrow {

namespace {

using ::testing::HasSubstr;
using testing::largest_difference;
using testing::oblique_grid;
using testing::ramp_volume;
using ::testing::StartsWith;

class DicomStackFiles : public ::testing::Test {
 protected:
  std::vector<std::filesystem::path> write(const DicomSeriesAttributes& attributes) {
    return write_dicom_series(folder_.path() / "series", volume_, attributes);
  }

  // The sentence of the error that reading the files ends with; "" when it succeeds.
  static std::string refusal(const std::vector<std::filesystem::path>& files) {
    try {
      static_cast<void>(read_dicom_stack(files));
      return "";
    } catch (const Error& error) {
      return error.what();
    }
  }

  TemporaryFolder folder_;
  Volume volume_ = ramp_volume(oblique_grid());
};

TEST_F(DicomStackFiles, AWrittenSeriesReadsBackOnItsOwnGrid) {
  const Volume read = read_dicom_stack(write({}));

  EXPECT_EQ(geometry_difference(read.geometry, volume_.geometry), "");
  EXPECT_EQ(largest_difference(read, volume_), 0);
}

TEST_F(DicomStackFiles, OrderOfFilesAndInstanceNumbersDoNotMatter) {
  DicomSeriesAttributes attributes;
  attributes.reverse_instance_numbers = true;
  std::vector<std::filesystem::path> files = write(attributes);
  std::mt19937 shuffle(5);

  for (int n = 0; n < 3; ++n) {
    std::shuffle(files.begin(), files.end(), shuffle);
    const Volume read = read_dicom_stack(files);

    EXPECT_EQ(geometry_difference(read.geometry, volume_.geometry), "");
    EXPECT_EQ(largest_difference(read, volume_), 0);
  }
}

TEST_F(DicomStackFiles, BigEndianFilesReadTheSame) {
  DicomSeriesAttributes attributes;
  attributes.big_endian = true;

  EXPECT_EQ(largest_difference(read_dicom_stack(write(attributes)), volume_), 0);
}

TEST_F(DicomStackFiles, TwelveSignedBitsAreSignExtended) {
  DicomSeriesAttributes attributes;
  attributes.bits_stored = 12;  // -900 .. 1318 fits

  EXPECT_EQ(largest_difference(read_dicom_stack(write(attributes)), volume_), 0);
}

TEST_F(DicomStackFiles, UnsignedCtWithAnInterceptComesBackInHu) {
  DicomSeriesAttributes attributes;
  attributes.signed_values = false;
  attributes.bits_stored = 12;
  attributes.intercept = -1024;

  EXPECT_EQ(largest_difference(read_dicom_stack(write(attributes)), volume_), 0);
}

TEST_F(DicomStackFiles, EverySliceHasItsOwnSlope) {
  DicomSeriesAttributes attributes;
  attributes.modality = Modality::kPet;
  attributes.elements["Units"] = "GML";
  attributes.slope_of_slice = {
      0.5, 0.25, 1, 0.125, 2, 0.5};  // each a divisor of what it scales, or off by half of it

  const Volume read = read_dicom_stack(write(attributes));

  EXPECT_LE(largest_difference(read, volume_), 1.0);
  EXPECT_EQ(read.at(2, 3, 1), volume_.at(2, 3, 1));
  EXPECT_EQ(read.at(2, 3, 5), volume_.at(2, 3, 5));
}

TEST_F(DicomStackFiles, PaddingOfCtIsAirWhetherWrittenSignedOrAsTheWholeWord) {
  for (Volume* const padded : {&volume_}) {
    padded->at(0, 0, 0) = std::numeric_limits<float>::quiet_NaN();
  }
  DicomSeriesAttributes attributes;
  attributes.padding_value = -2000;
  DicomSeriesAttributes unsigned_word;
  unsigned_word.padding_value = 63536;
  unsigned_word.signed_values = false;
  unsigned_word.bits_stored = 12;
  unsigned_word.intercept = -1024;
  unsigned_word.series_number = 2;

  EXPECT_EQ(read_dicom_stack(write(attributes)).at(0, 0, 0), -1024);
  EXPECT_EQ(read_dicom_stack(write_dicom_series(folder_.path() / "word", volume_, unsigned_word))
                .at(0, 0, 0),
            -1024);
  EXPECT_EQ(read_dicom_stack(write(attributes)).at(1, 0, 0), -897);
}

TEST_F(DicomStackFiles, HeadersAloneGiveTheSameGrid) {
  std::vector<DicomHeader> headers;
  for (const std::filesystem::path& file : write({})) {
    headers.push_back(read_dicom_header(file));
  }

  EXPECT_EQ(geometry_difference(dicom_stack_geometry(headers), volume_.geometry), "");
  EXPECT_EQ(headers[0].facts.at("kvp"), "120");
  EXPECT_EQ(headers[0].pixel_bytes, 70);
}

TEST_F(DicomStackFiles, RefusesADroppedSlice) {
  DicomSeriesAttributes attributes;
  attributes.dropped_slices = {3};

  EXPECT_THAT(refusal(write(attributes)), StartsWith("missing-slices: "));
}

TEST_F(DicomStackFiles, RefusesADuplicateThatGroupingDidNotRemove) {
  DicomSeriesAttributes attributes;
  attributes.duplicated_slices = {2};

  EXPECT_THAT(refusal(write(attributes)), StartsWith("repeated-positions: "));
}

TEST_F(DicomStackFiles, GroupingComparesTheBytesOfCopies) {
  DicomSeriesAttributes attributes;
  attributes.duplicated_slices = {2};
  std::vector<DicomHeader> headers;
  for (const std::filesystem::path& file : write(attributes)) {
    headers.push_back(read_dicom_header(file));
  }

  const std::vector<DicomStack> stacks = group_dicom(headers);
  // One byte of the copy's pixels changes.
  const DicomHeader changed = read_dicom_header(stacks[0].duplicates.at(0));
  std::fstream copy(stacks[0].duplicates.at(0), std::ios::in | std::ios::out | std::ios::binary);
  copy.seekp(changed.pixel_offset + 5);
  copy.put('\x7E');
  copy.close();

  EXPECT_EQ(stacks[0].verdict, Verdict::kUse);
  EXPECT_EQ(group_dicom(headers)[0].reason_code, "conflicting-copies");
}

TEST_F(DicomStackFiles, RefusesFilesOfTwoSeries) {
  std::vector<std::filesystem::path> files = write({});
  DicomSeriesAttributes other;
  other.series_number = 2;
  files.push_back(write_dicom_series(folder_.path() / "other", volume_, other)[0]);

  EXPECT_THAT(refusal(files), StartsWith("mixed-series: "));
}

TEST_F(DicomStackFiles, RefusesHeadersThatDoNotDescribeOneGreyVolume) {
  const std::vector<std::pair<std::string, std::map<std::string, std::string>>> traps{
      {"gantry-tilt: ", {{"GantryDetectorTilt", "-12.5"}}},
      {"bad-rescale: ", {{"RescaleSlope", "0"}}},
      {"bad-rescale: ", {{"RescaleSlope", "1,5"}}},
      {"no-position: ", {{"ImagePositionPatient", ""}}},
      {"bad-attribute: ", {{"ImagePositionPatient", "1\\2"}}},
      {"bad-attribute: ", {{"PixelSpacing", "1\\x"}}},
      {"bad-orientation: ", {{"ImageOrientationPatient", "1\\0\\0\\0.5\\1\\0"}}},
      {"no-spacing: ", {{"PixelSpacing", ""}}},
      {"mosaic: ", {{"ImageType", "ORIGINAL\\PRIMARY\\M\\MOSAIC"}}},
      {"multi-frame: ", {{"SOPClassUID", "1.2.840.10008.5.1.4.1.1.2.1"}}},
      {"not-a-volume: ", {{"SOPClassUID", "1.2.840.10008.5.1.4.1.1.6.1"}}},
      {"not-an-image: ", {{"SOPClassUID", "1.2.840.10008.5.1.4.1.1.88.11"}}}};
  for (const auto& [expected, elements] : traps) {
    DicomSeriesAttributes attributes;
    attributes.elements = elements;
    attributes.image_type = {"ORIGINAL", "PRIMARY", "AXIAL"};

    EXPECT_THAT(refusal(write(attributes)), StartsWith(expected));
  }
}

TEST_F(DicomStackFiles, RefusesPixelsThatAreCutShort) {
  const std::vector<std::filesystem::path> files = write({});
  std::filesystem::resize_file(files[3], std::filesystem::file_size(files[3]) - 2);

  EXPECT_THAT(refusal(files), StartsWith("cut-short: "));
}

TEST_F(DicomStackFiles, RefusesAHeaderThatClaimsMoreRowsThanThereArePixels) {
  DicomSeriesAttributes attributes;
  const std::vector<std::filesystem::path> files = write(attributes);
  std::string bytes = read_text(files[0]);
  const std::size_t rows = bytes.find(std::string("\x28\x00\x10\x00US", 6));
  ASSERT_NE(rows, std::string::npos);
  bytes[rows + 9] = '\x70';  // 28,000 rows
  write_atomically(files[0], bytes);

  EXPECT_THAT(refusal(files), StartsWith("cut-short: "));
}

TEST_F(DicomStackFiles, NoSentenceHoldsAPatientAttribute) {
  DicomSeriesAttributes attributes;
  attributes.patient_id = "SECRETID";
  attributes.patient_name = "SECRET^NAME";
  attributes.elements = {{"RescaleSlope", "0"}};

  EXPECT_THAT(refusal(write(attributes)), Not(HasSubstr("SECRET")));
}

TEST_F(DicomStackFiles, RefusesALeftHandedGridWhenWriting) {
  Volume mirrored = volume_;
  mirrored.geometry.direction.col(2) *= -1;

  EXPECT_THROW(write_dicom_series(folder_.path() / "left", mirrored, {}), Error);
}

std::string nested_sequences(int depth) {
  std::string bytes(128, '\0');
  bytes += "DICM";
  bytes += std::string("\x02\x00\x10\x00UI\x14\x00", 8) + std::string("1.2.840.10008.1.2.1\0", 20);
  for (int n = 0; n < depth; ++n) {
    bytes += std::string("\x40\x00\x50\xA0SQ\x00\x00\xFF\xFF\xFF\xFF", 12);
    bytes += std::string("\xFE\xFF\x00\xE0\xFF\xFF\xFF\xFF", 8);
  }
  for (int n = 0; n < depth; ++n) {
    bytes += std::string("\xFE\xFF\x0D\xE0\x00\x00\x00\x00", 8);
    bytes += std::string("\xFE\xFF\xDD\xE0\x00\x00\x00\x00", 8);
  }
  return bytes;
}

TEST(DicomPrescan, StopsAtTheNestingLimit) {
  const std::string allowed = nested_sequences(64);
  const std::string deep = nested_sequences(65);

  EXPECT_NO_THROW(static_cast<void>(prescan_dicom(std::as_bytes(std::span(allowed)), "a")));
  try {
    static_cast<void>(prescan_dicom(std::as_bytes(std::span(deep)), "deep.dcm"));
    FAIL() << "65 levels were accepted";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), StartsWith("too-deep: deep.dcm"));
  }
}

// Every result is a volume of the right size or an Error; a crash or a hang fails the test.
TEST_F(DicomStackFiles, SurvivesDamagedFiles) {
  const std::vector<std::filesystem::path> files = write({});
  const std::string original = read_text(files[2]);
  std::mt19937 random(11);
  int refused = 0;
  for (int n = 0; n < 1000; ++n) {
    std::string bytes = original;
    if (n % 4 == 0) {
      bytes.resize(random() % bytes.size());
    } else {
      for (int change = 0; change <= n % 3; ++change) {
        bytes[132 + random() % (bytes.size() - 132 - 80)] = static_cast<char>(random());
      }
    }
    std::ofstream(files[2], std::ios::binary | std::ios::trunc) << bytes;
    try {
      const Volume read = read_dicom_stack(files);
      EXPECT_EQ(static_cast<std::int64_t>(read.voxels.size()), read.geometry.voxels());
      EXPECT_EQ(read.geometry.size[2], 6);
    } catch (const Error& error) {
      EXPECT_NE(error.code(), ErrorCode::kInternal) << error.what();
      ++refused;
    }
  }
  EXPECT_GT(refused, 300);
}

TEST(DicomStackMemory, NothingOfAnEarlierVolumeIsLeft) {
  const TemporaryFolder folder;
  const Geometry grid =
      make_geometry({512, 512, 9}, {0.7, 0.7, 2}, {0, 0, 0}, Eigen::Matrix3d::Identity());
  const Volume written = make_grid<float>(grid, 7.0F);
  const auto files = write_dicom_series(folder.path(), written, {});
  {
    const Volume earlier = make_grid<float>(grid, 1e9F);
    ASSERT_GE(earlier.voxels.size() * sizeof(float), kLargeBlock);
  }

  const Volume volume = read_dicom_stack(files);

  EXPECT_EQ(std::count(volume.voxels.begin(), volume.voxels.end(), 7.0F), grid.voxels());
}

}  // namespace

}  // namespace marrow
