#include "io/dicom/dicom_prescan.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "core/error.h"
#include "core/text.h"
#include "io/dicom/header_tags.h"
#include "io/dicom/sop_classes.h"

namespace marrow {

namespace {

struct PrescanTag {
  std::uint32_t tag = 0;
  std::array<char, 2> vr{};  // zeros in implicit files
  std::uint32_t length = 0;
};

// An open sequence or item: where it ends (-1: by its delimiter) and how what is in it is encoded.
struct OpenLevel {
  std::int64_t end = -1;
  bool item = false;
  bool explicit_vr = true;
};

class Prescan {
 public:
  Prescan(std::span<const std::byte> file, const std::string& name, std::int64_t max_elements)
      : file_(file), name_(name), max_elements_(max_elements) {}

  DicomLayout walk() {
    read_meta();
    layout_.dataset_offset = at_;
    if (layout_.transfer_syntax_uid == kDeflatedSyntax) {
      layout_.deflated = true;
      return layout_;
    }
    layout_.big_endian = layout_.transfer_syntax_uid == kBigEndianSyntax;
    bool explicit_vr = layout_.transfer_syntax_uid != kImplicitSyntax;
    if (layout_.transfer_syntax_uid.empty()) {
      explicit_vr = at_ + 6 <= size() && is_vr(at_ + 4);
    }
    read_elements(explicit_vr);
    return layout_;
  }

 private:
  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(file_.size()); }

  [[nodiscard]] std::uint32_t byte(std::int64_t at) const {
    return std::to_integer<std::uint32_t>(file_[static_cast<std::size_t>(at)]);
  }

  [[nodiscard]] std::uint32_t u16(std::int64_t at) const {
    return layout_.big_endian ? byte(at) << 8 | byte(at + 1) : byte(at + 1) << 8 | byte(at);
  }

  [[nodiscard]] std::uint32_t u32(std::int64_t at) const {
    return layout_.big_endian ? u16(at) << 16 | u16(at + 2) : u16(at + 2) << 16 | u16(at);
  }

  [[nodiscard]] bool is_vr(std::int64_t at) const {
    const auto upper = [](std::uint32_t c) { return c >= 'A' && c <= 'Z'; };
    return upper(byte(at)) && upper(byte(at + 1));
  }

  [[noreturn]] void damaged(const std::string& what) const {
    throw Error(ErrorCode::kUnreadable,
                fmt::format("damaged: {}: {} at byte {}; get the file again", name_, what, at_));
  }

  void need(std::int64_t bytes) const {
    if (bytes < 0 || at_ > size() - bytes) {
      throw Error(ErrorCode::kUnreadable,
                  fmt::format("cut-short: {}: the file ends at byte {}, inside an element that "
                              "needs {} bytes from byte "
                              "{} on; get the file again",
                              name_,
                              size(),
                              bytes,
                              at_));
    }
  }

  PrescanTag read_tag(bool explicit_vr) {
    need(8);
    PrescanTag found;
    found.tag = u16(at_) << 16 | u16(at_ + 2);
    at_ += 4;
    if (!explicit_vr || found.tag >> 16 == 0xFFFE) {
      found.length = u32(at_);
      at_ += 4;
      return found;
    }
    if (!is_vr(at_)) {
      damaged("no value representation");
    }
    found.vr = {static_cast<char>(byte(at_)), static_cast<char>(byte(at_ + 1))};
    static constexpr std::array<std::string_view, 13> kLong{
        "OB", "OW", "OF", "OD", "OL", "OV", "SQ", "UC", "UN", "UR", "UT", "SV", "UV"};
    if (std::find(kLong.begin(), kLong.end(), std::string_view(found.vr.data(), 2)) ==
        kLong.end()) {
      found.length = u16(at_ + 2);
      at_ += 4;
      return found;
    }
    need(8);
    found.length = u32(at_ + 4);
    at_ += 8;
    return found;
  }

  std::string read_uid(std::uint32_t length) {
    need(length);
    std::string uid(std::min<std::size_t>(length, 64), '\0');
    for (std::size_t i = 0; i < uid.size(); ++i) {
      uid[i] = static_cast<char>(byte(at_ + static_cast<std::int64_t>(i)));
    }
    while (!uid.empty() && (uid.back() == '\0' || uid.back() == ' ')) {
      uid.pop_back();
    }
    return uid;
  }

  // The meta header is always explicit little endian, whatever follows; old files have none, or no
  // preamble.
  void read_meta() {
    const bool preamble = size() >= 132 && byte(128) == 'D' && byte(129) == 'I' &&
                          byte(130) == 'C' && byte(131) == 'M';
    at_ = preamble ? 132 : 0;
    while (at_ + 8 <= size() && u16(at_) == 0x0002) {
      const PrescanTag element = read_tag(true);
      if (element.length == kUndefinedLength) {
        damaged("a meta header element of undefined length");
      }
      if (element.tag == 0x00020010) {
        layout_.transfer_syntax_uid = read_uid(element.length);
      } else if (element.tag == 0x00020002) {
        layout_.media_sop_class_uid = read_uid(element.length);
      }
      skip(element);
    }
  }

