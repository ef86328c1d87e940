#include "io/dicom/fast_header.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "core/text.h"
#include "io/dicom/character_set.h"
#include "io/dicom/fast_walk.h"
#include "io/dicom/header_mapping.h"
#include "io/dicom/ordinary_text.h"
#include "io/dicom/sop_classes.h"

namespace marrow {

namespace {

constexpr std::uint32_t kLongestOrdinaryValue = 1024;

// Storage classes (PS3.4 B.5) of one slice or picture a file; what else is read from an object of
// another class the other reader knows.
constexpr std::array<std::string_view, 6> kOrdinaryClasses{
    "1.2.840.10008.5.1.4.1.1.2",     // CT
    "1.2.840.10008.5.1.4.1.1.4",     // MR
    "1.2.840.10008.5.1.4.1.1.7",     // secondary capture
    "1.2.840.10008.5.1.4.1.1.1",     // computed radiography
    "1.2.840.10008.5.1.4.1.1.1.1",   // digital X-ray
    "1.2.840.10008.5.1.4.1.1.1.2"};  // mammography

// The walk's values as HeaderMapping asks for them. What is not ordinary answers as if it were
// absent and is remembered.
class WalkedAttributes {
 public:
  explicit WalkedAttributes(const FastWalk& walk) : walk_(walk) {}

  [[nodiscard]] bool ordinary() const { return ordinary_; }

  [[nodiscard]] std::string text(TagNumber tag) { return std::string(view(tag)); }

  [[nodiscard]] std::vector<std::string> texts(TagNumber tag) {
    std::vector<std::string> values;
    std::string_view left = view(tag);
    if (left.empty()) {
      return values;
    }
    for (;;) {
      const std::size_t end = left.find('\\');
      values.emplace_back(left.substr(0, end));
      if (end == std::string_view::npos) {
        return values;
      }
      left.remove_prefix(end + 1);
    }
  }

  [[nodiscard]] DicomDecimals decimals(TagNumber tag) {
    DicomDecimals decimals;
    const FastWalk::Value* const value = present(tag);
    if (value == nullptr) {
      return decimals;
    }
    if (representation(*value, tag) == Vr("US") && is_written_so(*value, Vr("US"))) {
      decimals.count = 1;
      decimals.first[0] = small_integer(*value);
      return decimals;
    }
    std::string_view left = view(tag);
    while (!left.empty()) {
      const std::size_t end = std::min(left.find('\\'), left.size());
      const std::optional<double> number = parse_decimal(left.substr(0, end));
      if (!number || decimals.count == DicomDecimals::kMost || end + 1 == left.size()) {
        ordinary_ = false;
        return {};
      }
      decimals.first[decimals.count++] = *number;
      left.remove_prefix(std::min(end + 1, left.size()));
    }
    return decimals;
  }

  [[nodiscard]] bool exists(TagNumber tag) {
    const FastWalk::Value* const value = walk_.find(tag);
    return value != nullptr ? value->found : surprise() != nullptr;
  }

  void bad_attribute(TagNumber /*tag*/, DicomHeader& /*header*/) { ordinary_ = false; }

 private:
  const FastWalk::Value* surprise() {
    ordinary_ = false;
    return nullptr;
  }

  // The value of an attribute that is there and not empty.
  const FastWalk::Value* present(TagNumber tag) {
    const FastWalk::Value* const value = walk_.find(tag);
    if (value == nullptr) {
      return surprise();
    }
    if (!value->found || value->length == 0) {
      return nullptr;
    }
    return value->length > kLongestOrdinaryValue ? surprise() : value;
  }

  // The representation that the standard gives the attribute; of a private one, that of the file.
  [[nodiscard]] Vr representation(const FastWalk::Value& value, TagNumber tag) const {
    const Vr expected = kTagSlots.vr(kTagSlots.find(tag));
    return expected == Vr() ? value.vr : expected;
  }

  double small_integer(const FastWalk::Value& value) {
    if (value.length != 2) {
      ordinary_ = false;
      return 0;
    }
    const std::string_view bytes = walk_.bytes(value);
    return static_cast<unsigned char>(bytes[0]) | static_cast<unsigned char>(bytes[1]) << 8;
  }

  // Whether the file writes the value in this representation, or in none.
  [[nodiscard]] bool is_written_so(const FastWalk::Value& value, Vr vr) const {
    return !walk_.explicit_vr() || value.vr == vr;
  }

  std::string_view surprising_text() {
    ordinary_ = false;
    return {};
  }

  // The value as text; a view into the file or into buffer_.
  std::string_view view(TagNumber tag) {
    const FastWalk::Value* const value = present(tag);
    if (value == nullptr) {
      return {};
    }
    const Vr vr = representation(*value, tag);
    if (value->vr == Vr("UN") || value->vr == Vr("OB")) {
      return unknown_text(*value);
    }
    if (vr == Vr() || !is_written_so(*value, vr)) {
      return surprising_text();
    }
    switch (form_of(vr)) {
      case Form::kReal:
        return whole_number(*value);
      case Form::kText:
      case Form::kLongText:
      case Form::kUid:
        return plain_text(*value, form_of(vr));
      case Form::kOther:
        break;
    }
    return surprising_text();
  }

  enum class Form { kOther, kText, kLongText, kUid, kReal };

  static Form form_of(Vr vr) {
    constexpr auto letters = [](char first, char second) {
      return static_cast<int>(first) << 8 | second;
    };
    switch (letters(vr.first(), vr.second())) {
      case letters('A', 'E'):
      case letters('A', 'S'):
      case letters('C', 'S'):
      case letters('D', 'S'):
      case letters('I', 'S'):
      case letters('L', 'O'):
      case letters('P', 'N'):
      case letters('S', 'H'):
        return Form::kText;
      case letters('L', 'T'):
        return Form::kLongText;
      case letters('U', 'I'):
        return Form::kUid;
      case letters('F', 'D'):
      case letters('F', 'L'):
        return Form::kReal;
      default:
        return Form::kOther;
    }
  }

