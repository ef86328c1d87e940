#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "io/dicom/header_tags.h"

namespace marrow {

inline constexpr HeaderTag kSpecificCharacterSet{0x00080005, "CS"};

// Every attribute that HeaderMapping asks for, in a table that finds one by its tag in one step:
// the multiplier of the hash is searched for when this is compiled, so that no two share a slot.
class TagSlots {
 public:
  static constexpr int kNone = -1;

  consteval TagSlots() {
    add(kSpecificCharacterSet);
    for (const HeaderTag& tag : kSingleTags) {
      add(tag);
    }
    for (const TextTag& text : kTextTags) {
      add(text.attribute);
    }
    for (const FactTag& fact : kFactTags) {
      add(fact.attribute);
    }
    for (const FactTag& trait : kTraitTags) {
      add(trait.attribute);
    }
    for (const PrivateTag& source : kBValueTags) {
      add({source.creator_tag, "LO"});
      add({source.tag, Vr()});
    }
    while (!spread()) {
      multiplier_ += 2;
    }
  }

  static constexpr std::size_t kMost = 1 + kSingleTags.size() + kTextTags.size() +
                                       kFactTags.size() + kTraitTags.size() +
                                       2 * kBValueTags.size();

  // Which of 0..kMost-1 the tag is, or kNone.
  [[nodiscard]] constexpr int find(TagNumber tag) const {
    const std::uint8_t slot = slots_[place(tag)];
    return slot != kFree && tags_[slot].tag == tag ? slot : kNone;
  }

  // None for private ones, whose representation only the file knows.
  [[nodiscard]] constexpr Vr vr(int slot) const { return tags_[static_cast<std::size_t>(slot)].vr; }

 private:
  static constexpr std::uint8_t kFree = 0xFF;
  static constexpr unsigned kBits = 11;
  static_assert(kMost < kFree);

  [[nodiscard]] constexpr std::size_t place(TagNumber tag) const {
    return static_cast<std::uint32_t>(tag * multiplier_) >> (32 - kBits);
  }

  constexpr void add(HeaderTag tag) { tags_[count_++] = tag; }

  constexpr bool spread() {
    slots_.fill(kFree);
    for (std::size_t n = 0; n < count_; ++n) {
      std::uint8_t& slot = slots_[place(tags_[n].tag)];
      if (slot != kFree) {
        return false;
      }
      slot = static_cast<std::uint8_t>(n);
    }
    return true;
  }

  std::array<HeaderTag, kMost> tags_{};
  std::size_t count_ = 0;
  std::uint32_t multiplier_ = 0x9E3779B1;
  std::array<std::uint8_t, std::size_t{1} << kBits> slots_{};
};

inline constexpr TagSlots kTagSlots;

}  // namespace marrow
