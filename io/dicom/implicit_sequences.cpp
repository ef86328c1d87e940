#include "io/dicom/implicit_sequences.h"

#include <algorithm>
#include <vector>

#include "io/dicom/dcmtk_session.h"

namespace marrow {

namespace {

constexpr std::uint32_t kPrivateGroup = 0x00010000;
constexpr std::uint32_t kBlockOfElement = 0xFF00;

std::uint32_t sequence_key(std::uint32_t tag) {
  return (tag & kPrivateGroup) != 0 ? tag & ~kBlockOfElement : tag;
}

std::uint32_t sequence_tag(const DcmTagKey& key) {
  return static_cast<std::uint32_t>(key.getGroup()) << 16 | key.getElement();
}

// The tags of the dictionary's sequences in a table with open addressing.
class SequenceTags {
 public:
  SequenceTags() : slots_(kSlots, 0) {
    prepare_dcmtk();
    DcmDataDictionary& dictionary = dcmDataDict.wrlock();
    for (auto entry = dictionary.normalBegin(); entry != dictionary.normalEnd(); ++entry) {
      if ((*entry)->getEVR() == EVR_SQ) {
        add(sequence_key(sequence_tag((*entry)->getKey())));
      }
    }
    for (auto entry = dictionary.repeatingBegin(); entry != dictionary.repeatingEnd(); ++entry) {
      if ((*entry)->getEVR() == EVR_SQ) {
        ranges_.emplace_back(**entry);
      }
    }
    dcmDataDict.wrunlock();
  }

  [[nodiscard]] bool has(std::uint32_t tag) const {
    const std::uint32_t key = sequence_key(tag);
    for (std::size_t slot = first_slot(key); slots_[slot] != 0; slot = (slot + 1) % kSlots) {
      if (slots_[slot] == key) {
        return true;
      }
    }
    return std::any_of(ranges_.begin(), ranges_.end(), [&](const DcmDictEntry& range) {
      return range.contains(DcmTagKey(static_cast<Uint16>(tag >> 16), static_cast<Uint16>(tag)),
                            nullptr) != OFFalse;
    });
  }

 private:
  static constexpr std::size_t kSlots = 16384;  // the dictionary has about 1500 sequences

  static std::size_t first_slot(std::uint32_t key) { return (key * 0x9E3779B1U) >> 18; }

  void add(std::uint32_t key) {
    std::size_t slot = first_slot(key);
    while (slots_[slot] != 0 && slots_[slot] != key) {
      slot = (slot + 1) % kSlots;
    }
    slots_[slot] = key;
  }

  std::vector<std::uint32_t> slots_;
  std::vector<DcmDictEntry> ranges_;
};

}  // namespace

bool perhaps_sequence(std::uint32_t tag) {
  static const SequenceTags kSequences;
  return kSequences.has(tag);
}

}  // namespace marrow
