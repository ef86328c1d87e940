#include "io/dicom/dicom_writer.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <Eigen/Geometry>
#include <fmt/format.h>

#include "core/digest.h"
#include "core/error.h"
#include "core/files.h"
#include "core/progress.h"
#include "core/text.h"
#include "io/dicom/dcmtk_session.h"

namespace marrow {

namespace {

constexpr int kUidRootBytes =
    15;  // of the digest, so that the decimal fits the 39 digits after "2.25."

// DS holds 16 characters at most; as many digits as fit.
std::string decimal_string(double value) {
  for (int digits = 15; digits > 0; --digits) {
    std::string text = fmt::format("{:.{}g}", value, digits);
    if (text.size() <= 16) {
      return text;
    }
  }
  return fmt::format("{:.3e}", value);
}

std::string decimal_strings(std::initializer_list<double> values) {
  std::vector<std::string> words;
  for (const double value : values) {
    words.push_back(decimal_string(value));
  }
  return join(words, "\\");
}

class SeriesWriter {
 public:
  SeriesWriter(const Volume& volume, const DicomSeriesAttributes& attributes)
      : volume_(volume), attributes_(attributes) {
    check();
    const std::string& patient = attributes.patient_id;
    const std::string study = patient + "/" + attributes.study_name;
    series_name_ = fmt::format("{}/{}", study, attributes.series_number);
    study_uid_ =
        attributes.study_uid.empty() ? uid_from_name("study/" + study) : attributes.study_uid;
    series_uid_ = attributes.series_uid.empty() ? uid_from_name("series/" + series_name_)
                                                : attributes.series_uid;
    frame_uid_ = attributes.frame_of_reference_uid.empty() ? uid_from_name("frame/" + study)
                                                           : attributes.frame_of_reference_uid;
  }

  std::vector<std::filesystem::path> write(const std::filesystem::path& folder) {
    std::error_code failure;
    std::filesystem::create_directories(folder, failure);
    if (failure) {
      throw Error(ErrorCode::kResources,
                  "dicom: cannot make the folder " + folder.string() + ": " + failure.message());
    }
    std::vector<std::filesystem::path> files;
    std::int64_t copies = 0;
    const std::int64_t slices = volume_.geometry.size[2];
    for (std::int64_t k = 0; k < slices; ++k) {
      if (contains(attributes_.dropped_slices, k)) {
        continue;
      }
      const std::int64_t number = attributes_.reverse_instance_numbers ? slices - k : k + 1;
      DcmFileFormat file;
      fill(*file.getDataset(), k, number);
      files.push_back(save(file, folder, number - 1));
      if (contains(attributes_.duplicated_slices, k)) {
        files.push_back(save(file, folder, slices + copies++));
      }
    }
    return files;
  }

 private:
  static bool contains(const std::vector<std::int64_t>& list, std::int64_t k) {
    return std::find(list.begin(), list.end(), k) != list.end();
  }

  [[noreturn]] static void refuse(const std::string& what) {
    throw Error(ErrorCode::kInvalidArgument, "dicom writer: " + what);
  }

  void check() const {
    const std::int64_t slices = volume_.geometry.size[2];
    for (const auto* list : {&attributes_.dropped_slices, &attributes_.duplicated_slices}) {
      for (const std::int64_t k : *list) {
        if (k < 0 || k >= slices) {
          refuse(fmt::format("slice {} lies outside the {} slices of the volume", k, slices));
        }
      }
    }
    if (volume_.geometry.direction.determinant() < 0) {
      refuse("the grid is left-handed, which DICOM slices cannot be; flip an axis");
    }
    if (attributes_.bits_stored < 2 || attributes_.bits_stored > 16) {
      refuse(fmt::format("2 to 16 bits are stored, {} were asked for", attributes_.bits_stored));
    }
    if (!attributes_.slope_of_slice.empty() &&
        static_cast<std::int64_t>(attributes_.slope_of_slice.size()) != slices) {
      refuse(fmt::format("{} slopes for {} slices", attributes_.slope_of_slice.size(), slices));
    }
    if (volume_.geometry.size[0] > 65535 || volume_.geometry.size[1] > 65535) {
      refuse("rows and columns must fit 16 bits");
    }
  }

  [[nodiscard]] double slope(std::int64_t k) const {
    return attributes_.slope_of_slice.empty()
               ? attributes_.slope
               : attributes_.slope_of_slice[static_cast<std::size_t>(k)];
  }

  static void put(DcmDataset& data, const DcmTagKey& tag, const std::string& value) {
    if (data.putAndInsertString(tag, value.c_str()).bad()) {
      refuse(
          fmt::format("element {} cannot hold \"{}\"", DcmTag(tag).getTagName(), printable(value)));
    }
  }

  static void put_if(DcmDataset& data, const DcmTagKey& tag, const std::string& value) {
    if (!value.empty()) {
      put(data, tag, value);
    }
  }

