#include "io/byte_fields.h"

#include <limits>
#include <string>

#include <gmock/gmock.h>

#include "core/error.h"
#include "io/header_fields.h"
#include "io/nifti/nifti.h"
#include "tests/support/dicom_series.h"

namespace marrow {

namespace {

std::string bytes_of(const DicomHeader& header) {
  std::string bytes;
  visit_dicom_fields(header, ByteWriter(bytes));
  return bytes;
}

DicomHeader odd_header() {
  DicomHeader header = testing::made_header(3);
  header.slope = std::numeric_limits<double>::infinity();
  header.pixel_offset = std::numeric_limits<std::int64_t>::min();
  header.orientation.reset();
  header.traits["mosaic_tiles"] = std::string("3\0x", 3);
  header.frame_table.resize(2);
  header.frame_table[1].position = {{1.5, -2, 1e-300}};
  header.frame_table[1].labels = {{"b-value", "1000"}};
  return header;
}

TEST(ByteFields, BringBackWhatWasWritten) {
  const DicomHeader header = odd_header();
  const std::string bytes = bytes_of(header);

  ByteReader reader(bytes);
  DicomHeader back;
  visit_dicom_fields(back, reader);

  EXPECT_TRUE(reader.rest().empty());
  EXPECT_EQ(bytes_of(back), bytes);
  EXPECT_EQ(back.frame_table, header.frame_table);
  EXPECT_EQ(back.pixel_offset, header.pixel_offset);
  EXPECT_EQ(back.traits, header.traits);
  EXPECT_FALSE(back.orientation);
}

TEST(ByteFields, RefuseBytesCutAnywhere) {
  const std::string bytes = bytes_of(odd_header());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const std::string cut = bytes.substr(0, size);
    ByteReader reader(cut);
    DicomHeader header;
    EXPECT_THROW(visit_dicom_fields(header, reader), Error) << size;
  }
}

TEST(ByteFields, AllocateNoMoreThanTheBytesThatThereAre) {
  std::string bytes;
  ByteWriter(bytes).unsigned_integer(std::uint64_t{1} << 60);

  std::vector<std::string> texts;
  ByteReader reader(bytes);
  EXPECT_THROW(reader("texts", texts), Error);
}

}  // namespace

}  // namespace marrow
