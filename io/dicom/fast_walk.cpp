#include "io/dicom/fast_walk.h"

#include <algorithm>

#include "core/text.h"
#include "io/dicom/csa_mosaic.h"
#include "io/dicom/implicit_sequences.h"
#include "io/dicom/sop_classes.h"

namespace marrow {

namespace {

static_assert(HeadBytes::kMost / 8 < kMaxDicomElements, "the head can hold too many elements");

// Those that this DCMTK knows. It guesses the encoding of others.
constexpr std::array<std::string_view, 9> kEncapsulatedSyntaxes{kRleSyntax,
                                                                "1.2.840.10008.1.2.4.50",
                                                                "1.2.840.10008.1.2.4.51",
                                                                "1.2.840.10008.1.2.4.57",
                                                                "1.2.840.10008.1.2.4.70",
                                                                "1.2.840.10008.1.2.4.80",
                                                                "1.2.840.10008.1.2.4.81",
                                                                "1.2.840.10008.1.2.4.90",
                                                                "1.2.840.10008.1.2.4.91"};

// What is to know of the value representations of PS3.5 6.2, by their two letters.
class VrTable {
 public:
  struct Entry {
    std::uint8_t width = 0;  // bytes of one value; 0: there is no such representation
    bool long_length = false;
  };

  consteval VrTable() {
    for (const Vr vr : {Vr("AE"),
                        Vr("AS"),
                        Vr("CS"),
                        Vr("DA"),
                        Vr("DS"),
                        Vr("DT"),
                        Vr("IS"),
                        Vr("LO"),
                        Vr("LT"),
                        Vr("PN"),
                        Vr("SH"),
                        Vr("ST"),
                        Vr("TM"),
                        Vr("UI")}) {
      set(vr, 1, false);
    }
    set("US", 2, false);
    set("SS", 2, false);
    for (const Vr vr : {Vr("AT"), Vr("FL"), Vr("SL"), Vr("UL")}) {
      set(vr, 4, false);
    }
    set("FD", 8, false);
    for (const Vr vr : {Vr("OB"), Vr("SQ"), Vr("UC"), Vr("UN"), Vr("UR"), Vr("UT")}) {
      set(vr, 1, true);
    }
    set("OW", 2, true);
    set("OF", 4, true);
    set("OL", 4, true);
    for (const Vr vr : {Vr("OD"), Vr("OV"), Vr("SV"), Vr("UV")}) {
      set(vr, 8, true);
    }
  }

  [[nodiscard]] Entry find(Vr vr) const {
    const bool letters =
        vr.first() >= 'A' && vr.first() <= 'Z' && vr.second() >= 'A' && vr.second() <= 'Z';
    return letters ? entries_[place(vr)] : Entry{};
  }

 private:
  static constexpr std::size_t kLetters = 26;

  static constexpr std::size_t place(Vr vr) {
    return static_cast<std::size_t>(vr.first() - 'A') * kLetters +
           static_cast<std::size_t>(vr.second() - 'A');
  }

  constexpr void set(Vr vr, std::uint8_t width, bool long_length) {
    entries_[place(vr)] = {width, long_length};
  }

