#include "io/dicom/fast_header.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

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
    if (is_vr(*value, tag, "US")) {
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

  // Whether the value is of this representation, which the standard gives the attribute.
  bool is_vr(const FastWalk::Value& value, TagNumber tag, std::string_view vr) {
    const std::string_view expected = kTagSlots.vr(kTagSlots.find(tag));
    const std::string_view written(value.vr.data(), 2);
    return expected.empty() ? walk_.explicit_vr() && written == vr
                            : expected == vr && (!walk_.explicit_vr() || written == vr);
  }

  double small_integer(const FastWalk::Value& value) {
    if (value.length != 2) {
      ordinary_ = false;
      return 0;
    }
    const std::string_view bytes = walk_.bytes(value);
    return static_cast<unsigned char>(bytes[0]) | static_cast<unsigned char>(bytes[1]) << 8;
  }

  // The value as text; a view into the file or into number_.
  std::string_view view(TagNumber tag) {
    const FastWalk::Value* const value = present(tag);
    if (value == nullptr) {
      return {};
    }
    if (is_vr(*value, tag, "FD") || is_vr(*value, tag, "FL")) {
      return whole_number(*value);
    }
    const std::string_view written(value->vr.data(), 2);
    const bool unknown = walk_.explicit_vr() && (written == "UN" || written == "OB");
    if (!unknown && !is_text(*value, tag)) {
      surprise();
      return {};
    }
    const TextContent content = text_content(walk_.bytes(*value));
    const std::string_view expected = kTagSlots.vr(kTagSlots.find(tag));
    // DCMTK takes blanks out of UIDs wherever they are.
    const bool blank_in_uid =
        expected == "UI" && content.unpadded.find(' ') != std::string_view::npos;
    if (content.control || blank_in_uid || (content.high && (unknown || !bytes_are_text())) ||
        (!unknown && content.separator && expected != "LT" &&
         blank_beside_separator(content.unpadded))) {
      surprise();
      return {};
    }
    return content.unpadded;
  }

  bool is_text(const FastWalk::Value& value, TagNumber tag) {
    static constexpr std::array<std::string_view, 10> kTexts{
        "AE", "AS", "CS", "DS", "IS", "LO", "LT", "PN", "SH", "UI"};
    static constexpr std::array<std::string_view, 5> kPrivateTexts{"DS", "IS", "LO", "SH", "CS"};
    const std::string_view expected = kTagSlots.vr(kTagSlots.find(tag));
    const std::string_view written(value.vr.data(), 2);
    if (expected.empty()) {
      return walk_.explicit_vr() &&
             std::find(kPrivateTexts.begin(), kPrivateTexts.end(), written) != kPrivateTexts.end();
    }
    return (!walk_.explicit_vr() || written == expected) &&
           std::find(kTexts.begin(), kTexts.end(), expected) != kTexts.end();
  }

  // One float or double that is an integer, which every way of printing prints alike.
  std::string_view whole_number(const FastWalk::Value& value) {
    constexpr double kMostExact = 1e7;
    const std::string_view bytes = walk_.bytes(value);
    double number = -1;
    if (std::uint64_t word = 0; value.vr[1] == 'L' && bytes.size() == sizeof(float)) {
      std::memcpy(&word, bytes.data(), sizeof(float));
      number = static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(word)));
    } else if (value.vr[1] != 'L' && bytes.size() == sizeof word) {
      std::memcpy(&word, bytes.data(), sizeof word);
      number = std::bit_cast<double>(word);
    }
    if (!(number >= 0 && number < kMostExact) || number != std::floor(number) ||
        std::signbit(number)) {
      surprise();
      return {};
    }
    number_ = fmt::format("{}", static_cast<std::int64_t>(number));
    return number_;
  }

  // Bytes beyond ASCII are kept as they are; that a backslash is always a separator holds only in
  // these character sets.
  bool bytes_are_text() {
    static constexpr std::array<std::string_view, 4> kSets{
        "ISO_IR 100", "ISO_IR 192", "ISO_IR 6", ""};
    const FastWalk::Value* const set = walk_.find(kSpecificCharacterSet.tag);
    const std::string_view name =
        set->found ? text_content(walk_.bytes(*set)).unpadded : std::string_view();
    return std::find(kSets.begin(), kSets.end(), name) != kSets.end();
  }

  const FastWalk& walk_;
  std::string number_;
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
