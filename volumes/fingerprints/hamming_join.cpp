#include "volumes/fingerprints/hamming_join.h"

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <vector>

#include "core/error.h"
#include "volumes/fingerprints/hamming_chunks.h"
#include "volumes/fingerprints/hamming_kernel.h"
#include "volumes/fingerprints/keyed_hashes.h"

namespace marrow {
namespace {

// So many hashes of one key are compared with so many of others at a time.
constexpr std::uint32_t kOneList = 64;
constexpr std::uint32_t kOtherLists = 2048;
// Keys that differ in their last bits only are neighbours in memory. So many hashes are taken as
// one block, which a second-level cache holds twice.
constexpr std::size_t kBlock = std::size_t{1} << 16U;

// The differences of near keys, those together that have the same upper bits.
struct Differences {
  std::uint32_t upper = 0;
  std::span<const std::uint32_t> all;
};

// `lower`: the bits that are not upper ones.
std::vector<Differences> group_differences(std::span<const std::uint32_t> masks,
                                           std::uint32_t lower) {
  std::vector<Differences> groups;
  for (std::size_t begin = 0; begin < masks.size();) {
    const std::uint32_t upper = masks[begin] & ~lower;
    std::size_t end = begin;
    while (end < masks.size() && (masks[end] & ~lower) == upper) {
      ++end;
    }
    groups.push_back({upper, masks.subspan(begin, end - begin)});
    begin = end;
  }
  return groups;
}

class Join {
 public:
  using Visit = std::function<void(std::uint32_t, std::uint32_t)>;

  Join(HashList hashes, int radius, std::size_t limit, const Visit& visit)
      : hashes_(hashes),
        radius_(radius),
        left_(limit),
        visit_(visit),
        chunks_(plan_hamming_chunks(hashes.size(), hashes.width(), radius, HammingUse::kJoin)),
        found_(std::size_t{kOneList} * kOtherLists) {}

  bool run() {
    for (chunk_ = 0; chunk_ < chunks_.size() && !full_; ++chunk_) {
      sorted_ = {};  // not two at a time
      sorted_ = sort_by_key(hashes_, chunks_[chunk_], radius_);
      compare_blocks();
      verify();
    }
    return !full_;
  }

 private:
  void compare_blocks() {
    const std::size_t keys = sorted_.begins.size() - 1;
    std::size_t block = keys;  // of keys, a power of two
    while (block > 1 && block * hashes_.size() > kBlock * keys) {
      block /= 2;
    }
    const std::vector<Differences> groups =
        group_differences(chunks_[chunk_].masks, static_cast<std::uint32_t>(block - 1));
    for (std::size_t first = 0; first < keys; first += block) {
      for (const Differences& group : groups) {
        if ((first ^ group.upper) >= first) {  // else that block came with this one
          compare_keys(first, first + block, group.all);
        }
      }
    }
  }

  void compare_keys(std::size_t first, std::size_t end, std::span<const std::uint32_t> masks) {
    for (std::size_t key = first; key < end && !full_; ++key) {
      if (sorted_.begins[key] == sorted_.begins[key + 1]) {
        continue;
      }
      for (const std::uint32_t mask : masks) {
        if ((key ^ mask) >= key) {
          add_others(key, key ^ mask);
        }
      }
      compare(key);
    }
  }

  void add_others(std::size_t key, std::size_t other) {
    const std::uint32_t end = sorted_.begins[other + 1];
    for (std::uint32_t begin = sorted_.begins[other]; begin < end && !full_; begin += kOtherLists) {
      const HammingRange some{begin, std::min(end, begin + kOtherLists)};
      if (others_count_ + (some.end - some.begin) > kOtherLists) {
        compare(key);
      }
      others_.push_back(some);
      others_count_ += some.end - some.begin;
    }
  }

  void compare(std::size_t key) {
    const std::uint32_t end = sorted_.begins[key + 1];
    for (std::uint32_t begin = sorted_.begins[key]; begin < end && !full_; begin += kOneList) {
      const HammingRange some{begin, std::min(end, begin + kOneList)};
      const std::size_t matches =
          sorted_.prints64.empty()
              ? kernel_.pairs32(sorted_.prints32.data(), some, others_, radius_, found_.data())
              : kernel_.pairs64(sorted_.prints64.data(), some, others_, radius_, found_.data());
      for (std::size_t n = 0; n < matches; ++n) {
        // Other keys are larger, so that their places are; else it is a hash itself, or a pair for
        // the second time.
        if (found_[n].one < found_[n].other) {
          add_candidate(found_[n]);
        }
      }
    }
    others_.clear();
    others_count_ = 0;
  }

  void add_candidate(HammingPlaces places) {
    __builtin_prefetch(sorted_.positions.data() + places.one);
    __builtin_prefetch(sorted_.positions.data() + places.other);
    candidates_[waiting_++] = places;
    if (waiting_ == candidates_.size()) {
      verify();
    }
  }

  // Visits those that are near and did not meet in a chunk before.
  void verify() {
    for (std::size_t n = 0; n < waiting_; ++n) {
      auto& [one, other] = candidates_[n];
      one = sorted_.positions[one];
      other = sorted_.positions[other];
      __builtin_prefetch(hashes_[one]);
      __builtin_prefetch(hashes_[other]);
    }
    for (std::size_t n = 0; n < waiting_ && !full_; ++n) {
      const auto [first, second] = std::minmax(candidates_[n].one, candidates_[n].other);
      const std::uint64_t* const one = hashes_[first];
      const std::uint64_t* const two = hashes_[second];
      if (kernel_.distance(one, two, hashes_.width()) > radius_ || met_before(one, two)) {
        continue;
      }
      if (left_ == 0) {
        full_ = true;
      } else {
        --left_;
        visit_(first, second);
      }
    }
    waiting_ = 0;
  }

  [[nodiscard]] bool met_before(const std::uint64_t* one, const std::uint64_t* two) const {
    return std::any_of(chunks_.begin(),
                       chunks_.begin() + static_cast<std::ptrdiff_t>(chunk_),
                       [&](const HammingChunk& chunk) {
                         return kernel_.distance_of_bits(
                                    one, two, chunk.taken.data(), hashes_.width()) <= chunk.radius;
                       });
  }

  HashList hashes_;
  int radius_;
  std::size_t left_;
  const Visit& visit_;
  bool full_ = false;
  std::vector<HammingChunk> chunks_;
  std::size_t chunk_ = 0;  // that is compared now
  KeyedHashes sorted_;     // by its keys
  const HammingKernel& kernel_ = hamming_kernel();
  std::vector<HammingRange> others_;  // to compare with a key's, so many in all:
  std::uint32_t others_count_ = 0;
  std::vector<HammingPlaces> found_;
  // Places of candidates, then their positions: they wait until there are several, so that what
  // memory holds of them comes meanwhile.
  std::array<HammingPlaces, 64> candidates_{};
  std::size_t waiting_ = 0;
};

}  // namespace

bool join_hamming(HashList hashes,
                  int radius,
                  std::size_t limit,
                  const std::function<void(std::uint32_t, std::uint32_t)>& visit) {
  if (radius < 0) {
    throw Error(
        ErrorCode::kInvalidArgument,
        "hamming join: expected a radius of 0 bits or more, found " + std::to_string(radius));
  }
  return Join(hashes, radius, limit, visit).run();
}

}  // namespace marrow
