#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "io/dicom/dicom_prescan.h"
#include "io/dicom/head_bytes.h"
#include "io/dicom/tag_slots.h"

namespace marrow {

// The walk over the elements of an ordinary DICOM file: preamble, a meta header that says how long
// it is, little endian, elements in ascending order, values of even length, pixel data at the end.
// It makes the checks of prescan_dicom and is narrower than both that and DCMTK's parser: what it
// gets through, they get through as well, and understand alike.
class FastWalk {
 public:
  // Where the value of an attribute lies in the head of the file.
  struct Value {
    std::int64_t at = 0;
    std::uint32_t length = 0;
    Vr vr;  // none in an implicit file
    bool found = false;
  };

  // The bytes stay the caller's and live as long as the walk.
  explicit FastWalk(HeadBytes& head) : head_(head) {}

  // False when the file is not ordinary, or not whole. Otherwise the head holds all that is in
  // front of the pixel data.
  [[nodiscard]] bool walk();

  // The value of an attribute of header_tags.h at the top level. Null when the tag is not one of
  // them.
  [[nodiscard]] const Value* find(TagNumber tag) const;

  [[nodiscard]] std::string_view bytes(const Value& value) const {
    return head_.text(value.at, value.length);
  }

  [[nodiscard]] bool explicit_vr() const { return explicit_vr_; }

  // Of the meta header, padding removed.
  [[nodiscard]] std::string_view transfer_syntax() const;

  [[nodiscard]] std::int64_t pixel_offset() const { return pixel_offset_; }

  // -1 when encapsulated.
  [[nodiscard]] std::int64_t pixel_bytes() const { return pixel_bytes_; }

  // Whether the file may be a picture of tiles, which takes more than this walk to tell.
  [[nodiscard]] bool perhaps_mosaic() const { return perhaps_mosaic_; }

 private:
  struct Element {
    TagNumber tag = 0;
    Vr vr;
    std::uint32_t length = 0;
    bool sequence = false;  // of items, which come next
  };

  // An open sequence or item.
  struct Level {
    std::int64_t end = -1;  // -1: by its delimiter
    bool item = false;
    TagNumber last = 0;  // the element read last: they ascend
  };

  struct Levels {
    static constexpr std::size_t kMost = 2 * kMaxDicomNesting;  // a sequence and its item are one
    std::array<Level, kMost> open;
    std::size_t depth = 0;
  };

  [[nodiscard]] bool read_meta();
  [[nodiscard]] bool read_data();
  [[nodiscard]] bool accept_syntax();
  // The tag, representation and length at at_, which moves on to the value.
  [[nodiscard]] bool read_element(Element& element);
  [[nodiscard]] bool read_explicit(Element& element);
  [[nodiscard]] bool read_implicit(Element& element);
  [[nodiscard]] bool skip_value(const Element& element);
  [[nodiscard]] bool skip_sequence(const Element& outer);
  [[nodiscard]] bool read_pixels(const Element& element);
  [[nodiscard]] bool skip_fragments();
  [[nodiscard]] bool keep(const Element& element);
  void look_for_mosaic(const Element& element);

  HeadBytes& head_;
  std::int64_t at_ = 0;
  bool explicit_vr_ = true;
  bool encapsulated_syntax_ = false;
  Value transfer_syntax_;
  std::int64_t pixel_offset_ = -1;
  std::int64_t pixel_bytes_ = -1;
  bool perhaps_mosaic_ = false;
  std::array<Value, TagSlots::kMost> values_;
  std::array<TagNumber, kMosaicPlaces.size()> mosaic_blocks_{};  // 0: none
};

}  // namespace marrow