  void fill(DcmDataset& data, std::int64_t k, std::int64_t number) {
    fill_identity(data, number);
    fill_geometry(data, k);
    fill_pixels(data, k);
    apply(data, attributes_.elements);
    if (attributes_.elements_of_slice) {
      apply(data, attributes_.elements_of_slice(k));
    }
  }

  void fill_identity(DcmDataset& data, std::int64_t number) {
    const DicomSeriesAttributes& a = attributes_;
    put(data,
        DCM_SOPClassUID,
        a.modality == Modality::kMr    ? UID_MRImageStorage
        : a.modality == Modality::kPet ? UID_PositronEmissionTomographyImageStorage
                                       : UID_CTImageStorage);
    put(data,
        DCM_SOPInstanceUID,
        uid_from_name(fmt::format("instance/{}/{}/{}", series_uid_, series_name_, number)));
    put(data, DCM_Modality, std::string(modality_name(a.modality)));
    put_if(data, DCM_ImageType, join(a.image_type, "\\"));
    put(data, DCM_PatientID, a.patient_id);
    put(data, DCM_PatientName, a.patient_name);
    put(data, DCM_PatientBirthDate, a.patient_birth_date);
    put(data, DCM_PatientSex, a.patient_sex);
    put(data, DCM_StudyInstanceUID, study_uid_);
    put(data, DCM_SeriesInstanceUID, series_uid_);
    put(data, DCM_FrameOfReferenceUID, frame_uid_);
    put(data, DCM_PositionReferenceIndicator, "");
    put(data, DCM_StudyID, "1");
    put(data, DCM_AccessionNumber, "");
    put(data, DCM_ReferringPhysicianName, "");
    put(data, DCM_StudyDate, a.study_date);
    put(data, DCM_StudyTime, a.study_time);
    put_if(data, DCM_StudyDescription, a.study_description);
    put_if(data, DCM_SeriesDescription, a.series_description);
    put_if(data, DCM_BodyPartExamined, a.body_part);
    put(data, DCM_Manufacturer, a.manufacturer);
    put_if(data, DCM_ManufacturerModelName, a.model);
    put(data, DCM_SeriesNumber, std::to_string(a.series_number));
    put(data, DCM_AcquisitionNumber, "1");
    put(data, DCM_InstanceNumber, std::to_string(number));
    if (a.modality == Modality::kCt) {
      put(data, DCM_KVP, "120");
    }
    if (a.modality == Modality::kMr) {
      put(data, DCM_ScanningSequence, "GR");
      put(data, DCM_SequenceVariant, "NONE");
      put(data, DCM_MRAcquisitionType, "3D");
    }
  }

  void fill_geometry(DcmDataset& data, std::int64_t k) {
    const Geometry& g = volume_.geometry;
    const Eigen::Vector3d origin = g.to_physical({0, 0, static_cast<double>(k)});
    const Eigen::Matrix3d& d = g.direction;
    put(data, DCM_ImagePositionPatient, decimal_strings({origin[0], origin[1], origin[2]}));
    put(data,
        DCM_ImageOrientationPatient,
        decimal_strings({d(0, 0), d(1, 0), d(2, 0), d(0, 1), d(1, 1), d(2, 1)}));
    put(data, DCM_PixelSpacing, decimal_strings({g.spacing[1], g.spacing[0]}));
    put(data,
        DCM_SliceThickness,
        decimal_string(attributes_.slice_thickness_mm > 0 ? attributes_.slice_thickness_mm
                                                          : g.spacing[2]));
    put(data, DCM_SliceLocation, decimal_string(origin.dot(d.col(2))));
  }

  void fill_pixels(DcmDataset& data, std::int64_t k) {
    const auto rows = static_cast<Uint16>(volume_.geometry.size[1]);
    const auto columns = static_cast<Uint16>(volume_.geometry.size[0]);
    const auto bits = static_cast<Uint16>(attributes_.bits_stored);
    data.putAndInsertUint16(DCM_SamplesPerPixel, 1);
    put(data, DCM_PhotometricInterpretation, "MONOCHROME2");
    data.putAndInsertUint16(DCM_Rows, rows);
    data.putAndInsertUint16(DCM_Columns, columns);
    data.putAndInsertUint16(DCM_BitsAllocated, 16);
    data.putAndInsertUint16(DCM_BitsStored, bits);
    data.putAndInsertUint16(DCM_HighBit, static_cast<Uint16>(bits - 1));
    data.putAndInsertUint16(DCM_PixelRepresentation, attributes_.signed_values ? 1 : 0);
    if (attributes_.modality != Modality::kMr || slope(k) != 1 || attributes_.intercept != 0) {
      put(data, DCM_RescaleIntercept, decimal_string(attributes_.intercept));
      put(data, DCM_RescaleSlope, decimal_string(slope(k)));
      put(data, DCM_RescaleType, attributes_.modality == Modality::kCt ? "HU" : "US");
    }
    if (attributes_.padding_value) {
      const auto word =
          static_cast<Uint16>(static_cast<unsigned>(*attributes_.padding_value) & 0xFFFFU);
      if (attributes_.signed_values) {
        data.insert(new DcmSignedShort(DcmTag(DCM_PixelPaddingValue, EVR_SS)), OFTrue);
        data.putAndInsertSint16(DCM_PixelPaddingValue, static_cast<Sint16>(word));
      } else {
        data.insert(new DcmUnsignedShort(DcmTag(DCM_PixelPaddingValue, EVR_US)), OFTrue);
        data.putAndInsertUint16(DCM_PixelPaddingValue, word);
      }
    }
    const std::vector<Uint16> words = stored_words(k);
    if (data.putAndInsertUint16Array(DCM_PixelData, words.data(), words.size()).bad()) {
      refuse("the pixels do not fit");
    }
  }