  std::string_view plain_text(const FastWalk::Value& value, Form form) {
    const TextContent content = text_content(walk_.bytes(value));
    // DCMTK takes blanks out of UIDs wherever they are, and those beside a separator out of texts.
    const bool odd_blank =
        (form == Form::kUid && content.unpadded.find(' ') != std::string_view::npos) ||
        (form == Form::kText && content.separator && blank_beside_separator(content.unpadded));
    if (content.control || odd_blank) {
      return surprising_text();
    }
    return content.high ? text_beyond_ascii(content.unpadded) : content.unpadded;
  }

  // In the two sets that are common and have no escapes; DCMTK converts the others.
  std::string_view text_beyond_ascii(std::string_view text) {
    const FastWalk::Value* const set = walk_.find(kSpecificCharacterSet.tag);
    const std::string_view name =
        set->found ? text_content(walk_.bytes(*set)).unpadded : std::string_view();
    if (name == "ISO_IR 192" && is_utf8(text)) {
      return text;
    }
    const bool graphic = std::none_of(text.begin(), text.end(), [](char c) {
      return static_cast<unsigned char>(c) >= 0x80 && static_cast<unsigned char>(c) < 0xA0;
    });
    if (name != "ISO_IR 100" || !graphic) {
      return surprising_text();
    }
    buffer_ = latin1_to_utf8(text);
    return buffer_;
  }

  // As dicom_text takes values of unknown representation: printable ASCII or nothing.
  std::string_view unknown_text(const FastWalk::Value& value) {
    const TextContent content = text_content(walk_.bytes(value));
    return content.control || content.high ? surprising_text() : content.unpadded;
  }

  // One float or double that is an integer, which every way of printing prints alike.
  std::string_view whole_number(const FastWalk::Value& value) {
    constexpr double kMostExact = 1e7;
    const std::string_view bytes = walk_.bytes(value);
    double number = -1;
    const bool single = value.vr.second() == 'L';
    if (std::uint64_t word = 0; single && bytes.size() == sizeof(float)) {
      std::memcpy(&word, bytes.data(), sizeof(float));
      number = static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(word)));
    } else if (!single && bytes.size() == sizeof word) {
      std::memcpy(&word, bytes.data(), sizeof word);
      number = std::bit_cast<double>(word);
    }
    if (!(number >= 0 && number < kMostExact) || number != std::floor(number) ||
        std::signbit(number)) {
      return surprising_text();
    }
    buffer_ = fmt::format("{}", static_cast<std::int64_t>(number));
    return buffer_;
  }

  const FastWalk& walk_;
  std::string buffer_;
  bool ordinary_ = true;
};

bool has_mosaic_type(const DicomHeader& header) {
  return std::any_of(header.image_type.begin(), header.image_type.end(), [](const auto& value) {
    return value.find("MOSAIC") != std::string::npos;
  });
}

// Whether there are as many bytes as the picture needs; of a size that is not odd in any way.
bool has_ordinary_pixels(const DicomHeader& header) {
  constexpr std::int64_t kMostPixels = 65536;
  if (header.rows < 1 || header.rows > kMostPixels || header.columns < 1 ||
      header.columns > kMostPixels || header.frames != 1 || header.samples_per_pixel < 1 ||
      header.samples_per_pixel > 4 || header.bits_allocated < 1 || header.bits_allocated > 64) {
    return false;
  }
  const std::int64_t bits =
      header.rows * header.columns * header.samples_per_pixel * header.bits_allocated;
  return header.pixel_bytes < 0 || header.pixel_bytes >= (bits + 7) / 8;
}

}  // namespace

std::optional<DicomHeader> FastHeaderReader::read(int descriptor, std::int64_t size) {
  return begins_as_dicom(descriptor, size) ? read_begun() : std::nullopt;
}

bool FastHeaderReader::begins_as_dicom(int descriptor, std::int64_t size) {
  return head_.open(descriptor, size) && head_.held() >= 132 && head_.text(128, 4) == "DICM";
}

std::optional<DicomHeader> FastHeaderReader::read_begun() {
  FastWalk walk(head_);
  if (!walk.walk() || walk.perhaps_mosaic()) {
    return std::nullopt;
  }
  WalkedAttributes attributes(walk);
  std::optional<DicomHeader> header(std::in_place);
  header->sop_class_uid = attributes.text(kSopClassUid.tag);
  if (std::find(kOrdinaryClasses.begin(), kOrdinaryClasses.end(), header->sop_class_uid) ==
      kOrdinaryClasses.end()) {
    return std::nullopt;
  }
  header->transfer_syntax_uid = walk.transfer_syntax();
  header->has_pixel_data = true;
  header->pixel_offset = walk.pixel_offset();
  header->pixel_bytes = walk.pixel_bytes();
  HeaderMapping(attributes, *header).fill();
  if (!attributes.ordinary() || header->modality == "PT" || has_mosaic_type(*header) ||
      !has_ordinary_pixels(*header)) {
    return std::nullopt;
  }
  return header;
}

std::optional<DicomHeader> read_ordinary_header(const std::filesystem::path& file) {
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (descriptor < 0) {
    return std::nullopt;
  }
  std::optional<DicomHeader> header;

  struct stat status {};

  if (::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode)) {
    header = FastHeaderReader().read(descriptor, status.st_size);
  }
  ::close(descriptor);
  if (header) {
    header->file = file;
  }
  return header;
}

}  // namespace marrow
