#include "io/dicom/dicom_header.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/error.h"
#include "core/files.h"
#include "core/text.h"
#include "io/dicom/character_set.h"
#include "io/dicom/dcmtk_session.h"
#include "io/dicom/dicom_source.h"
#include "io/dicom/fast_header.h"
#include "io/dicom/functional_groups.h"
#include "io/dicom/header_mapping.h"
#include "io/dicom/mosaic.h"
#include "io/dicom/pet_suv.h"
#include "io/dicom/sop_classes.h"

namespace marrow {

namespace {

constexpr std::string_view kStructureSetName = "RTStructureSetStorage";  // as DCMTK has it

// A data set in DCMTK's hands, as HeaderMapping asks for it.
class DcmtkAttributes {
 public:
  explicit DcmtkAttributes(DcmItem& data) : data_(data), texts_(data) {}

  [[nodiscard]] std::string text(TagNumber tag) { return texts_.utf8(dicom_text(data_, key(tag))); }

  [[nodiscard]] std::vector<std::string> texts(TagNumber tag) const {
    return dicom_texts(data_, key(tag));
  }

  [[nodiscard]] bool texts_replaced() const { return texts_.replaced(); }

  [[nodiscard]] DicomDecimals decimals(TagNumber tag) const {
    DicomDecimals decimals;
    const std::optional<std::vector<double>> values = dicom_numbers(data_, key(tag));
    decimals.valid = values.has_value();
    if (values) {
      decimals.count = values->size();
      std::copy_n(
          values->begin(), std::min(values->size(), DicomDecimals::kMost), decimals.first.begin());
    }
    return decimals;
  }

  [[nodiscard]] bool exists(TagNumber tag) const { return data_.tagExists(key(tag)); }

  static void bad_attribute(TagNumber tag, DicomHeader& header) {
    header.traits["bad_attribute"] = DcmTag(key(tag)).getTagName();
  }

 private:
  static DcmTagKey key(TagNumber tag) {
    return {static_cast<Uint16>(tag >> 16), static_cast<Uint16>(tag & 0xFFFF)};
  }

  DcmItem& data_;
  DicomTexts texts_;
};

// What the file says of its frames, and what only some kinds of images have.
void read_kind(DcmItem& data, DicomHeader& header) {
  const DicomKind kind = dicom_kind(header.sop_class_uid);
  if (kind == DicomKind::kMultiFrame) {
    read_functional_groups(data, header);
  } else if (header.modality == "MR" && header.frames == 1) {
    read_mosaic(data, header);
  }
  if (header.modality == "PT") {
    read_suv(data, header);
  }
}

[[noreturn]] void refuse_non_image(const std::string& file, const std::string& sop_class_uid) {
  const std::string object = sop_class_name(sop_class_uid);
  throw Error(
      ErrorCode::kUnsupported,
      fmt::format("not-an-image: {} is a DICOM object without pixels ({}); {}",
                  file,
                  object.empty() ? "no SOP class given" : object,
                  object == kStructureSetName ? "these are labels: give the folder with --data"
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
  std::optional<DicomHeader> ordinary = read_ordinary_header(file);
  return ordinary ? *std::move(ordinary) : read_dicom_header_with_dcmtk(file);
}

std::vector<DicomHeader> read_dicom_headers(std::span<const std::filesystem::path> files) {
  std::vector<DicomHeader> headers;
  headers.reserve(files.size());
  for (const std::filesystem::path& file : files) {
    headers.push_back(read_dicom_header(file));
  }
  return headers;
}

DicomHeader read_dicom_header_with_dcmtk(const std::filesystem::path& file) {
  prepare_dcmtk();
  const std::string name = printable(file.string(), 300);
  const DicomSource source(file);
  const DicomLayout& layout = source.layout();
  if (dicom_kind(layout.media_sop_class_uid) == DicomKind::kNotAnImage) {
    refuse_non_image(name, layout.media_sop_class_uid);
  }
  DcmFileFormat format;
  source.load_header(format);
  DcmDataset& data = *format.getDataset();
  DicomHeader header;
  header.file = file;
  header.sop_class_uid = dicom_text(data, DCM_SOPClassUID);
  if (header.sop_class_uid.empty()) {
    header.sop_class_uid = layout.media_sop_class_uid;
  }
  if (dicom_kind(header.sop_class_uid) == DicomKind::kNotAnImage || !layout.has_pixel_data) {
    refuse_non_image(name, header.sop_class_uid);
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
  DcmtkAttributes attributes(data);
  HeaderMapping(attributes, header).fill();
  if (attributes.texts_replaced()) {
    const std::string stated = printable(dicom_text(data, DCM_SpecificCharacterSet), 40);
    header.traits["texts_replaced"] = stated.empty() ? "ASCII" : stated;
  }
  read_kind(data, header);
  check_pixel_bytes(header, name);
  return header;
}

}  // namespace marrow
