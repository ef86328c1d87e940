#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcrleerg.h>
#include <dcmtk/dcmdata/dctk.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "core/volume.h"
#include "io/dicom/dicom_writer.h"

// Segmentations and structure sets as test inputs, written with DCMTK.
namespace marrow::testing {

struct MadeFrame {
  int segment = 1;
  std::array<double, 3> position{};
  std::array<double, 6> orientation{};
  std::array<double, 2> spacing{};  // rows, columns
  std::vector<std::uint16_t> pixels;
};

struct MadeSegmentation {
  std::string type = "BINARY";
  int rows = 0, columns = 0;
  int bits = 1;
  int stated_frames = -1;  // what NumberOfFrames says, when it is to lie
  std::map<int, std::string> segments{{1, "liver"}};
  std::vector<MadeFrame> frames;
  std::vector<std::string> series = {};  // that it refers to
  std::string frame_of_reference = "1.2.9";
  std::string patient_id = "P1";
  bool rle = false;
};

inline std::string decimals(const double* values, std::size_t count) {
  std::string text;
  for (std::size_t n = 0; n < count; ++n) {
    text += fmt::format("{}{:.12g}", n == 0 ? "" : "\\", values[n]);
  }
  return text;
}

inline DcmItem& new_item(DcmItem& parent, const DcmTagKey& tag) {
  DcmItem* item = nullptr;
  EXPECT_TRUE(parent.findOrCreateSequenceItem(tag, item, -2).good());
  return *item;
}

inline void put(DcmItem& item, const DcmTagKey& tag, const std::string& value) {
  EXPECT_TRUE(item.putAndInsertString(tag, value.c_str()).good()) << DcmTag(tag).getTagName();
}

// One frame as pixel (column, row) sees slice k of a label map: value -> segment's pixels.
inline MadeFrame frame_of(const LabelMap& labels, std::int64_t k, int value, int stored = 1) {
  const Geometry& grid = labels.geometry;
  MadeFrame frame;
  frame.segment = value;
  const Eigen::Vector3d origin = grid.to_physical({0, 0, static_cast<double>(k)});
  for (int n = 0; n < 3; ++n) {
    const auto at = static_cast<std::size_t>(n);
    frame.position[at] = origin[n];
    frame.orientation[at] = grid.direction(n, 0);
    frame.orientation[at + 3] = grid.direction(n, 1);
  }
  frame.spacing = {grid.spacing[1], grid.spacing[0]};
  for (std::int64_t j = 0; j < grid.size[1]; ++j) {
    for (std::int64_t i = 0; i < grid.size[0]; ++i) {
      frame.pixels.push_back(static_cast<std::uint16_t>(labels.at(i, j, k) == value ? stored : 0));
    }
  }
  return frame;
}

// A binary one of all values of a label map: a frame for each value and slice that has it.
inline MadeSegmentation segmentation_of(const LabelMap& labels,
                                        const std::map<int, std::string>& segments) {
  MadeSegmentation made;
  made.rows = static_cast<int>(labels.geometry.size[1]);
  made.columns = static_cast<int>(labels.geometry.size[0]);
  made.segments = segments;
  for (const auto& [number, name] : segments) {
    for (std::int64_t k = 0; k < labels.geometry.size[2]; ++k) {
      MadeFrame frame = frame_of(labels, k, number);
      if (std::count(frame.pixels.begin(), frame.pixels.end(), 1) > 0) {
        made.frames.push_back(std::move(frame));
      }
    }
  }
  return made;
}

inline void put_common(DcmItem& data, const std::string& sop_class, const std::string& name) {
  put(data, DCM_SOPClassUID, sop_class);
  put(data, DCM_SOPInstanceUID, uid_from_name("instance " + name));
  put(data, DCM_StudyInstanceUID, uid_from_name("study"));
  put(data, DCM_SeriesInstanceUID, uid_from_name("series " + name));
}

inline void put_frame(DcmItem& groups, const MadeSegmentation& made, const MadeFrame& frame) {
  put(new_item(groups, DCM_PlanePositionSequence),
      DCM_ImagePositionPatient,
      decimals(frame.position.data(), 3));
  put(new_item(groups, DCM_PlaneOrientationSequence),
      DCM_ImageOrientationPatient,
      decimals(frame.orientation.data(), 6));
  put(new_item(groups, DCM_PixelMeasuresSequence),
      DCM_PixelSpacing,
      decimals(frame.spacing.data(), 2));
  if (made.type != "LABELMAP") {
    EXPECT_TRUE(
        new_item(groups, DCM_SegmentIdentificationSequence)
            .putAndInsertUint16(DCM_ReferencedSegmentNumber, static_cast<Uint16>(frame.segment))
            .good());
  }
}

inline std::vector<Uint8> packed_pixels(const MadeSegmentation& made) {
  std::vector<Uint8> bytes;
  std::size_t bit = 0;
  for (const MadeFrame& frame : made.frames) {
    for (const std::uint16_t pixel : frame.pixels) {
      if (made.bits == 1) {
        bytes.resize(bit / 8 + 1);
        bytes.back() = static_cast<Uint8>(bytes.back() | pixel << (bit % 8));
        ++bit;
        continue;
      }
      bytes.push_back(static_cast<Uint8>(pixel & 0xFFU));
      if (made.bits == 16) {
        bytes.push_back(static_cast<Uint8>(pixel >> 8U));
      }
    }
  }
  bytes.resize(bytes.size() + bytes.size() % 2);
  return bytes;
}

inline void put_segmentation_pixels(DcmItem& data, const MadeSegmentation& made) {
  const auto number = [&](const DcmTagKey& tag, int value) {
    EXPECT_TRUE(data.putAndInsertUint16(tag, static_cast<Uint16>(value)).good());
  };
  number(DCM_SamplesPerPixel, 1);
  put(data, DCM_PhotometricInterpretation, "MONOCHROME2");
  put(data, DCM_NumberOfFrames, std::to_string(made.frames.size()));
  number(DCM_Rows, made.rows);
  number(DCM_Columns, made.columns);
  number(DCM_BitsAllocated, made.bits);
  number(DCM_BitsStored, made.bits);
  number(DCM_HighBit, made.bits - 1);
  number(DCM_PixelRepresentation, 0);
  const std::vector<Uint8> bytes = packed_pixels(made);
  if (made.bits == 16) {
    EXPECT_TRUE(data.putAndInsertUint16Array(DCM_PixelData,
                                             reinterpret_cast<const Uint16*>(bytes.data()),
                                             bytes.size() / 2)
                    .good());
  } else {
    EXPECT_TRUE(data.putAndInsertUint8Array(DCM_PixelData, bytes.data(), bytes.size()).good());
  }
}

inline std::filesystem::path write_segmentation(const std::filesystem::path& file,
                                                const MadeSegmentation& made) {
  DcmFileFormat format;
  DcmDataset& data = *format.getDataset();
  put_common(
      data,
      made.type == "LABELMAP" ? "1.2.840.10008.5.1.4.1.1.66.7" : "1.2.840.10008.5.1.4.1.1.66.4",
      file.filename().string());
  put(data, DCM_Modality, "SEG");
  put(data, DCM_PatientID, made.patient_id);
  put(data, DCM_FrameOfReferenceUID, made.frame_of_reference);
  put(data, DCM_SegmentationType, made.type);
  if (made.type == "FRACTIONAL") {
    put(data, DCM_SegmentationFractionalType, "PROBABILITY");
    EXPECT_TRUE(data.putAndInsertUint16(DCM_MaximumFractionalValue, 255).good());
  }
  for (const auto& [number, name] : made.segments) {
    DcmItem& segment = new_item(data, DCM_SegmentSequence);
    EXPECT_TRUE(segment.putAndInsertUint16(DCM_SegmentNumber, static_cast<Uint16>(number)).good());
    put(segment, DCM_SegmentLabel, name);
    put(segment, DCM_SegmentAlgorithmType, "MANUAL");
    DcmItem& code = new_item(segment, DCM_SegmentedPropertyTypeCodeSequence);
    put(code, DCM_CodeValue, "T-62000");
    put(code, DCM_CodingSchemeDesignator, "SRT");
    put(code, DCM_CodeMeaning, "Liver");
  }
  for (const std::string& uid : made.series) {
    put(new_item(data, DCM_ReferencedSeriesSequence), DCM_SeriesInstanceUID, uid);
  }
  for (const MadeFrame& frame : made.frames) {
    put_frame(new_item(data, DCM_PerFrameFunctionalGroupsSequence), made, frame);
  }
  put_segmentation_pixels(data, made);
  E_TransferSyntax syntax = EXS_LittleEndianExplicit;
  if (made.rle) {
    DcmRLEEncoderRegistration::registerCodecs();
    syntax = EXS_RLELossless;
    EXPECT_TRUE(data.chooseRepresentation(syntax, nullptr).good());
  }
  if (made.stated_frames >= 0) {
    put(data, DCM_NumberOfFrames, std::to_string(made.stated_frames));
  }
  EXPECT_TRUE(format.saveFile(file.c_str(), syntax).good());
  return file;
}

struct MadeContour {
  std::vector<Eigen::Vector3d> points;
  std::string type = "CLOSED_PLANAR";
  int stated_points = -1;  // when NumberOfContourPoints is to lie
};

struct MadeRegion {
  int number = 1;
  std::string name;
  std::vector<MadeContour> contours = {};
};

struct MadeStructureSet {
  std::vector<MadeRegion> regions;
  std::vector<std::string> series = {};
  std::string frame_of_reference = "1.2.9";
};

inline std::filesystem::path write_structure_set(const std::filesystem::path& file,
                                                 const MadeStructureSet& made) {
  DcmFileFormat format;
  DcmDataset& data = *format.getDataset();
  put_common(data, "1.2.840.10008.5.1.4.1.1.481.3", file.filename().string());
  put(data, DCM_Modality, "RTSTRUCT");
  put(data, DCM_PatientID, "P1");
  DcmItem& space = new_item(data, DCM_ReferencedFrameOfReferenceSequence);
  put(space, DCM_FrameOfReferenceUID, made.frame_of_reference);
  DcmItem& study = new_item(space, DCM_RTReferencedStudySequence);
  for (const std::string& uid : made.series) {
    put(new_item(study, DCM_RTReferencedSeriesSequence), DCM_SeriesInstanceUID, uid);
  }
  for (const MadeRegion& region : made.regions) {
    const std::string number = std::to_string(region.number);
    DcmItem& described = new_item(data, DCM_StructureSetROISequence);
    put(described, DCM_ROINumber, number);
    put(described, DCM_ROIName, region.name);
    put(described, DCM_ReferencedFrameOfReferenceUID, made.frame_of_reference);
    DcmItem& observed = new_item(data, DCM_RTROIObservationsSequence);
    put(observed, DCM_ReferencedROINumber, number);
    put(observed, DCM_RTROIInterpretedType, "ORGAN");
    DcmItem& drawn = new_item(data, DCM_ROIContourSequence);
    put(drawn, DCM_ReferencedROINumber, number);
    for (const MadeContour& contour : region.contours) {
      DcmItem& item = new_item(drawn, DCM_ContourSequence);
      put(item, DCM_ContourGeometricType, contour.type);
      put(item,
          DCM_NumberOfContourPoints,
          std::to_string(contour.stated_points < 0 ? static_cast<int>(contour.points.size())
                                                   : contour.stated_points));
      std::vector<double> numbers;
      for (const Eigen::Vector3d& point : contour.points) {
        numbers.insert(numbers.end(), {point[0], point[1], point[2]});
      }
      put(item, DCM_ContourData, decimals(numbers.data(), numbers.size()));
    }
  }
  EXPECT_TRUE(format.saveFile(file.c_str(), EXS_LittleEndianExplicit).good());
  return file;
}

}  // namespace marrow::testing
