#include "io/worker/file_facts.h"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>

#include "io/worker/requests.h"

namespace marrow {
namespace {

// What arrives on the other side.
FileFacts travelled(const FileFacts& facts) {
  std::string bytes;
  write_facts(facts, bytes);
  ByteReader reader(bytes);
  FileFacts back = read_facts(reader, facts.file);
  EXPECT_EQ(reader.rest(), "");
  return back;
}

TEST(FileFacts, DicomHeadersArriveWhole) {
  DicomHeader header;
  header.file = "a/b.dcm";
  header.patient_id = "\xff\x01 \xe9";
  header.image_type = {"ORIGINAL", "PRIMARY"};
  header.rows = 512;
  header.columns = 400;
  header.bits_stored = 12;
  header.position = {1.0 / 3, -0.0, std::numeric_limits<double>::quiet_NaN()};
  header.orientation = {1, 0, 0, 0, 1, 0};
  header.slope = std::numeric_limits<double>::infinity();
  header.pixel_bytes = 409600;
  header.pixel_offset = 1234;
  header.has_pixel_data = true;
  header.b_value = "50";
  header.facts = {{"kvp", "120"}, {"kernel", "B30f"}};
  header.traits = {{"mosaic_tiles", "36"}};

  const FileFacts facts = travelled({header.file, header});

  const DicomHeader* back = facts.dicom();
  ASSERT_NE(back, nullptr);
  EXPECT_EQ(back->file, header.file);
  EXPECT_EQ(back->patient_id, header.patient_id);
  EXPECT_EQ(back->image_type, header.image_type);
  EXPECT_EQ(back->rows, 512);
  EXPECT_EQ(back->columns, 400);
  EXPECT_EQ(back->bits_stored, 12);
  ASSERT_TRUE(back->position.has_value());
  EXPECT_EQ((*back->position)[0], 1.0 / 3);
  EXPECT_TRUE(std::isnan((*back->position)[2]));
  EXPECT_EQ(back->orientation, header.orientation);
  EXPECT_FALSE(back->pixel_spacing.has_value());
  EXPECT_TRUE(std::isinf(back->slope));
  EXPECT_EQ(back->pixel_bytes, 409600);
  EXPECT_EQ(back->pixel_offset, 1234);
  EXPECT_TRUE(back->has_pixel_data);
  EXPECT_EQ(back->b_value, "50");
  EXPECT_EQ(back->facts, header.facts);
  EXPECT_EQ(back->traits, header.traits);
}

TEST(FileFacts, NiftiHeadersArriveWhole) {
  NiftiHeader header;
  Eigen::Matrix3d turned;
  turned << 0, -1, 0, 1, 0, 0, 0, 0, 1;
  header.geometry = make_geometry({4, 5, 6}, {0.1, 2, 3}, {-1, 2, 1.0 / 3}, turned);
  header.volumes = 7;
  header.version = 2;
  header.big_endian = true;
  header.transform = "qform";
  header.warnings = {"one", "two"};

  const FileFacts facts = travelled({"x.nii", header});

  const NiftiHeader* back = facts.nifti();
  ASSERT_NE(back, nullptr);
  EXPECT_EQ(back->geometry.size, (Size3{4, 5, 6}));
  EXPECT_EQ(back->geometry.spacing, header.geometry.spacing);
  EXPECT_EQ(back->geometry.origin, header.geometry.origin);
  EXPECT_EQ(back->geometry.direction, turned);
  EXPECT_EQ(back->volumes, 7);
  EXPECT_EQ(back->version, 2);
  EXPECT_TRUE(back->big_endian);
  EXPECT_EQ(back->transform, "qform");
  EXPECT_EQ(back->warnings, header.warnings);
}

TEST(FileFacts, VolumeFileHeadersArriveWhole) {
  VolumeFileHeader header;
  header.format = "metaimage";
  header.geometry =
      make_geometry({4, 5, 6}, {0.1, 2, 3}, {-1, 2, 1.0 / 3}, Eigen::Matrix3d::Identity());
  header.datatype = 512;
  header.big_endian = true;
  header.encoding = "zlib";
  header.data_file = "v.zraw";
  header.data_offset = -1;
  header.packed_bytes = 77;
  header.segmentation = true;
  header.warnings = {"one", "two"};

  const FileFacts facts = travelled({"x.mhd", header});

  const VolumeFileHeader* back = facts.volume_file();
  ASSERT_NE(back, nullptr);
  EXPECT_EQ(back->format, "metaimage");
  EXPECT_EQ(geometry_difference(back->geometry, header.geometry), "");
  EXPECT_EQ(back->datatype, 512);
  EXPECT_TRUE(back->big_endian);
  EXPECT_EQ(back->encoding, "zlib");
  EXPECT_EQ(back->data_file, "v.zraw");
  EXPECT_EQ(back->data_offset, -1);
  EXPECT_EQ(back->packed_bytes, 77);
  EXPECT_TRUE(back->segmentation);
  EXPECT_EQ(back->warnings, header.warnings);
}

TEST(FileFacts, RefusalsArriveWhole) {
  const FileRefusal refusal{ErrorCode::kUnsupported, "colour", "it is in colour", "convert it"};

  const FileFacts facts = travelled({"x.dcm", refusal});

  const FileRefusal* back = facts.refusal();
  ASSERT_NE(back, nullptr);
  EXPECT_EQ(back->code, ErrorCode::kUnsupported);
  EXPECT_EQ(back->reason_code, "colour");
  EXPECT_EQ(back->sentence, "it is in colour");
  EXPECT_EQ(back->advice, "convert it");
}

TEST(FileFacts, BytesThatMakeNoSenseAreRefused) {
  std::string bytes;
  write_facts({"x", FileRefusal{ErrorCode::kUnreadable, "cut-short", "sentence", ""}}, bytes);
  const auto read = [](const std::string& from) {
    ByteReader reader(from);
    return read_facts(reader, "x");
  };
  std::string wrong_kind = bytes;
  wrong_kind[0] = 9;
  std::string wrong_code = bytes;
  wrong_code[1] = 120;

  EXPECT_THROW((void)read(wrong_kind), Error);
  EXPECT_THROW((void)read(wrong_code), Error);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THROW((void)read(bytes.substr(0, size)), Error) << size;
  }
}

TEST(FileFacts, ReasonCodesAreSplitOffDicomSentences) {
  const FileRefusal refusal = refusal_of(
      Error(ErrorCode::kUnsupported, "missing-slices: a/b.dcm: slice 4 is missing"), "a/b.dcm");

  EXPECT_EQ(refusal.reason_code, "missing-slices");
  EXPECT_EQ(refusal.sentence, "a/b.dcm: slice 4 is missing");
}

}  // namespace
}  // namespace marrow
