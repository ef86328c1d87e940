#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcpixel.h>
#include <dcmtk/dcmdata/dcpixseq.h>
#include <dcmtk/dcmdata/dcpxitem.h>
#include <dcmtk/dcmdata/dcrleerg.h>
#include <dcmtk/dcmdata/dctk.h>
#include <dcmtk/dcmjpeg/djencode.h>
#include <dcmtk/dcmjpeg/djrplol.h>
#include <dcmtk/dcmjpls/djencode.h>
#include <dcmtk/dcmjpls/djrparam.h>
#include <gtest/gtest.h>

#include "tests/support/csa_bytes.h"
#include "tests/support/dicom_made.h"
#include "tests/support/jpeg2000_stream.h"

// Small valid DICOM objects of the kinds that one file holds a whole volume of, and a PET series.
namespace marrow::testing {

inline constexpr int kObjectRows = 6;
inline constexpr int kObjectColumns = 8;

// 12 bits, a different picture in every frame.
inline std::vector<Uint16> object_pixels(int frame) {
  std::vector<Uint16> words;
  for (int n = 0; n < kObjectRows * kObjectColumns; ++n) {
    words.push_back(static_cast<Uint16>((n * 37 + n * n * 11 + 613 * frame) % 4096));
  }
  return words;
}

inline void put_object_bits(DcmDataset& data, int stored) {
  EXPECT_TRUE(data.putAndInsertUint16(DCM_BitsStored, static_cast<Uint16>(stored)).good());
  EXPECT_TRUE(data.putAndInsertUint16(DCM_HighBit, static_cast<Uint16>(stored - 1)).good());
}

inline void put_jpeg2000_frames(DcmDataset& data, int frames) {
  auto* const sequence = new DcmPixelSequence(DcmTag(DCM_PixelData, EVR_OB));
  sequence->insert(new DcmPixelItem(DcmTag(DCM_Item, EVR_OB)));
  for (int frame = 0; frame < frames; ++frame) {
    std::string stream = encode_jpeg2000(object_pixels(frame), kObjectRows, kObjectColumns);
    stream.resize(stream.size() + stream.size() % 2, '\0');
    auto* const item = new DcmPixelItem(DcmTag(DCM_Item, EVR_OB));
    EXPECT_TRUE(
        item->putUint8Array(reinterpret_cast<const Uint8*>(stream.data()), stream.size()).good());
    sequence->insert(item);
  }
  auto* const pixels = new DcmPixelData(DCM_PixelData);
  pixels->putOriginalRepresentation(EXS_JPEG2000LosslessOnly, nullptr, sequence);
  EXPECT_TRUE(data.insert(pixels, OFTrue).good());
}

inline void put_frame_groups(DcmDataset& data, int frame) {
  DcmItem& groups = add_item(data, DCM_PerFrameFunctionalGroupsSequence);
  put_text(add_item(groups, DCM_PlanePositionSequence),
           DCM_ImagePositionPatient,
           "-20\\5\\" + ds(10 + 2.5 * frame));
  put_text(add_item(groups, DCM_PlaneOrientationSequence),
           DCM_ImageOrientationPatient,
           "1\\0\\0\\0\\1\\0");
  DcmItem& rescale = add_item(groups, DCM_PixelValueTransformationSequence);
  put_text(rescale, DCM_RescaleSlope, ds(2 + frame));
  put_text(rescale, DCM_RescaleIntercept, "-7");
}

// An enhanced MR object of one volume, every frame with a rescale of its own.
inline std::filesystem::path write_enhanced_object(
    const std::filesystem::path& file,
    E_TransferSyntax syntax = EXS_LittleEndianExplicit,
    int frames = 3) {
  DcmFileFormat format;
  DcmDataset& data = *format.getDataset();
  start_image(data, kObjectRows, kObjectColumns);
  put_object_bits(data, 12);
  put_text(data, DCM_SOPClassUID, UID_EnhancedMRImageStorage);
  put_text(data, DCM_NumberOfFrames, std::to_string(frames));
  put_text(add_item(add_item(data, DCM_SharedFunctionalGroupsSequence), DCM_PixelMeasuresSequence),
           DCM_PixelSpacing,
           "1.5\\2");
  std::vector<Uint16> pixels;
  for (int frame = 0; frame < frames; ++frame) {
    put_frame_groups(data, frame);
    const std::vector<Uint16> picture = object_pixels(frame);
    pixels.insert(pixels.end(), picture.begin(), picture.end());
  }
  if (syntax == EXS_JPEG2000LosslessOnly) {
    put_jpeg2000_frames(data, frames);
    return save_image(format, file, syntax);
  }
  put_pixels(data, pixels);
  DcmRLEEncoderRegistration::registerCodecs();
  DJEncoderRegistration::registerCodecs();
  DJLSEncoderRegistration::registerCodecs(0, 0, 0, 0, OFFalse);  // the pixels as they are
  const DJ_RPLossless jpeg;
  const DJLSRepresentationParameter jpeg_ls(0, OFTrue);
  EXPECT_TRUE(data.chooseRepresentation(syntax,
                                        syntax == EXS_JPEGProcess14SV1
                                            ? static_cast<const DcmRepresentationParameter*>(&jpeg)
                                        : syntax == EXS_JPEGLSLossless ? &jpeg_ls
                                                                       : nullptr)
                  .good());
  const std::filesystem::path written = save_image(format, file, syntax);
  DJEncoderRegistration::cleanup();
  DJLSEncoderRegistration::cleanup();
  DcmRLEEncoderRegistration::cleanup();
  return written;
}

// A Siemens mosaic of four tiles of 3 rows and 4 columns.
inline std::filesystem::path write_mosaic_object(const std::filesystem::path& file,
                                                 CsaLayout layout = CsaLayout::kSecond) {
  DcmFileFormat format;
  DcmDataset& data = *format.getDataset();
  start_image(data, kObjectRows, kObjectColumns);
  put_object_bits(data, 12);
  put_text(data, DCM_ImageType, "ORIGINAL\\PRIMARY\\M\\MOSAIC");
  put_text(data, DCM_ImagePositionPatient, "-20\\30\\45");
  put_text(data, DCM_ImageOrientationPatient, "1\\0\\0\\0\\1\\0");
  put_text(data, DCM_PixelSpacing, "2\\1.5");
  put_text(data, DCM_SpacingBetweenSlices, "3.5");
  std::string csa = csa_bytes({{"B_value", {"0"}},
                               {"SliceNormalVector", {"0", "0", "1"}},
                               {"NumberOfImagesInMosaic", {"4"}}},
                              layout);
  csa.resize(csa.size() + csa.size() % 2, '\0');
  put_text(data, DcmTagKey(0x0029, 0x0010), "SIEMENS CSA HEADER");
  EXPECT_TRUE(data.putAndInsertUint8Array(DcmTag(0x0029, 0x1010, EVR_OB),
                                          reinterpret_cast<const Uint8*>(csa.data()),
                                          csa.size())
                  .good());
  put_pixels(data, object_pixels(0));
  return save_image(format, file);
}

// Three PET slices that hold Bq/ml and what makes SUV of them.
inline std::vector<std::filesystem::path> write_pet_series(const std::filesystem::path& folder) {
  const std::map<std::string, std::string> facts{{"Units", "BQML"},
                                                 {"CorrectedImage", "DECY\\ATTN\\SCAT"},
                                                 {"DecayCorrection", "START"},
                                                 {"PatientWeight", "70"},
                                                 {"SeriesDate", "20240309"},
                                                 {"SeriesTime", "110000"},
                                                 {"AcquisitionDate", "20240309"},
                                                 {"AcquisitionTime", "110500.5"}};
  std::vector<std::filesystem::path> files;
  for (int slice = 0; slice < 3; ++slice) {
    DcmFileFormat format;
    DcmDataset& data = *format.getDataset();
    start_image(data, kObjectRows, kObjectColumns, slice + 1);
    put_object_bits(data, 12);
    put_text(data, DCM_SOPClassUID, UID_PositronEmissionTomographyImageStorage);
    put_text(data, DCM_Modality, "PT");
    put_text(data, DCM_ImagePositionPatient, "-20\\30\\" + ds(45 + 3.5 * slice));
    put_text(data, DCM_ImageOrientationPatient, "1\\0\\0\\0\\1\\0");
    put_text(data, DCM_PixelSpacing, "2\\1.5");
    put_text(data, DCM_RescaleSlope, ds(0.5 + slice));
    put_text(data, DCM_RescaleIntercept, "0");
    for (const auto& [keyword, value] : facts) {
      DcmTag tag;
      EXPECT_TRUE(DcmTag::findTagFromName(keyword.c_str(), tag).good()) << keyword;
      put_text(data, tag, value);
    }
    DcmItem& dose = add_item(data, DCM_RadiopharmaceuticalInformationSequence);
    put_text(dose, DCM_RadiopharmaceuticalStartTime, "100000");
    put_text(dose, DCM_RadionuclideTotalDose, "300000000");
    put_text(dose, DCM_RadionuclideHalfLife, "6586.2");
    put_pixels(data, object_pixels(slice));
    files.push_back(save_image(format, folder / (std::to_string(slice) + ".dcm")));
  }
  return files;
}

}  // namespace marrow::testing
