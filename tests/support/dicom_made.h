#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

namespace marrow::testing {

inline std::string ds(double value) {
  return fmt::format("{:.10g}", value);
}

// A data set with what every image needs: 16-bit MR, series 1.2.3.4, instance 1.2.3.4.NUMBER.
inline void start_image(DcmDataset& data, int rows, int columns, int number = 1) {
  const auto put = [&](const DcmTagKey& tag, const std::string& text) {
    ASSERT_TRUE(data.putAndInsertString(tag, text.c_str()).good()) << text;
  };
  const auto put16 = [&](const DcmTagKey& tag, int value) {
    ASSERT_TRUE(data.putAndInsertUint16(tag, static_cast<Uint16>(value)).good());
  };
  put(DCM_SOPClassUID, UID_MRImageStorage);
  put(DCM_SOPInstanceUID, "1.2.3.4." + std::to_string(number));
  put(DCM_StudyInstanceUID, "1.2.3");
  put(DCM_SeriesInstanceUID, "1.2.3.4");
  put(DCM_FrameOfReferenceUID, "1.2.9");
  put(DCM_Modality, "MR");
  put(DCM_PatientID, "P1");
  put(DCM_ImageType, "ORIGINAL\\PRIMARY\\M");
  put(DCM_InstanceNumber, std::to_string(number));
  put(DCM_PhotometricInterpretation, "MONOCHROME2");
  put16(DCM_SamplesPerPixel, 1);
  put16(DCM_Rows, rows);
  put16(DCM_Columns, columns);
  put16(DCM_BitsAllocated, 16);
  put16(DCM_BitsStored, 16);
  put16(DCM_HighBit, 15);
  put16(DCM_PixelRepresentation, 0);
}

inline void put_pixels(DcmDataset& data, const std::vector<Uint16>& words) {
  ASSERT_TRUE(data.putAndInsertUint16Array(DCM_PixelData, words.data(), words.size()).good());
}

// Writes the file in `syntax`; the data set is given up.
inline std::filesystem::path save_image(DcmFileFormat& format,
                                        const std::filesystem::path& file,
                                        E_TransferSyntax syntax = EXS_LittleEndianExplicit) {
  std::filesystem::create_directories(file.parent_path());
  const OFCondition status = format.saveFile(file.c_str(), syntax);
  EXPECT_TRUE(status.good()) << status.text();
  return file;
}

inline void put_text(DcmItem& item, const DcmTagKey& tag, const std::string& text) {
  ASSERT_TRUE(item.putAndInsertString(tag, text.c_str()).good()) << text;
}

// A new item of a sequence, at its end.
inline DcmItem& add_item(DcmItem& parent, const DcmTagKey& sequence) {
  DcmItem* item = nullptr;
  EXPECT_TRUE(parent.findOrCreateSequenceItem(sequence, item, -2).good());
  return *item;
}

}  // namespace marrow::testing
