#include "io/dicom/dicom_header.h"

#include <array>
#include <cmath>
#include <limits>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "core/error.h"
#include "core/files.h"
#include "core/text.h"
#include "io/dicom/dcmtk_session.h"
#include "io/dicom/dicom_source.h"
#include "io/dicom/functional_groups.h"
#include "io/dicom/mosaic.h"
#include "io/dicom/pet_suv.h"
#include "io/dicom/sop_classes.h"

namespace marrow {

namespace {

constexpr std::size_t kFactCharacters = 64;
constexpr Uint32 kHeaderValueBytes =
    4096;  // longer values stay in the file until they are asked for

constexpr std::string_view kStructureSetName = "RTStructureSetStorage";  // as DCMTK has it

struct FactSource {
  const char* name;
  DcmTagKey tag;
  bool number;  // kept only when it is one
};

// Facts of the acquisition, none of the patient: free text (descriptions, comments, protocol names)
// is left out.
const std::array kFactSources{FactSource{"manufacturer", DCM_Manufacturer, false},
                              FactSource{"model", DCM_ManufacturerModelName, false},
                              FactSource{"body_part", DCM_BodyPartExamined, false},
                              FactSource{"kernel", DCM_ConvolutionKernel, false},
                              FactSource{"thickness_mm", DCM_SliceThickness, true},
                              FactSource{"slice_step_mm", DCM_SpacingBetweenSlices, true},
                              FactSource{"kvp", DCM_KVP, true},
                              FactSource{"tr_ms", DCM_RepetitionTime, true},
                              FactSource{"te_ms", DCM_EchoTime, true},
                              FactSource{"ti_ms", DCM_InversionTime, true},
                              FactSource{"flip_degrees", DCM_FlipAngle, true},
                              FactSource{"field_strength_t", DCM_MagneticFieldStrength, true},
                              FactSource{"scanning_sequence", DCM_ScanningSequence, false},
                              FactSource{"sequence_variant", DCM_SequenceVariant, false},
                              FactSource{"sequence", DCM_SequenceName, false},
                              FactSource{"acquisition_type", DCM_MRAcquisitionType, false},
                              FactSource{"patient_position", DCM_PatientPosition, false},
                              FactSource{"units", DCM_Units, false},
                              FactSource{"rescale_type", DCM_RescaleType, false}};

struct PrivateSource {
  DcmTagKey creator_tag;
  std::string_view creator;
  DcmTagKey tag;
};

const std::array kBValueSources{
    PrivateSource{DcmTagKey(0x0019, 0x0010), "SIEMENS MR HEADER", DcmTagKey(0x0019, 0x100C)},
    PrivateSource{DcmTagKey(0x0043, 0x0010), "GEMS_PARM_01", DcmTagKey(0x0043, 0x1039)},
    PrivateSource{DcmTagKey(0x2001, 0x0010), "Philips Imaging DD 001", DcmTagKey(0x2001, 0x1003)},
    PrivateSource{DcmTagKey(0x0065, 0x0010), "Image Private Header", DcmTagKey(0x0065, 0x1009)}};

std::string read_b_value(DcmItem& data) {
  if (std::string b = dicom_text(data, DCM_DiffusionBValue); !b.empty()) {
    return b;
  }
  for (const PrivateSource& source : kBValueSources) {
    if (dicom_text(data, source.creator_tag) == source.creator) {
      if (const std::vector<std::string> values = dicom_texts(data, source.tag); !values.empty()) {
        return printable(values.front(), kFactCharacters);
      }
    }
  }
  return {};
}

class HeaderReader {
 public:
  HeaderReader(DcmItem& data, DicomHeader& header) : data_(data), header_(header) {}

  void read() {
    read_identity();
    read_pixel_description();
    read_place();
    read_acquisition();
    read_kind();
  }

 private:
  // The numbers of an attribute, of which there must be none or `count`.
  std::vector<double> numbers(const DcmTagKey& tag, std::size_t count) {
    std::optional<std::vector<double>> values = dicom_numbers(data_, tag);
    if (!values || (!values->empty() && values->size() != count)) {
      header_.traits["bad_attribute"] = DcmTag(tag).getTagName();
      return {};
    }
    return *values;
  }

  std::int64_t integer(const DcmTagKey& tag, std::int64_t absent) {
    const std::vector<double> values = numbers(tag, 1);
    if (values.empty()) {
      return absent;
    }
    if (std::abs(values[0]) > 2147483647.0 || values[0] != std::floor(values[0])) {
      header_.traits["bad_attribute"] = DcmTag(tag).getTagName();
      return absent;
    }
    return static_cast<std::int64_t>(values[0]);
  }