  std::array<Entry, kLetters * kLetters> entries_{};
};

constexpr VrTable kVrTable;

std::string_view without_padding(std::string_view text) {
  while (!text.empty() && text.back() == '\0') {
    text.remove_suffix(1);
  }
  return trim(text);
}

}  // namespace

std::string_view FastWalk::transfer_syntax() const {
  const std::string_view uid = bytes(transfer_syntax_);
  return uid.ends_with('\0') ? uid.substr(0, uid.size() - 1) : uid;
}

const FastWalk::Value* FastWalk::find(TagNumber tag) const {
  const int slot = kTagSlots.find(tag);
  return slot == TagSlots::kNone ? nullptr : &values_[static_cast<std::size_t>(slot)];
}

bool FastWalk::walk() {
  return read_meta() && accept_syntax() && read_data();
}

bool FastWalk::read_meta() {
  constexpr std::int64_t kPreamble = 128;
  constexpr std::int64_t kGroupLengthBytes = 12;
  constexpr std::uint32_t kLongestMeta = 4096;
  at_ = kPreamble + 4;
  if (!head_.has(at_ + kGroupLengthBytes) || head_.text(kPreamble, 4) != "DICM" ||
      head_.u16(at_) != 0x0002 || head_.u16(at_ + 2) != 0 || head_.text(at_ + 4, 2) != "UL" ||
      head_.u16(at_ + 6) != 4) {
    return false;
  }
  const std::uint32_t length = head_.u32(at_ + 8);
  at_ += kGroupLengthBytes;
  const std::int64_t end = at_ + length;
  TagNumber last = 0x00020000;
  if (length > kLongestMeta || !head_.has(end)) {
    return false;
  }
  while (at_ < end) {
    Element element;
    if (!read_element(element) || element.tag <= last || element.tag > 0x0002FFFF ||
        element.sequence) {
      return false;
    }
    if (element.tag == 0x00020010) {
      transfer_syntax_ = {at_, element.length, element.vr, true};
    }
    last = element.tag;
    if (!skip_value(element)) {
      return false;
    }
  }
  return at_ == end;
}

bool FastWalk::accept_syntax() {
  if (!transfer_syntax_.found || transfer_syntax_.vr != Vr("UI")) {
    return false;
  }
  const std::string_view syntax = transfer_syntax();
  explicit_vr_ = syntax != kImplicitSyntax;
  encapsulated_syntax_ =
      std::find(kEncapsulatedSyntaxes.begin(), kEncapsulatedSyntaxes.end(), syntax) !=
      kEncapsulatedSyntaxes.end();
  return encapsulated_syntax_ || !explicit_vr_ || syntax == kExplicitSyntax;
}

bool FastWalk::read_data() {
  TagNumber last = 0x0002FFFF;
  for (;;) {
    Element element;
    if (!read_element(element) || element.tag <= last) {
      return false;
    }
    if (element.tag > kPixelGroup) {
      return read_pixels(element);
    }
    last = element.tag;
    if (!keep(element) || !(element.sequence ? skip_sequence(element) : skip_value(element))) {
      return false;
    }
  }
}

bool FastWalk::read_element(Element& element) {
  constexpr std::int64_t kTagHeader = 8;
  if (!head_.has(at_ + kTagHeader)) {
    return false;
  }
  element.tag = head_.u16(at_) << 16 | head_.u16(at_ + 2);
  at_ += 4;
  return explicit_vr_ && element.tag < 0xFFFE0000 ? read_explicit(element) : read_implicit(element);
}

bool FastWalk::read_explicit(Element& element) {
  const std::uint8_t* const vr = head_.at(at_);
  element.vr = Vr(static_cast<char>(vr[0]), static_cast<char>(vr[1]));
  const VrTable::Entry entry = kVrTable.find(element.vr);
  if (entry.width == 0) {
    return false;
  }
  element.sequence = element.vr == Vr("SQ");
  if (!entry.long_length) {
    element.length = head_.u16(at_ + 2);
    at_ += 4;
    return element.length % (entry.width == 1 ? 2 : entry.width) == 0;
  }
  if (!head_.has(at_ + 8) || head_.u16(at_ + 2) != 0) {
    return false;
  }
  element.length = head_.u32(at_ + 4);
  at_ += 8;
  return element.length == kUndefinedLength
             ? element.sequence || element.tag == kPixelData
             : element.length % (entry.width == 1 ? 2 : entry.width) == 0;
}

// Implicit files do not say which elements are sequences: an item at the start of the value tells,
// and the dictionary must not know better.
bool FastWalk::read_implicit(Element& element) {
  element.length = head_.u32(at_);
  at_ += 4;
  if (element.tag >= 0xFFFE0000) {
    return true;
  }
  if (element.length == kUndefinedLength) {
    element.sequence = true;
    return (element.tag & 0x00010000) == 0 && perhaps_sequence(element.tag);
  }
  element.sequence = element.length >= 8 && at_ + 8 <= head_.size() && head_.has(at_ + 8) &&
                     (head_.u16(at_) << 16 | head_.u16(at_ + 2)) == kItemTag;
  return element.length % 2 == 0 &&
         (element.sequence || element.length == 0 || !perhaps_sequence(element.tag));
}

bool FastWalk::skip_value(const Element& element) {
  if (element.length > kMaxDicomValueBytes || at_ > head_.size() - element.length) {
    return false;
  }
  at_ += element.length;
  return true;
}

bool FastWalk::skip_sequence(const Element& outer) {
  Levels levels;
  const auto end_of = [this](const Element& element) {
    return element.length == kUndefinedLength ? -1 : at_ + element.length;
  };
  levels.open[levels.depth++] = {end_of(outer), false, 0};
  for (;;) {
    while (levels.depth > 0 && levels.open[levels.depth - 1].end >= 0 &&
           at_ >= levels.open[levels.depth - 1].end) {
      if (at_ > levels.open[levels.depth - 1].end) {
        return false;
      }
      --levels.depth;
    }
    if (levels.depth == 0) {
      return true;
    }
    Level& level = levels.open[levels.depth - 1];
    if (level.end > head_.size()) {
      return false;
    }
    Element element;
    if (!read_element(element)) {
      return false;
    }
    if (element.tag == kItemEndTag || element.tag == kSequenceEndTag) {
      if (level.end >= 0 || level.item != (element.tag == kItemEndTag) || element.length != 0) {
        return false;
      }
      if (--levels.depth == 0) {
        return true;
      }
      continue;
    }
    if (level.item == (element.tag == kItemTag)) {
      return false;
    }
    if (level.item && (element.tag <= level.last || element.tag >= kItemTag)) {
      return false;
    }
    level.last = element.tag;
    if (!level.item || element.sequence) {
      if (levels.depth == Levels::kMost) {
        return false;
      }
      levels.open[levels.depth++] = {end_of(element), !level.item, 0};
    } else if (!skip_value(element)) {
      return false;
    }
  }
}

bool FastWalk::read_pixels(const Element& element) {
  const bool known = !explicit_vr_ || element.vr == Vr("OW") || element.vr == Vr("OB");
  if (element.tag != kPixelData || !known || (element.sequence && explicit_vr_)) {
    return false;
  }
  pixel_offset_ = at_;
  head_.expect(at_);
  if (element.length == kUndefinedLength) {
    return encapsulated_syntax_ && skip_fragments();
  }
  pixel_bytes_ = element.length;
  return at_ <= head_.size() - pixel_bytes_;
}

bool FastWalk::skip_fragments() {
  constexpr int kMostFragments = 64;  // one frame has a few
  for (int n = 0; n < kMostFragments; ++n) {
    std::array<std::uint8_t, 8> item{};
    if (!head_.peek(at_, item.data(), item.size())) {
      return false;
    }
    const auto word = [&](std::size_t byte) {
      return static_cast<std::uint32_t>(item[byte] | item[byte + 1] << 8);
    };
    const TagNumber tag = word(0) << 16 | word(2);
    const std::uint32_t length = word(4) | word(6) << 16;
    at_ += static_cast<std::int64_t>(item.size());
    if (tag == kSequenceEndTag) {
      return true;
    }
    if (tag != kItemTag || length == kUndefinedLength || at_ > head_.size() - length) {
      return false;
    }
    at_ += length;
  }
  return false;
}

bool FastWalk::keep(const Element& element) {
  if (const int slot = kTagSlots.find(element.tag); slot != TagSlots::kNone) {
    if (!element.sequence && !head_.has(at_ + element.length)) {
      return false;
    }
    values_[static_cast<std::size_t>(slot)] = {at_, element.length, element.vr, true};
  }
  if ((element.tag & 0x00010000) != 0) {
    look_for_mosaic(element);
  }
  return true;
}

void FastWalk::look_for_mosaic(const Element& element) {
  constexpr std::uint32_t kLongestCreator = 64;
  for (std::size_t n = 0; n < kMosaicPlaces.size(); ++n) {
    const PrivateElement& source = kMosaicPlaces[n];
    if (element.tag >> 16 != source.group) {
      continue;
    }
    const TagNumber number = element.tag & 0xFFFF;
    const bool here = !element.sequence && head_.has(at_ + element.length);
    if (number < 0x100) {
      if (here && element.length <= kLongestCreator &&
          without_padding(head_.text(at_, element.length)) == source.creator) {
        perhaps_mosaic_ = perhaps_mosaic_ || mosaic_blocks_[n] != 0;  // which of the two counts?
        mosaic_blocks_[n] = number;
      }
    } else if (mosaic_blocks_[n] != 0 &&
               number == (mosaic_blocks_[n] << 8 | TagNumber{source.element})) {
      perhaps_mosaic_ = perhaps_mosaic_ || source.group != kSiemensCsa.group || !here ||
                        perhaps_csa_mosaic(head_.text(at_, element.length));
    }
  }
}

}  // namespace marrow
