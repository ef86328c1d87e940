#include "io/dicom/fast_header.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <random>
#include <string>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>
#include <gmock/gmock.h>

#include "core/error.h"
#include "core/files.h"
#include "io/byte_fields.h"
#include "io/header_fields.h"
#include "tests/support/dicom_series.h"

namespace marrow {

namespace {

namespace fs = std::filesystem;

// What a way of reading makes of a file: all fields as bytes, or the sentence of its refusal.
std::string outcome(const std::function<DicomHeader()>& read) {
  std::string bytes;
  try {
    const DicomHeader header = read();
    ByteWriter writer(bytes);
    visit_dicom_fields(header, writer);
  } catch (const Error& error) {
    bytes = std::string("refused ") + error.what();
  }
  return bytes;
}

struct Comparison {
  bool fast = false;  // the fast path answered
  bool equal = false;
};

Comparison compare(const fs::path& file) {
  Comparison result;
  result.fast = read_ordinary_header(file).has_value();
  result.equal = outcome([&] { return read_dicom_header(file); }) ==
                 outcome([&] { return read_dicom_header_with_dcmtk(file); });
  return result;
}

class FastHeaderTest : public ::testing::Test {
 protected:
  fs::path path(const std::string& name) const { return folder_.path() / name; }

  fs::path slice(const std::string& name, const DicomSeriesAttributes& attributes) const {
    return write_dicom_series(path(name), testing::ramp_volume(testing::oblique_grid()), attributes)
        .front();
  }

  // The slice of a CT with some elements put in by DCMTK, stored in `syntax`.
  fs::path changed(const std::string& name,
                   E_TransferSyntax syntax,
                   const std::function<void(DcmDataset&)>& change) const {
    const fs::path file = slice(name, {});
    DcmFileFormat format;
    EXPECT_TRUE(format.loadFile(file.c_str()).good());
    format.loadAllDataIntoMemory();
    change(*format.getDataset());
    EXPECT_TRUE(format.saveFile(file.c_str(), syntax).good());
    return file;
  }