  template <std::size_t N>
  std::optional<std::array<double, N>> tuple(const DcmTagKey& tag) {
    const std::vector<double> values = numbers(tag, N);
    if (values.empty()) {
      return std::nullopt;
    }
    std::array<double, N> array{};
    std::copy(values.begin(), values.end(), array.begin());
    return array;
  }

  // NaN where something is there that is no number: nothing may take it for the identity.
  double rescale(const DcmTagKey& tag, double absent) {
    const std::optional<std::vector<double>> values = dicom_numbers(data_, tag);
    if (!values || values->size() > 1) {
      return std::numeric_limits<double>::quiet_NaN();
    }
    return values->empty() ? absent : values->front();
  }

  void read_identity() {
    header_.patient_id = dicom_text(data_, DCM_PatientID);
    header_.patient_name = dicom_text(data_, DCM_PatientName);
    header_.study_uid = dicom_text(data_, DCM_StudyInstanceUID);
    header_.series_uid = dicom_text(data_, DCM_SeriesInstanceUID);
    header_.instance_uid = dicom_text(data_, DCM_SOPInstanceUID);
    header_.frame_of_reference_uid = dicom_text(data_, DCM_FrameOfReferenceUID);
    header_.modality = dicom_text(data_, DCM_Modality);
    header_.image_type = dicom_texts(data_, DCM_ImageType);
    if (const std::string number = dicom_text(data_, DCM_SeriesNumber); parse_decimal(number)) {
      header_.traits["series_number"] = number;
    }
    header_.instance_number = dicom_text(data_, DCM_InstanceNumber);
    header_.acquisition_number = dicom_text(data_, DCM_AcquisitionNumber);
    header_.echo = dicom_text(data_, DCM_EchoNumbers);
    header_.temporal_position = dicom_text(data_, DCM_TemporalPositionIdentifier);
    header_.image_comments = dicom_text(data_, DCM_ImageComments);
    header_.b_value = read_b_value(data_);
  }

  void read_pixel_description() {
    header_.rows = integer(DCM_Rows, 0);
    header_.columns = integer(DCM_Columns, 0);
    header_.frames = integer(DCM_NumberOfFrames, 1);
    header_.samples_per_pixel = integer(DCM_SamplesPerPixel, 1);
    header_.bits_allocated = static_cast<int>(integer(DCM_BitsAllocated, 0));
    header_.bits_stored = static_cast<int>(integer(DCM_BitsStored, header_.bits_allocated));
    header_.high_bit = static_cast<int>(integer(DCM_HighBit, header_.bits_stored - 1));
    header_.pixel_representation = static_cast<int>(integer(DCM_PixelRepresentation, 0));
    header_.photometric = dicom_text(data_, DCM_PhotometricInterpretation);
    header_.slope = rescale(DCM_RescaleSlope, 1);
    header_.intercept = rescale(DCM_RescaleIntercept, 0);
    if (data_.tagExists(DCM_ModalityLUTSequence)) {
      header_.traits["modality_lut"] = "1";
    }
  }

  void read_place() {
    header_.position = tuple<3>(DCM_ImagePositionPatient);
    header_.orientation = tuple<6>(DCM_ImageOrientationPatient);
    header_.pixel_spacing = tuple<2>(DCM_PixelSpacing);
    if (const std::vector<double> tilt = numbers(DCM_GantryDetectorTilt, 1); !tilt.empty()) {
      header_.gantry_tilt_degrees = tilt[0];
    }
  }

  void read_acquisition() {
    for (const FactSource& source : kFactSources) {
      const std::string text = dicom_text(data_, source.tag);
      if (!text.empty() && (!source.number || parse_decimal(text))) {
        header_.facts[source.name] = printable(text, kFactCharacters);
      }
    }
    if (!dicom_text(data_, DCM_ContrastBolusAgent).empty()) {
      header_.facts["contrast"] = "yes";
    }
    if (dicom_text(data_, DCM_LossyImageCompression) == "01" ||
        lossy_transfer_syntax(header_.transfer_syntax_uid)) {
      header_.facts["lossy"] = "yes";
    }
    if (data_.tagExists(DCM_RealWorldValueMappingSequence)) {
      header_.facts["real_world_value_map"] = "yes";
    }
    const std::string trigger = dicom_text(data_, DCM_TriggerTime);
    if (parse_decimal(trigger)) {
      header_.traits["trigger_time_ms"] = trigger;
    }
  }

