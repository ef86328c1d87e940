#include "io/dicom/pixel_file.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>

#include <dcmtk/dcmdata/dcpixel.h>
#include <dcmtk/dcmdata/dcpixseq.h>
#include <dcmtk/dcmdata/dcpxitem.h>
#include <dcmtk/dcmdata/dcrleerg.h>
#include <dcmtk/dcmjpeg/djencode.h>
#include <dcmtk/dcmjpeg/djrplol.h>
#include <dcmtk/dcmjpls/djencode.h>
#include <gmock/gmock.h>

#include "core/error.h"
#include "core/files.h"
#include "io/dicom/dcmtk_session.h"
#include "io/dicom/dicom_pixels.h"
#include "tests/support/dicom_made.h"
#include "tests/support/jpeg2000_stream.h"

namespace marrow {

namespace {

using ::testing::ElementsAre;
using testing::encode_jpeg2000;
using testing::put_text;
using ::testing::StartsWith;

class PixelFiles : public ::testing::Test {
 protected:
  void SetUp() override { prepare_dcmtk(); }

  std::filesystem::path next_file() { return folder_.path() / (std::to_string(++count_) + ".dcm"); }

  // The real values of the only slice of a file; NaN outside the picture.
  static std::vector<float> values_of(const std::filesystem::path& file) {
    const DicomHeader header = read_dicom_header(file);
    PixelFile pixels(header);
    std::vector<float> values(static_cast<std::size_t>(header.rows * header.columns));
    const bool outside =
        read_slice_values(pixels,
                          {0, 0, 0, header.rows, header.columns},
                          header.columns,
                          {header.slope, header.intercept, header.photometric == "MONOCHROME1"},
                          std::numeric_limits<float>::quiet_NaN(),
                          values);
    EXPECT_EQ(outside, std::any_of(values.begin(), values.end(), [](float value) {
                return std::isnan(value);
              }));
    return values;
  }