 private:
  TemporaryFolder folder_;
};

void put_sequences(DcmDataset& data) {
  for (const DcmTagKey& tag : {DCM_ReferencedImageSequence, DCM_SourceImageSequence}) {
    DcmItem* item = nullptr;
    ASSERT_TRUE(data.findOrCreateSequenceItem(tag, item, -2).good());
    item->putAndInsertString(DCM_ReferencedSOPInstanceUID, "1.2.3");
    DcmItem* inner = nullptr;
    ASSERT_TRUE(
        item->findOrCreateSequenceItem(DCM_PurposeOfReferenceCodeSequence, inner, -2).good());
    inner->putAndInsertString(DCM_CodeValue, "1");
  }
}

void append_word(std::string& bytes, std::uint32_t word) {
  for (int shift = 0; shift < 32; shift += 8) {
    bytes += static_cast<char>(word >> shift & 0xFF);
  }
}

// A CSA header of one entry, NumberOfImagesInMosaic, with one value.
std::string csa_with_tiles(const std::string& value) {
  std::string csa("SV10\4\3\2\1", 8);
  append_word(csa, 1);
  append_word(csa, 77);
  std::string name = "NumberOfImagesInMosaic";
  name.resize(64);
  csa += name;
  append_word(csa, 1);
  csa += std::string("IS\0\0", 4);
  for (const std::uint32_t word : {6U, 1U, 77U}) {
    append_word(csa, word);
  }
  const auto size = static_cast<std::uint32_t>(value.size());
  for (const std::uint32_t word : {size, size, 77U, size}) {
    append_word(csa, word);
  }
  csa += value;
  csa.resize((csa.size() + 3) / 4 * 4);
  return csa;
}

TEST_F(FastHeaderTest, ReadsWrittenSlicesAsDcmtkDoes) {
  for (const Modality modality : {Modality::kCt, Modality::kMr}) {
    DicomSeriesAttributes attributes;
    attributes.modality = modality;
    attributes.intercept = -1024;
    attributes.elements = {{"ConvolutionKernel", "B30f\\1"},
                           {"KVP", "120 "},
                           {"GantryDetectorTilt", "-12.5"},
                           {"ImageComments", "one \\ two"},
                           {"TriggerTime", "12.5"},
                           {"RescaleType", "HU"}};
    const Comparison result = compare(slice(modality == Modality::kCt ? "ct" : "mr", attributes));

    EXPECT_TRUE(result.fast);
    EXPECT_TRUE(result.equal);
  }
}

TEST_F(FastHeaderTest, WalksSequencesInEverySyntaxAndEncoding) {
  for (const E_TransferSyntax syntax : {EXS_LittleEndianExplicit, EXS_LittleEndianImplicit}) {
    for (const E_EncodingType lengths : {EET_ExplicitLength, EET_UndefinedLength}) {
      const fs::path file = slice("sequences", {});
      DcmFileFormat format;
      ASSERT_TRUE(format.loadFile(file.c_str()).good());
      format.loadAllDataIntoMemory();
      put_sequences(*format.getDataset());
      ASSERT_TRUE(format.saveFile(file.c_str(), syntax, lengths).good());

      const Comparison result = compare(file);

      EXPECT_TRUE(result.fast) << syntax;
      EXPECT_TRUE(result.equal) << syntax;
    }
  }
}

TEST_F(FastHeaderTest, ReadsOddValuesAsDcmtkDoes) {
  const std::vector<std::pair<const char*, DcmTagKey>> values{
      {"A\\\\B", DCM_ImageType},
      {" ORIGINAL \\ PRIMARY \\", DCM_ImageType},
      {"\\", DCM_ImageType},
      {"   ", DCM_SeriesInstanceUID},
      {" 1.2.3", DCM_SeriesInstanceUID},
      {"1.2. 3", DCM_SeriesInstanceUID},
      {"M\xfcller^A", DCM_PatientName},
      {"A^B=C", DCM_PatientName},
      {"1\\2", DCM_EchoNumbers},
      {"1\\2\\x", DCM_ImagePositionPatient},
      {" 1 \\ 2 \\+3e0", DCM_ImagePositionPatient},
      {"1\\2", DCM_ImagePositionPatient},
      {"1,5", DCM_RescaleSlope},
      {"", DCM_RescaleSlope},
      {"2\\3", DCM_RescaleSlope},
      {"two\nlines", DCM_ImageComments},
      {" \\ kept \\ ", DCM_ImageComments},
      {"a\\b\\c", DCM_ConvolutionKernel},
      {"0.5\\0.5\\0.5", DCM_PixelSpacing},
      {"3", DCM_NumberOfFrames},
      {"1.2.840.10008.5.1.4.1.1.88.11", DCM_SOPClassUID},
      {"1.2.840.10008.5.1.4.1.1.4.1", DCM_SOPClassUID},
      {"PT", DCM_Modality},
      {"999999999999", DCM_InstanceNumber},
      {"nan", DCM_SliceThickness},
      {"ISO_IR 100", DCM_SpecificCharacterSet},
      {"\\ISO 2022 IR 87", DCM_SpecificCharacterSet}};
  for (const E_TransferSyntax syntax : {EXS_LittleEndianExplicit, EXS_LittleEndianImplicit}) {
    for (const auto& [value, tag] : values) {
      const fs::path file = changed("odd", syntax, [&, text = value, key = tag](DcmDataset& data) {
        ASSERT_TRUE(data.putAndInsertString(key, text).good());
      });

      EXPECT_TRUE(compare(file).equal) << value << " in " << tag;
    }
  }
}

TEST_F(FastHeaderTest, NamesInLatinLettersAreOrdinary) {
  const fs::path file = changed("latin", EXS_LittleEndianExplicit, [](DcmDataset& data) {
    data.putAndInsertString(DCM_SpecificCharacterSet, "ISO_IR 100");
    data.putAndInsertString(DCM_PatientName, "M\xfcller^Zo\xeb");
  });

  const Comparison result = compare(file);

  EXPECT_TRUE(result.fast);
  EXPECT_TRUE(result.equal);
}

TEST_F(FastHeaderTest, NamesInUtf8AreOrdinary) {
  const fs::path file = changed("utf8", EXS_LittleEndianExplicit, [](DcmDataset& data) {
    data.putAndInsertString(DCM_SpecificCharacterSet, "ISO_IR 192");
    data.putAndInsertString(DCM_PatientName, "Müller^Zoë=王");
  });

  const Comparison result = compare(file);

  EXPECT_TRUE(result.fast);
  EXPECT_TRUE(result.equal);
}

TEST_F(FastHeaderTest, FindsTheBValueWhereVendorsKeepIt) {
  const auto mr = [&](const std::function<void(DcmDataset&)>& more) {
    return changed("b", EXS_LittleEndianExplicit, [&](DcmDataset& data) {
      data.putAndInsertString(DCM_SOPClassUID, UID_MRImageStorage);
      data.putAndInsertString(DCM_Modality, "MR");
      more(data);
    });
  };
  const auto put = [](DcmDataset& data, const DcmTag& tag, const char* value) {
    ASSERT_TRUE(data.putAndInsertString(tag, value).good());
  };
  const auto put_bytes = [](DcmDataset& data, const DcmTag& tag, const std::string& value) {
    ASSERT_TRUE(
        data.putAndInsertUint8Array(tag, reinterpret_cast<const Uint8*>(value.data()), value.size())
            .good());
  };
  const std::vector<std::function<void(DcmDataset&)>> places{
      [](DcmDataset& data) { data.putAndInsertFloat64(DCM_DiffusionBValue, 1000); },
      [&](DcmDataset& data) {
        put(data, DcmTag(0x0019, 0x0010, EVR_LO), "SIEMENS MR HEADER");
        put(data, DcmTag(0x0019, 0x100C, EVR_IS), "800");
      },
      [&](DcmDataset& data) {
        put(data, DcmTag(0x0043, 0x0010, EVR_LO), "GEMS_PARM_01");
        put(data, DcmTag(0x0043, 0x1039, EVR_IS), "1000000050\\8\\0\\0");
      },
      [&](DcmDataset& data) {
        put(data, DcmTag(0x2001, 0x0010, EVR_LO), "Philips Imaging DD 001");
        data.putAndInsertFloat32(DcmTag(0x2001, 0x1003, EVR_FL), 700);
      },
      [&](DcmDataset& data) {
        put_bytes(data, DcmTag(0x0019, 0x0010, EVR_OB), "SIEMENS MR HEADER ");
        put_bytes(data, DcmTag(0x0019, 0x100C, EVR_OB), "1000");
      }};
  for (const auto& place : places) {
    const fs::path file = mr(place);

    const Comparison result = compare(file);

    EXPECT_TRUE(result.fast);
    EXPECT_TRUE(result.equal);
    EXPECT_NE(read_dicom_header(file).b_value, "");
  }
}

TEST_F(FastHeaderTest, MosaicsAreLeftToDcmtk) {
  const std::vector<std::function<void(DcmDataset&)>> mosaics{
      [](DcmDataset& data) { data.putAndInsertString(DCM_ImageType, "ORIGINAL\\PRIMARY\\MOSAIC"); },
      [](DcmDataset& data) {
        data.putAndInsertString(DcmTag(0x0019, 0x0011, EVR_LO), "SIEMENS MR HEADER");
        data.putAndInsertUint16(DcmTag(0x0019, 0x110A, EVR_US), 4);
      },
      [](DcmDataset& data) {
        data.putAndInsertString(DcmTag(0x0065, 0x0012, EVR_LO), "Image Private Header");
        data.putAndInsertString(DcmTag(0x0065, 0x1250, EVR_DS), "4");
      },
      [](DcmDataset& data) {
        data.putAndInsertString(DcmTag(0x0029, 0x0010, EVR_LO), "SIEMENS CSA HEADER");
        const std::string csa = csa_with_tiles("4");
        data.putAndInsertUint8Array(
            DcmTag(0x0029, 0x1010, EVR_OB), reinterpret_cast<const Uint8*>(csa.data()), csa.size());
      }};
  for (const auto& mosaic : mosaics) {
    const fs::path file = changed("mosaic", EXS_LittleEndianExplicit, [&](DcmDataset& data) {
      data.putAndInsertString(DCM_Modality, "MR");
      mosaic(data);
    });

    const Comparison result = compare(file);

    EXPECT_FALSE(result.fast);
    EXPECT_TRUE(result.equal);
  }
}

TEST_F(FastHeaderTest, ASiemensHeaderWithoutTilesIsOrdinary) {
  const fs::path file = changed("siemens", EXS_LittleEndianExplicit, [](DcmDataset& data) {
    data.putAndInsertString(DCM_SOPClassUID, UID_MRImageStorage);
    data.putAndInsertString(DCM_Modality, "MR");
    data.putAndInsertString(DcmTag(0x0029, 0x0010, EVR_LO), "SIEMENS CSA HEADER");
    const std::string csa = csa_with_tiles("");
    data.putAndInsertUint8Array(
        DcmTag(0x0029, 0x1010, EVR_OB), reinterpret_cast<const Uint8*>(csa.data()), csa.size());
  });

  const Comparison result = compare(file);

  EXPECT_TRUE(result.fast);
  EXPECT_TRUE(result.equal);
}

TEST_F(FastHeaderTest, HeadersLongerThanOneReadAreReadToTheirEnd) {
  const fs::path file = changed("long", EXS_LittleEndianExplicit, [](DcmDataset& data) {
    const std::string text(40'000, 'x');
    data.putAndInsertString(DcmTag(0x0009, 0x0010, EVR_LO), "SOMEBODY");
    data.putAndInsertString(DcmTag(0x0009, 0x1001, EVR_UT), text.c_str());
    for (Uint16 n = 0; n < 1000; ++n) {
      data.putAndInsertString(DcmTag(0x0019, static_cast<Uint16>(0x1000 + n), EVR_LO), "value");
    }
    data.putAndInsertString(DcmTag(0x0019, 0x0010, EVR_LO), "SOMEBODY");
  });

  const Comparison result = compare(file);

  EXPECT_TRUE(result.fast);
  EXPECT_TRUE(result.equal);
}

TEST_F(FastHeaderTest, ObjectsWithoutPixelsAreRefusedAlike) {
  const fs::path report = changed("report", EXS_LittleEndianExplicit, [](DcmDataset& data) {
    data.putAndInsertString(DCM_SOPClassUID, UID_BasicTextSRStorage);
    delete data.remove(DCM_PixelData);
  });
  const fs::path empty = changed("empty", EXS_LittleEndianImplicit, [](DcmDataset& data) {
    delete data.remove(DCM_PixelData);
  });

  for (const fs::path& file : {report, empty}) {
    const Comparison result = compare(file);
    EXPECT_FALSE(result.fast);
    EXPECT_TRUE(result.equal);
    EXPECT_THAT(outcome([&] { return read_dicom_header(file); }),
                ::testing::StartsWith("refused not-an-image"));
  }
}

// A file in memory that is written again and again.
class MemoryCopy {
 public:
  MemoryCopy() : descriptor_(::memfd_create("copy", MFD_CLOEXEC)) {}

  ~MemoryCopy() { ::close(descriptor_); }

  MemoryCopy(const MemoryCopy&) = delete;
  MemoryCopy& operator=(const MemoryCopy&) = delete;

  [[nodiscard]] fs::path hold(const std::vector<std::byte>& bytes) const {
    EXPECT_EQ(::ftruncate(descriptor_, static_cast<off_t>(bytes.size())), 0);
    EXPECT_EQ(::pwrite(descriptor_, bytes.data(), bytes.size(), 0),
              static_cast<ssize_t>(bytes.size()));
    return "/proc/self/fd/" + std::to_string(descriptor_);
  }

 private:
  int descriptor_;
};

std::vector<std::byte> damaged(std::vector<std::byte> bytes, int kind, std::mt19937_64& random) {
  const std::size_t place = 132 + random() % (bytes.size() - 132);
  switch (kind) {
    case 0:
      bytes[place] ^= std::byte{1} << random() % 8;
      break;
    case 1:
      bytes[place] = static_cast<std::byte>(random());
      break;
    case 2:
      bytes.resize(place);
      break;
    case 3:  // zeros and small numbers: lengths, delimiters
      for (std::size_t n = place; n < std::min(place + 2, bytes.size()); ++n) {
        bytes[n] = static_cast<std::byte>(random() % 3);
      }
      break;
    case 4:  // an undefined length, or much of one
      for (std::size_t n = place; n < std::min(place + 4, bytes.size()); ++n) {
        bytes[n] = std::byte{0xFF};
      }
      break;
    default:  // bytes that are missing
      bytes.erase(bytes.begin() + static_cast<std::ptrdiff_t>(place),
                  bytes.begin() + static_cast<std::ptrdiff_t>(
                                      std::min(bytes.size(), place + 1 + random() % 8)));
  }
  return bytes;
}

class FastHeaderDamageTest : public FastHeaderTest,
                             public ::testing::WithParamInterface<E_TransferSyntax> {};

TEST_P(FastHeaderDamageTest, DamagedFilesAreReadOrRefusedAsByDcmtk) {
  const fs::path file = changed("damaged", GetParam(), [&](DcmDataset& data) {
    put_sequences(data);
    data.putAndInsertFloat64(DCM_DiffusionBValue, 50);
    data.putAndInsertString(DcmTag(0x0043, 0x0010, EVR_LO), "GEMS_PARM_01");
    data.putAndInsertString(DcmTag(0x0043, 0x1039, EVR_IS), "50\\8\\0\\0");
  });
  const std::vector<std::byte> whole = read_bytes(file);
  const MemoryCopy copy;
  std::mt19937_64 random(7);
  constexpr int kDamages = 6000;
  std::int64_t fast = 0;
  for (int n = 0; n < kDamages; ++n) {
    const fs::path damage = copy.hold(damaged(whole, n % 6, random));

    const Comparison result = compare(damage);

    fast += result.fast ? 1 : 0;
    ASSERT_TRUE(result.equal) << "damage " << n << "\n"
                              << outcome([&] { return read_dicom_header(damage); }) << "\n"
                              << outcome([&] { return read_dicom_header_with_dcmtk(damage); });
  }
  EXPECT_GT(fast, kDamages / 10) << "the fast reader must have had something to say";
}

INSTANTIATE_TEST_SUITE_P(,
                         FastHeaderDamageTest,
                         ::testing::Values(EXS_LittleEndianExplicit, EXS_LittleEndianImplicit));

class FastHeaderData : public ::testing::TestWithParam<const char*> {};

TEST_P(FastHeaderData, RealFilesAreReadAsByDcmtk) {
  const fs::path folder = fs::path(MARROW_SHARED_DATA) / GetParam();
  if (!fs::exists(folder)) {
    GTEST_SKIP() << folder.string() << " is not there";
  }
  std::int64_t files = 0;
  std::int64_t fast = 0;
  for (const fs::path& file : testing::files_below(folder)) {
    const Comparison result = compare(file);
    EXPECT_TRUE(result.equal) << file;
    ++files;
    fast += result.fast ? 1 : 0;
  }
  RecordProperty("files", std::to_string(files));
  RecordProperty("fast", std::to_string(fast));
  if (GetParam() == std::string("prostatex_dicom")) {
    EXPECT_GT(fast, files * 9 / 10) << "slices of an ordinary archive are ordinary";
  }
}

INSTANTIATE_TEST_SUITE_P(,
                         FastHeaderData,
                         ::testing::Values("dicom_series",
                                           "dicom_syntax",
                                           "dicom_mixed",
                                           "prostatex_dicom",
                                           "brain_tumor_progression",
                                           "hippocrop_dicom"));

}  // namespace

}  // namespace marrow