  // What the file says of its frames, and what only some kinds of images have.
  void read_kind() {
    const DicomKind kind = sop_class(header_.sop_class_uid).kind;
    if (kind == DicomKind::kMultiFrame) {
      read_functional_groups(data_, header_);
    } else if (header_.modality == "MR" && header_.frames == 1) {
      read_mosaic(data_, header_);
    }
    if (header_.modality == "PT") {
      read_suv(data_, header_);
    }
  }

  DcmItem& data_;
  DicomHeader& header_;
};

[[noreturn]] void refuse_non_image(const std::string& file, const SopClass& object) {
  throw Error(
      ErrorCode::kUnsupported,
      fmt::format("not-an-image: {} is a DICOM object without pixels ({}); {}",
                  file,
                  object.name.empty() ? "no SOP class given" : object.name,
                  object.name == kStructureSetName ? "these are labels: give the folder with --data"
                                                   : "nothing to do"));
}

// Native pixels: as many bytes as rows, columns and bits ask for (and one to make the number even).
void check_pixel_bytes(const DicomHeader& header, const std::string& name) {
  if (header.pixel_bytes < 0 || header.rows <= 0 || header.columns <= 0 || header.frames <= 0 ||
      header.samples_per_pixel <= 0 || header.bits_allocated <= 0) {
    return;
  }
  __extension__ using Wide = __int128;
  const Wide bits = static_cast<Wide>(header.rows) * header.columns * header.frames *
                    header.samples_per_pixel * header.bits_allocated;
  const Wide expected = (bits + 7) / 8;
  if (header.pixel_bytes < expected) {
    throw Error(ErrorCode::kUnreadable,
                fmt::format("cut-short: {}: {} bytes of pixel data where {} rows, {} columns and "
                            "{} bits need more; get the "
                            "file again",
                            name,
                            header.pixel_bytes,
                            header.rows,
                            header.columns,
                            header.bits_allocated));
  }
}

void check_is_dicom(const std::filesystem::path& file, const std::string& name) {
  const MappedFile map(file);
  if (!is_dicom(map.bytes().first(std::min<std::size_t>(map.bytes().size(), 132)))) {
    throw Error(ErrorCode::kUnsupported, "not-dicom: " + name + " is not a DICOM file");
  }
}

}  // namespace

bool is_dicom(std::span<const std::byte> head) {
  const auto byte = [&](std::size_t i) { return std::to_integer<unsigned>(head[i]); };
  if (head.size() >= 132 && byte(128) == 'D' && byte(129) == 'I' && byte(130) == 'C' &&
      byte(131) == 'M') {
    return true;
  }
  // Without a preamble a file begins with the meta header (0002,0000|0001) or, as old ones do, with
  // group 0008.
  if (head.size() < 132 || byte(1) != 0 || byte(3) != 0 || (byte(0) != 0x02 && byte(0) != 0x08) ||
      byte(2) > 0x20) {
    return false;
  }
  const bool explicit_vr = byte(4) >= 'A' && byte(4) <= 'Z' && byte(5) >= 'A' && byte(5) <= 'Z';
  const unsigned length = byte(4) | byte(5) << 8 | byte(6) << 16 | byte(7) << 24;
  return explicit_vr || (byte(0) == 0x08 && length <= 256 && length % 2 == 0);
}

DicomHeader read_dicom_header(const std::filesystem::path& file) {
  prepare_dcmtk();
  const std::string name = printable(file.string(), 300);
  check_is_dicom(file, name);
  const DicomSource source(file);
  const DicomLayout& layout = source.layout();
  const SopClass media = sop_class(layout.media_sop_class_uid);
  if (media.kind == DicomKind::kNotAnImage) {
    refuse_non_image(name, media);
  }
  DcmFileFormat format;
  source.load(format, false, kHeaderValueBytes);
  DcmDataset& data = *format.getDataset();
  DicomHeader header;
  header.file = file;
  header.sop_class_uid = dicom_text(data, DCM_SOPClassUID);
  if (header.sop_class_uid.empty()) {
    header.sop_class_uid = layout.media_sop_class_uid;
  }
  if (const SopClass object = sop_class(header.sop_class_uid);
      object.kind == DicomKind::kNotAnImage || !layout.has_pixel_data) {
    refuse_non_image(name, object);
  }
  header.transfer_syntax_uid = layout.transfer_syntax_uid.empty()
                                   ? std::string(DcmXfer(data.getOriginalXfer()).getXferID())
                                   : layout.transfer_syntax_uid;
  header.has_pixel_data = true;
  header.pixel_offset = layout.pixel_offset;
  header.pixel_bytes = layout.pixel_bytes;
  if (layout.float_pixels) {
    header.traits["float_pixels"] = "1";
  }
  HeaderReader(data, header).read();
  check_pixel_bytes(header, name);
  return header;
}

}  // namespace marrow
