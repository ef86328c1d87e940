#include "volumes/fingerprints/hamming_scan.h"

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "core/error.h"
#include "volumes/fingerprints/hamming_kernel.h"

namespace marrow {
namespace {

// Hashes, folded hashes and places found of one block lie in a first-level cache of 48 KB but for
// what few matches need.
constexpr std::size_t kScanBlock = 4096;
// So many queries pay for folding a block.
constexpr std::size_t kQueriesToFold = 4;

}  // namespace

void scan_hamming(std::span<const std::uint64_t> hashes,
                  std::span<const std::uint64_t> queries,
                  int radius,
                  const std::function<void(std::size_t, std::span<const HammingHit>)>& hits) {
  if (radius < 0 || radius > 64) {
    throw Error(ErrorCode::kInvalidArgument,
                "hamming scan: expected a radius of 0 to 64 bits, found " + std::to_string(radius));
  }
  if (hashes.size() > std::numeric_limits<std::uint32_t>::max()) {
    throw Error(ErrorCode::kInvalidArgument,
                "hamming scan: expected fewer than 2^32 hashes, found " +
                    std::to_string(hashes.size()) + "; search them in parts");
  }
  const HammingKernel& kernel = hamming_kernel();
  const bool fold = radius <= kFoldedRadius && queries.size() >= kQueriesToFold;
  std::vector<std::uint32_t> folded(kScanBlock);
  std::vector<std::uint32_t> found(kScanBlock);
  std::vector<HammingHit> some;
  for (std::size_t first = 0; first < hashes.size(); first += kScanBlock) {
    const auto block = hashes.subspan(first, std::min(kScanBlock, hashes.size() - first));
    if (fold) {
      std::transform(block.begin(), block.end(), folded.begin(), folded_hash);
    }
    for (std::size_t q = 0; q < queries.size(); ++q) {
      const std::uint64_t query = queries[q];
      const std::size_t matches =
          fold ? kernel.match32(
                     folded.data(), block.size(), folded_hash(query), radius, found.data())
               : kernel.match64(block.data(), block.size(), query, radius, found.data());
      if (matches == 0) {
        continue;
      }
      some.clear();
      for (std::size_t n = 0; n < matches; ++n) {
        const int distance = kernel.distance(&block[found[n]], &query, 1);
        if (distance <= radius) {
          some.push_back({static_cast<std::uint32_t>(first + found[n]), distance});
        }
      }
      if (!some.empty()) {
        hits(q, some);
      }
    }
  }
}

}  // namespace marrow
