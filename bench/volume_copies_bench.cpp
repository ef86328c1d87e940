// What leaving out near copies of whole volumes spends its time on: the selection among many of
// them by the hashes of their fingerprints (volumes/reduction/hash_copies.h). Items are volumes.
//
//   volume_copies_bench [Google Benchmark's options]

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <sys/resource.h>
#include <vector>

#include <benchmark/benchmark.h>

#include "core/rng.h"
#include "volumes/reduction/hash_copies.h"

namespace marrow {
namespace {

constexpr std::size_t kBits = 192, kSlices = 10;
constexpr std::size_t kNever = std::numeric_limits<std::size_t>::max();

using Shares = std::array<double, kBits>;

void turn(VolumeHash& hash, std::size_t bit) {
  hash[bit / 64] ^= std::uint64_t{1} << (bit % 64);
}

VolumeHash draw(const Shares& ones, Rng& rng) {
  VolumeHash hash{};
  for (std::size_t bit = 0; bit < kBits; ++bit) {
    if (rng.uniform() < ones[bit]) {
      turn(hash, bit);
    }
  }
  return hash;
}

// Archives hold scans of some kinds (of one body part, by one protocol), whose bodies look much the
// same: many bits of their hashes hardly vary. The rarer value of a bit has a share of 0 to a half
// among all kinds, and in each kind of its own again; the higher the powers, the smaller.
//
// With 40 kinds and powers of 2 and 4 the bits are as uneven as those of the practice data (docs/
// benchmarks.md), and hashes differ by 64 bits in the mean (there 63), by 28 within a kind; 3 pairs
// of a million are within 12 bits. With 20 kinds and a power of 5, 200 are, by 24 within a kind.
struct Kinds {
  std::size_t count = 40;
  double power = 4;
};

std::vector<ReductionItem> archive(std::size_t count, const Kinds& wanted) {
  Rng rng(1);
  const auto rare = [&rng](double power) { return 0.5 * std::pow(rng.uniform(), power); };
  Shares common{};
  for (double& share : common) {
    share = rng.uniform() < 0.5 ? rare(2) : 1 - rare(2);
  }
  std::vector<Shares> kinds(wanted.count);
  for (Shares& kind : kinds) {
    const VolumeHash usual = draw(common, rng);
    for (std::size_t bit = 0; bit < kBits; ++bit) {
      const bool one = (usual[bit / 64] >> (bit % 64) & 1U) != 0;
      kind[bit] = one ? 1 - rare(wanted.power) : rare(wanted.power);
    }
  }
  std::vector<ReductionItem> items(count);
  const auto below = [&rng](std::size_t limit) {
    return std::min(limit - 1,
                    static_cast<std::size_t>(rng.uniform() * static_cast<double>(limit)));
  };
  for (std::size_t n = 0; n < count; ++n) {
    ReductionItem& item = items[n];
    item.one.key = std::to_string(n);
    item.read = true;
    item.fingerprint.voxels = static_cast<std::int64_t>(below(1000));
    if (n > 0 && below(10) == 0) {
      item.fingerprint = items[below(n)].fingerprint;
      for (std::size_t flips = below(9); flips > 0; --flips) {
        turn(item.fingerprint.hash, below(kBits));
      }
      for (SliceFingerprint& slice : item.fingerprint.slices) {
        slice.perceptual_hash ^= std::uint64_t{below(2)} << below(64);
      }
      continue;
    }
    item.fingerprint.hash = draw(kinds[below(kinds.size())], rng);
    item.fingerprint.slices.resize(kSlices);
    for (SliceFingerprint& slice : item.fingerprint.slices) {
      slice.perceptual_hash = rng();
    }
  }
  return items;
}

// The most memory that this process ever held.
double peak_megabytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

// megabytes: beyond what the items take; right only for the first of a process.
void select(benchmark::State& state) {
  const std::vector<ReductionItem> items = archive(static_cast<std::size_t>(state.range(0)),
                                                   state.range(2) == 0 ? Kinds{} : Kinds{20, 5});
  const std::vector<std::size_t> order = by_preference(items);
  HashCopiesOptions options;
  options.index_above = state.range(1) == 0 ? kNever : 0;
  std::size_t dropped = 0;
  const double before = peak_megabytes();
  for (auto _ : state) {
    const PreferredCopies copies = hash_copies(items, order, options);
    dropped = 0;
    for (std::size_t n = 0; n < copies.size(); ++n) {
      dropped += copies.kept(n) ? 0 : 1;
    }
  }
  state.counters["megabytes"] = peak_megabytes() - before;
  state.counters["dropped"] = static_cast<double>(dropped);
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

BENCHMARK(select)
    ->Name("VolumeCopies")
    ->ArgNames({"volumes", "index", "close"})
    ->Args({1000, 0, 0})
    ->Args({1000, 1, 0})
    ->Args({4000, 0, 0})
    ->Args({4000, 1, 0})
    ->Args({10000, 0, 0})
    ->Args({10000, 1, 0})
    ->Args({100000, 0, 0})
    ->Args({100000, 1, 0})
    ->Args({1000000, 1, 0})
    ->Args({10000, 1, 1})
    ->Args({100000, 1, 1})
    ->Args({1000000, 1, 1})
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace marrow

BENCHMARK_MAIN();