  TemporaryFolder folder_;
  int count_ = 0;
};

void put_bits(DcmDataset& data, int allocated, int stored, bool is_signed) {
  for (const auto& [tag, value] : {std::pair(DCM_BitsAllocated, allocated),
                                   std::pair(DCM_BitsStored, stored),
                                   std::pair(DCM_HighBit, stored - 1),
                                   std::pair(DCM_PixelRepresentation, is_signed ? 1 : 0)}) {
    ASSERT_TRUE(data.putAndInsertUint16(tag, static_cast<Uint16>(value)).good());
  }
}

TEST_F(PixelFiles, MaskAndExtendWhatIsStoredInFewerBits) {
  struct Fixture {
    int stored;
    bool is_signed;
    std::vector<Uint16> words;
    std::vector<float> values;
  };

  for (const Fixture& fixture :
       {Fixture{12, false, {0x0FFF, 0xF123, 0x0000}, {4095, 0x123, 0}},
        Fixture{12, true, {0x0FFF, 0xF7FF, 0x0800}, {-1, 2047, -2048}},
        Fixture{16, true, {0xF830, 0x7FFF, 0x8000}, {-2000, 32767, -32768}},
        Fixture{16, false, {0xF830, 0xFFFF, 0x0001}, {63536, 65535, 1}}}) {
    for (const E_TransferSyntax syntax : {EXS_LittleEndianExplicit, EXS_BigEndianExplicit}) {
      DcmFileFormat format;
      testing::start_image(*format.getDataset(), 1, 3);
      put_bits(*format.getDataset(), 16, fixture.stored, fixture.is_signed);
      testing::put_pixels(*format.getDataset(), fixture.words);

      EXPECT_EQ(values_of(testing::save_image(format, next_file(), syntax)), fixture.values)
          << fixture.stored << fixture.is_signed << syntax;
    }
  }
}

TEST_F(PixelFiles, ReadEightAndThirtyTwoBits) {
  for (const E_TransferSyntax syntax : {EXS_LittleEndianExplicit, EXS_BigEndianExplicit}) {
    DcmFileFormat bytes;
    testing::start_image(*bytes.getDataset(), 3, 3);
    put_bits(*bytes.getDataset(), 8, 8, false);
    // Two to a word, the first in its low byte.
    testing::put_pixels(*bytes.getDataset(), {0x0201, 0x0403, 0x0605, 0x0807, 0x00FA});
    EXPECT_THAT(values_of(testing::save_image(bytes, next_file(), syntax)),
                ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 250))
        << syntax;
  }
  DcmFileFormat words;
  testing::start_image(*words.getDataset(), 1, 2);
  put_bits(*words.getDataset(), 32, 32, true);
  testing::put_pixels(*words.getDataset(), {0xFFFF, 0xFFFF, 0x0000, 0x0001});
  EXPECT_THAT(values_of(testing::save_image(words, next_file())), ElementsAre(-1, 65536));
}

TEST_F(PixelFiles, ReadFloatingPointAndCallWhatIsNoNumberOutside) {
  DcmFileFormat format;
  DcmDataset& data = *format.getDataset();
  testing::start_image(data, 1, 4);
  put_bits(data, 32, 32, false);
  put_text(data, DCM_RescaleSlope, "2");
  put_text(data, DCM_RescaleIntercept, "1");
  const std::vector<Float32> values{0.5F, -3, std::numeric_limits<float>::quiet_NaN(), 1e10F};
  ASSERT_TRUE(data.putAndInsertFloat32Array(DCM_FloatPixelData, values.data(), 4).good());

  const std::vector<float> read = values_of(testing::save_image(format, next_file()));

  EXPECT_EQ(read[0], 2);
  EXPECT_EQ(read[1], -5);
  EXPECT_EQ(read[3], 2e10F + 1);
  EXPECT_TRUE(std::isnan(read[2]));
}

TEST_F(PixelFiles, ApplyAModalityLookUpTableInsteadOfARescale) {
  DcmFileFormat format;
  DcmDataset& data = *format.getDataset();
  testing::start_image(data, 1, 5);
  testing::put_pixels(data, {9, 10, 11, 12, 99});
  DcmItem& lut = testing::add_item(data, DCM_ModalityLUTSequence);
  const std::vector<Uint16> descriptor{3, 10, 16};
  DcmElement* element = new DcmUnsignedShort(DcmTag(DCM_LUTDescriptor, EVR_US));
  ASSERT_TRUE(element->putUint16Array(descriptor.data(), 3).good());
  ASSERT_TRUE(lut.insert(element, OFTrue).good());
  const std::vector<Uint16> entries{500, 700, 1000};
  ASSERT_TRUE(lut.putAndInsertUint16Array(DcmTag(DCM_LUTData, EVR_US), entries.data(), 3).good());

  EXPECT_THAT(values_of(testing::save_image(format, next_file())),
              ElementsAre(500, 500, 700, 1000, 1000));
}

TEST_F(PixelFiles, TurnMonochrome1UprightOnce) {
  DcmFileFormat format;
  testing::start_image(*format.getDataset(), 1, 3);
  put_bits(*format.getDataset(), 16, 12, false);
  put_text(*format.getDataset(), DCM_PhotometricInterpretation, "MONOCHROME1");
  testing::put_pixels(*format.getDataset(), {0, 100, 4095});

  EXPECT_THAT(values_of(testing::save_image(format, next_file())), ElementsAre(4095, 3995, 0));
}

// A smooth picture with some noise, 12 bits.
std::vector<Uint16> made_picture(int rows, int columns, int seed) {
  std::vector<Uint16> words;
  for (int n = 0; n < rows * columns; ++n) {
    words.push_back(static_cast<Uint16>(2000 + 1500 * std::sin(0.07 * (n % columns) + seed) +
                                        (n * 7919 + seed) % 37));
  }
  return words;
}

std::vector<std::int64_t> stored(const std::filesystem::path& file) {
  return read_stored_values(read_dicom_header(file));
}

TEST_F(PixelFiles, GiveTheSameValuesInEveryLosslessSyntaxOfDcmtk) {
  DcmRLEEncoderRegistration::registerCodecs();
  DJEncoderRegistration::registerCodecs();
  DJLSEncoderRegistration::registerCodecs();
  const std::vector<Uint16> words = made_picture(40, 30, 1);
  const std::vector<std::int64_t> expected(words.begin(), words.end());
  const DJ_RPLossless lossless;
  for (const auto& [syntax, parameters] :
       {std::pair<E_TransferSyntax, const DcmRepresentationParameter*>(EXS_RLELossless, nullptr),
        {EXS_JPEGProcess14SV1, &lossless},
        {EXS_JPEGLSLossless, nullptr},
        {EXS_DeflatedLittleEndianExplicit, nullptr},
        {EXS_LittleEndianImplicit, nullptr}}) {
    DcmFileFormat format;
    testing::start_image(*format.getDataset(), 40, 30);
    put_bits(*format.getDataset(), 16, 12, false);
    testing::put_pixels(*format.getDataset(), words);
    ASSERT_TRUE(format.getDataset()->chooseRepresentation(syntax, parameters).good()) << syntax;

    EXPECT_EQ(stored(testing::save_image(format, next_file(), syntax)), expected) << syntax;
  }
  DJEncoderRegistration::cleanup();
  DJLSEncoderRegistration::cleanup();
  DcmRLEEncoderRegistration::cleanup();
}

class Jpeg2000Files : public PixelFiles {
 protected:
  // One fragment for every stream.
  std::filesystem::path write(const std::vector<std::string>& streams,
                              int rows,
                              int columns,
                              int frames = 1) {
    DcmFileFormat format;
    DcmDataset& data = *format.getDataset();
    testing::start_image(data, rows, columns);
    put_bits(data, 16, 12, false);
    put_text(data, DCM_NumberOfFrames, std::to_string(frames));
    auto* const sequence = new DcmPixelSequence(DcmTag(DCM_PixelData, EVR_OB));
    sequence->insert(new DcmPixelItem(DcmTag(DCM_Item, EVR_OB)));
    for (std::string stream : streams) {
      stream.resize(stream.size() + stream.size() % 2, '\0');
      auto* const item = new DcmPixelItem(DcmTag(DCM_Item, EVR_OB));
      EXPECT_TRUE(
          item->putUint8Array(reinterpret_cast<const Uint8*>(stream.data()), stream.size()).good());
      sequence->insert(item);
    }
    auto* const pixels = new DcmPixelData(DCM_PixelData);
    pixels->putOriginalRepresentation(EXS_JPEG2000LosslessOnly, nullptr, sequence);
    EXPECT_TRUE(data.insert(pixels, OFTrue).good());
    return testing::save_image(format, next_file(), EXS_JPEG2000LosslessOnly);
  }
};

TEST_F(Jpeg2000Files, GiveBackWhatWasEncoded) {
  const std::vector<Uint16> first = made_picture(40, 30, 2);
  const std::vector<Uint16> second = made_picture(40, 30, 3);
  const std::string stream = encode_jpeg2000(first, 40, 30);
  const std::vector<std::int64_t> expected(first.begin(), first.end());

  EXPECT_EQ(stored(write({stream}, 40, 30)), expected);
  // One picture in two fragments.
  EXPECT_EQ(stored(write({stream.substr(0, 200), stream.substr(200)}, 40, 30)), expected);
  // Two frames.
  std::vector<std::int64_t> both = expected;
  both.insert(both.end(), second.begin(), second.end());
  EXPECT_EQ(stored(write({stream, encode_jpeg2000(second, 40, 30)}, 40, 30, 2)), both);
}

TEST_F(Jpeg2000Files, OfAnotherSizeThanTheHeaderSaysAreRefused) {
  const std::string stream = encode_jpeg2000(made_picture(40, 30, 2), 40, 30);
  for (const auto& [rows, columns] : {std::pair(30, 40), std::pair(41, 30), std::pair(40, 3000)}) {
    try {
      static_cast<void>(stored(write({stream}, rows, columns)));
      ADD_FAILURE() << rows << " " << columns;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), StartsWith("bad-pixels: "));
    }
  }
}

TEST_F(Jpeg2000Files, CutAnywhereAreRefused) {
  const std::string stream = encode_jpeg2000(made_picture(40, 30, 2), 40, 30);
  for (std::size_t size = 2; size + 4 < stream.size(); size += 37) {
    EXPECT_THROW(static_cast<void>(stored(write({stream.substr(0, size)}, 40, 30))), Error) << size;
  }
}

TEST_F(PixelFiles, DeflatedAndDamagedAreRefused) {
  DcmFileFormat format;
  testing::start_image(*format.getDataset(), 40, 30);
  testing::put_pixels(*format.getDataset(), made_picture(40, 30, 1));
  const auto file = testing::save_image(format, next_file(), EXS_DeflatedLittleEndianExplicit);
  const std::string bytes = read_text(file);
  for (std::size_t size = 400; size + 2 < bytes.size(); size += 101) {
    write_atomically(file, bytes.substr(0, size));
    EXPECT_THROW(static_cast<void>(read_dicom_header(file)), Error) << size;
  }
}

}  // namespace

}  // namespace marrow
