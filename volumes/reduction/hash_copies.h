#pragma once

#include <cstddef>
#include <cstdint>

#include "volumes/reduction/preferred_copies.h"

namespace marrow {

struct HashCopiesOptions {
  int threshold = 12;  // bits of 192 in which the hashes of volumes that are alike differ at most
  double slice_bits = 2;  // bits of 64 in which their slices' perceptual hashes do, in the mean

  // Of up to so many volumes each is compared with every kept one; more are looked up in an index,
  // so many, or a 32nd of all, at a time. The result depends on neither.
  std::size_t index_above = 1024;
  std::size_t least_block = std::size_t{1} << 15U;  // 1 or more
};

// Which volumes are near copies of others by their fingerprints: see make_volume_hash(). The order
// is that of preference.
//
// Time: compared one by one it grows with the square of the volumes. By the index (HammingIndex of
// 192 bits) ten times as many take 14 times as long where the hashes of one kind of scan differ in
// some 45 bits, 22 to 40 times where in 28, and up to 70 times where in 24 (docs/benchmarks.md):
// most keys of a kind are the same. What is near is compared slice by slice: of thousands of
// volumes of one body that are no copies, every pair is. Memory beside the items: 24 bytes a volume
// for hashes, 8 for the result, and HammingIndex of all of them and of a block: together from about
// 700 bytes a volume of ten thousand to 200 of a million.
[[nodiscard]] PreferredCopies hash_copies(const std::vector<ReductionItem>& items,
                                          std::span<const std::size_t> order,
                                          const HashCopiesOptions& options);

// Bits of 64 in which perceptual hashes of slices differ, in the mean over the slices of the
// shorter volume, each with the one at its place in the other. Both have slices.
[[nodiscard]] double slice_distance(const CaseFingerprint& a, const CaseFingerprint& b);

}  // namespace marrow
