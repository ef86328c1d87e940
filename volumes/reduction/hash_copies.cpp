#include "volumes/reduction/hash_copies.h"

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

#include "core/large_memory.h"
#include "volumes/fingerprints/hamming_index.h"
#include "volumes/fingerprints/hamming_kernel.h"
#include "volumes/fingerprints/hash_list.h"
#include "volumes/fingerprints/slice_hash.h"

namespace marrow {

namespace {

// Too little of a body to compare with other scans.
constexpr std::int64_t kFewSlices = 8;
// Of very many volumes one block in so many parts: each pays for a pass over the index.
constexpr std::size_t kCopyBlocks = 32;

// Bits that differ, over the number of slices. They only grow from slice to slice: it ends early
// where `enough(so far)` says so.
template <class Enough>
double mean_slice_bits(const CaseFingerprint& a, const CaseFingerprint& b, const Enough& enough) {
  const std::int64_t count = std::min(a.size(), b.size());
  const auto hash = [count](const CaseFingerprint& one, std::int64_t n) {
    const std::int64_t place = (2 * n + 1) * one.size() / (2 * count);
    return one.slices[static_cast<std::size_t>(place)].perceptual_hash;
  };
  std::int64_t bits = 0;
  const auto mean = [&] { return static_cast<double>(bits) / static_cast<double>(count); };
  for (std::int64_t n = 0; n < count; ++n) {
    bits += hamming_distance(hash(a, n), hash(b, n));
    if (enough(mean())) {
      break;
    }
  }
  return mean();
}

class HashCopies {
 public:
  HashCopies(const std::vector<ReductionItem>& items,
             std::span<const std::size_t> order,
             const HashCopiesOptions& options)
      : options_(options), copies_(items, order) {
    words_.reserve(order.size() * kWords);
    for (const std::size_t n : order) {
      const VolumeHash& hash = items[n].fingerprint.hash;
      words_.insert(words_.end(), hash.begin(), hash.end());
    }
  }

  PreferredCopies one_by_one() && {
    const HammingKernel& kernel = hamming_kernel();
    const HashList hashes = hashes_of(0, copies_.size());
    for (std::size_t n = 0; n < copies_.size(); ++n) {
      if (!copies_.kept(n)) {
        continue;
      }
      for (std::size_t later = n + 1; later < copies_.size(); ++later) {
        if (kernel.distance(hashes[n], hashes[later], kWords) <= options_.threshold) {
          compare(n, later);
        }
      }
    }
    return std::move(copies_);
  }

  // A block is settled by itself, since all before it was compared with everything behind; then
  // what is kept of it is looked up at once: such searches share what they fetch.
  PreferredCopies by_index() && {
    HammingIndex index(hashes_of(0, copies_.size()), options_.threshold);
    const std::size_t size = std::max(options_.least_block, copies_.size() / kCopyBlocks);
    for (std::size_t begin = 0; begin < copies_.size(); begin += size) {
      const std::size_t end = std::min(begin + size, copies_.size());
      settle(begin, end);
      if (end < copies_.size()) {
        index.drop_before(static_cast<std::uint32_t>(end));
        compare_kept(index, begin, end);
      }
    }
    return std::move(copies_);
  }

 private:
  static constexpr std::size_t kWords = std::tuple_size_v<VolumeHash>;

  [[nodiscard]] HashList hashes_of(std::size_t begin, std::size_t end) const {
    return {std::span(words_).subspan(begin * kWords, (end - begin) * kWords), kWords};
  }

  // Of two whose hashes are near.
  void compare(std::size_t earlier, std::size_t later) {
    if (!copies_.would_take(earlier, later)) {
      return;
    }
    const CaseFingerprint& a = copies_.item(earlier).fingerprint;
    const CaseFingerprint& b = copies_.item(later).fingerprint;
    const bool few = std::min(a.size(), b.size()) < kFewSlices;
    const auto too_far = [this](double bits) { return bits > options_.slice_bits; };
    if ((!few || a.size() == b.size()) && mean_slice_bits(a, b, too_far) <= options_.slice_bits) {
      copies_.offer(earlier, later);
    }
  }

  // Compares what is in a block among itself.
  void settle(std::size_t begin, std::size_t end) {
    const HashList hashes = hashes_of(begin, end);
    const HammingIndex index(hashes, options_.threshold);
    for (std::size_t n = begin; n < end; ++n) {
      if (copies_.kept(n)) {
        index.for_each_within({hashes[n - begin], kWords},
                              options_.threshold,
                              [&](std::uint32_t later, int) { compare(n, begin + later); });
      }
    }
  }

  // Compares what is kept of a block with what is left in the index.
  void compare_kept(const HammingIndex& index, std::size_t begin, std::size_t end) {
    std::vector<std::size_t> kept;
    VoxelVector<std::uint64_t> words;
    const HashList hashes = hashes_of(begin, end);
    for (std::size_t n = begin; n < end; ++n) {
      if (copies_.kept(n)) {
        kept.push_back(n);
        words.insert(words.end(), hashes[n - begin], hashes[n - begin] + kWords);
      }
    }
    index.for_each_pair(
        {words, kWords}, options_.threshold, [&](std::uint32_t query, std::uint32_t later, int) {
          compare(kept[query], later);
        });
  }

  HashCopiesOptions options_;
  PreferredCopies copies_;
  VoxelVector<std::uint64_t> words_;  // of all hashes, in the order
};

}  // namespace

PreferredCopies hash_copies(const std::vector<ReductionItem>& items,
                            std::span<const std::size_t> order,
                            const HashCopiesOptions& options) {
  HashCopies copies(items, order, options);
  return order.size() > options.index_above ? std::move(copies).by_index()
                                            : std::move(copies).one_by_one();
}

double slice_distance(const CaseFingerprint& a, const CaseFingerprint& b) {
  return mean_slice_bits(a, b, [](double) { return false; });
}

}  // namespace marrow