  [[nodiscard]] std::vector<Uint16> stored_words(std::int64_t k) const {
    const int bits = attributes_.bits_stored;
    const double low = attributes_.signed_values ? -std::ldexp(1, bits - 1) : 0;
    const double high =
        attributes_.signed_values ? std::ldexp(1, bits - 1) - 1 : std::ldexp(1, bits) - 1;
    const auto area = static_cast<std::size_t>(volume_.geometry.size[0] * volume_.geometry.size[1]);
    const float* const voxels = volume_.voxels.data() + area * static_cast<std::size_t>(k);
    const unsigned mask = (1U << static_cast<unsigned>(bits)) - 1;
    std::vector<Uint16> words(area);
    for (std::size_t n = 0; n < area; ++n) {
      if (std::isnan(voxels[n])) {
        words[n] = static_cast<Uint16>(
            static_cast<unsigned>(attributes_.padding_value.value_or(0)) & 0xFFFFU);
        continue;
      }
      const double stored =
          std::round((static_cast<double>(voxels[n]) - attributes_.intercept) / slope(k));
      words[n] = static_cast<Uint16>(
          static_cast<unsigned>(static_cast<int>(std::clamp(stored, low, high))) & mask);
    }
    return words;
  }

  static void apply(DcmDataset& data, const std::map<std::string, std::string>& elements) {
    for (const auto& [keyword, value] : elements) {
      const DcmDictEntry* const entry = dcmDataDict.rdlock().findEntry(keyword.c_str());
      const DcmTagKey tag = entry == nullptr ? DcmTagKey(0xFFFF, 0xFFFF) : entry->getKey();
      dcmDataDict.rdunlock();
      if (tag == DcmTagKey(0xFFFF, 0xFFFF)) {
        refuse("no DICOM element is called \"" + printable(keyword) + "\"");
      }
      if (value.empty()) {
        data.findAndDeleteElement(tag);
      } else {
        put(data, tag, value);
      }
    }
  }

  std::filesystem::path save(DcmFileFormat& file,
                             const std::filesystem::path& folder,
                             std::int64_t number) const {
    const std::filesystem::path path =
        folder / fmt::format("{}{:05d}.dcm", attributes_.file_prefix, number);
    const OFCondition status =
        file.saveFile(path.c_str(),
                      attributes_.big_endian ? EXS_BigEndianExplicit : EXS_LittleEndianExplicit,
                      EET_ExplicitLength);
    if (status.bad()) {
      throw Error(
          ErrorCode::kResources,
          fmt::format(
              "dicom: cannot write {}: {}; {} are needed and {} are free; make room "
              "and run the same command again",
              path.string(),
              status.text(),
              format_bytes(file.calcElementLength(EXS_LittleEndianExplicit, EET_ExplicitLength)),
              format_bytes(free_disk_bytes(folder))));
    }
    return path;
  }

  const Volume& volume_;
  const DicomSeriesAttributes& attributes_;
  std::string series_name_, study_uid_, series_uid_, frame_uid_;
};

}  // namespace

std::string uid_from_name(const std::string& name) {
  const std::string digest = sha256_hex(name);
  __extension__ using Wide = unsigned __int128;
  Wide number = 0;
  for (int n = 0; n < 2 * kUidRootBytes; ++n) {
    const char c = digest[static_cast<std::size_t>(n)];
    number = number * 16 + static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10);
  }
  std::string digits;
  for (; number > 0; number /= 10) {
    digits += static_cast<char>('0' + static_cast<int>(number % 10));
  }
  std::reverse(digits.begin(), digits.end());
  return "2.25." + (digits.empty() ? "0" : digits);
}

std::vector<std::filesystem::path> write_dicom_series(const std::filesystem::path& folder,
                                                      const Volume& volume,
                                                      const DicomSeriesAttributes& attributes) {
  prepare_dcmtk();
  return SeriesWriter(volume, attributes).write(folder);
}

}  // namespace marrow
