#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "volumes/store/block_codec.h"

namespace marrow {

// Recently decoded blocks of one thread: neighbouring crops of a volume share blocks, and a small
// volume has only a few. 4-way set-associative, 256 blocks of 64 KiB at most. Not thread-safe: one
// per thread.
class BlockCache {
 public:
  struct Slot {
    std::uint64_t store = 0;  // 0: empty
    std::int64_t case_index = -1;
    std::int64_t block = -1;
    std::uint64_t last_use = 0;
    std::vector<std::byte> values;  // room for kBlockVoxels int16
  };

  // The slot of this block: either it holds it (`store` is set), or the one to decode into, whose
  // `store` is 0 and is to be set by `keep` once the values are there.
  [[nodiscard]] Slot& find(std::uint64_t store, std::int64_t case_index, std::int64_t block) {
    std::uint64_t hash = store * 0x9E3779B97F4A7C15U + static_cast<std::uint64_t>(case_index);
    hash = hash * 0x9E3779B97F4A7C15U + static_cast<std::uint64_t>(block);
    hash *= 0x9E3779B97F4A7C15U;
    Slot* const set = slots_.data() + (hash >> 58) * kWays;
    Slot* oldest = set;
    for (Slot* slot = set; slot != set + kWays; ++slot) {
      if (slot->store == store && slot->case_index == case_index && slot->block == block) {
        slot->last_use = ++clock_;
        return *slot;
      }
      if (slot->last_use < oldest->last_use) {
        oldest = slot;
      }
    }
    oldest->store = 0;
    oldest->values.resize(kBlockVoxels * sizeof(std::int16_t));
    return *oldest;
  }

  void keep(Slot& slot, std::uint64_t store, std::int64_t case_index, std::int64_t block) {
    slot.store = store;
    slot.case_index = case_index;
    slot.block = block;
    slot.last_use = ++clock_;
  }

 private:
  static constexpr std::size_t kWays = 4;
  static constexpr std::size_t kSets = 64;

  std::array<Slot, kWays * kSets> slots_;
  std::uint64_t clock_ = 0;
};

}  // namespace marrow