  void count() {
    if (++elements_ > max_elements_) {
      throw Error(
          ErrorCode::kUnsupported,
          fmt::format(
              "too-many-elements: {}: more than {} elements; an image header has some hundreds",
              name_,
              max_elements_));
    }
  }

  void skip(const PrescanTag& element) {
    count();
    if (element.length > kMaxDicomValueBytes) {
      throw Error(
          ErrorCode::kUnsupported,
          fmt::format(
              "oversized-element: {}: element ({:04x},{:04x}) claims {} bytes where {} are allowed",
              name_,
              element.tag >> 16,
              element.tag & 0xFFFF,
              element.length,
              kMaxDicomValueBytes));
    }
    need(element.length);
    at_ += element.length;
  }

  void open(OpenLevel level) {
    levels_.push_back(level);
    if (levels_.size() >
        2 * static_cast<std::size_t>(kMaxDicomNesting)) {  // a sequence and its item are one depth
      throw Error(
          ErrorCode::kUnsupported,
          fmt::format(
              "too-deep: {}: sequences are nested more than {} deep", name_, kMaxDicomNesting));
    }
  }

  void close_finished() {
    while (!levels_.empty() && levels_.back().end >= 0 && at_ >= levels_.back().end) {
      if (at_ > levels_.back().end) {
        damaged("an element reaches past the end of its sequence");
      }
      levels_.pop_back();
    }
  }

  void read_elements(bool file_explicit) {
    for (;;) {
      close_finished();
      if (at_ == size() && levels_.empty()) {
        return;
      }
      const bool in_sequence = !levels_.empty() && !levels_.back().item;
      const bool explicit_vr = levels_.empty() ? file_explicit : levels_.back().explicit_vr;
      if (levels_.empty() && size() - at_ < 8) {
        need(8);
      }
      const PrescanTag element = read_tag(explicit_vr);
      if (element.tag == kItemEndTag || element.tag == kSequenceEndTag) {
        if (levels_.empty() || levels_.back().end >= 0 ||
            levels_.back().item != (element.tag == kItemEndTag)) {
          damaged("a delimiter without its sequence");
        }
        levels_.pop_back();
        continue;
      }
      if (in_sequence != (element.tag == kItemTag)) {
        damaged(in_sequence ? "something else than an item in a sequence"
                            : "an item outside a sequence");
      }
      if (element.tag == kItemTag) {
        count();
        open({end_of(element), true, explicit_vr});
        continue;
      }
      if (levels_.empty() &&
          (element.tag == kPixelData || element.tag == 0x7FE00008 || element.tag == 0x7FE00009)) {
        read_pixels(element);
        return;
      }
      read_value(element, explicit_vr);
    }
  }

  [[nodiscard]] std::int64_t end_of(const PrescanTag& element) const {
    if (element.length == kUndefinedLength) {
      return -1;
    }
    need(element.length);
    return at_ + element.length;
  }

  void read_value(const PrescanTag& element, bool explicit_vr) {
    const std::string_view vr(element.vr.data(), explicit_vr ? 2 : 0);
    const bool undefined = element.length == kUndefinedLength;
    // Implicit files do not say which elements are sequences: an item at the start of the value
    // tells.
    const bool hidden = !explicit_vr && !undefined && element.length >= 8 && at_ + 8 <= size() &&
                        (u16(at_) << 16 | u16(at_ + 2)) == kItemTag;
    if (vr == "SQ" || undefined || hidden) {
      // A sequence in an element of unknown representation is always implicit (PS3.5, 6.2.2).
      open({end_of(element), false, explicit_vr && vr != "UN"});
      count();
      return;
    }
    skip(element);
  }

  void read_pixels(const PrescanTag& element) {
    layout_.has_pixel_data = true;
    layout_.float_pixels = element.tag != kPixelData;
    layout_.pixel_offset = at_;
    layout_.words = !(element.vr[0] == 'O' && element.vr[1] == 'B');
    if (element.length != kUndefinedLength) {
      need(element.length);
      layout_.pixel_bytes = element.length;
      return;
    }
    layout_.encapsulated = true;
    layout_.smallest_fragment = size();
    for (;;) {
      const PrescanTag item = read_tag(true);
      if (item.tag == kSequenceEndTag) {
        return;
      }
      if (item.tag != kItemTag || item.length == kUndefinedLength) {
        damaged("something else than a fragment in the pixel data");
      }
      need(item.length);
      if (++layout_.fragments > 1) {
        layout_.smallest_fragment = std::min<std::int64_t>(layout_.smallest_fragment, item.length);
      }
      count();
      at_ += item.length;
    }
  }

  std::span<const std::byte> file_;
  const std::string& name_;
  std::int64_t max_elements_;
  DicomLayout layout_;
  std::vector<OpenLevel> levels_;
  std::int64_t at_ = 0;
  std::int64_t elements_ = 0;
};

}  // namespace

DicomLayout prescan_dicom(std::span<const std::byte> file,
                          const std::string& name,
                          std::int64_t max_elements) {
  return Prescan(file, name, max_elements).walk();
}

}  // namespace marrow
