#include "volumes/reduction/volume_filters.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "volumes/fingerprints/slice_hash.h"
#include "volumes/reduction/slice_selection.h"

namespace marrow {

namespace {

constexpr std::int64_t kFewSlices = 8;

// Of what is alike the first stays; what no kept one may stand for stays too.
template <class Alike, class Make>
std::vector<VolumeDrop> repeats(const std::vector<ReductionItem>& items,
                                std::span<const std::size_t> order,
                                const Alike& alike,
                                const Make& make) {
  const Selection selection = select_slices(
      order.size(), SelectionRule::kGreedyReference, [&](std::size_t a, std::size_t b) {
        const ReductionItem& kept = items[order[a]];
        const ReductionItem& other = items[order[b]];
        return may_stand_for(kept, other) && alike(kept.fingerprint, other.fingerprint);
      });
  std::vector<VolumeDrop> drops;
  for (std::size_t n = 0; n < order.size(); ++n) {
    if (const std::size_t kept = selection.stands_for[n]; kept != n) {
      VolumeDrop drop = make(items[order[kept]], items[order[n]]);
      drop.item = order[n];
      drop.kept = order[kept];
      drops.push_back(std::move(drop));
    }
  }
  return drops;
}

class Exact final : public VolumeFilter {
 public:
  [[nodiscard]] std::vector<VolumeDrop> drops(const VolumeFilterInput& input) const override {
    std::map<std::string_view, std::vector<std::size_t>> same;
    for (const std::size_t n : input.order) {
      same[input.items[n].fingerprint.voxel_digest].push_back(n);
    }
    std::vector<VolumeDrop> drops;
    for (const auto& [digest, places] : same) {
      const std::vector<VolumeDrop> some = repeats(
          input.items,
          places,
          [](const CaseFingerprint&, const CaseFingerprint&) { return true; },
          [](const ReductionItem&, const ReductionItem&) {
            return VolumeDrop{0, std::nullopt, 0, "every voxel is equal"};
          });
      drops.insert(drops.end(), some.begin(), some.end());
    }
    return drops;
  }
};

// The mean over the slices of the shorter volume, each with the one at its place in the other.
double slice_distance(const CaseFingerprint& a, const CaseFingerprint& b) {
  const std::int64_t count = std::min(a.size(), b.size());
  const auto hash = [count](const CaseFingerprint& one, std::int64_t n) {
    const std::int64_t place = (2 * n + 1) * one.size() / (2 * count);
    return one.slices[static_cast<std::size_t>(place)].perceptual_hash;
  };
  std::int64_t bits = 0;
  for (std::int64_t n = 0; n < count; ++n) {
    bits += hamming_distance(hash(a, n), hash(b, n));
  }
  return static_cast<double>(bits) / static_cast<double>(count);
}

class SameHash final : public VolumeFilter {
 public:
  explicit SameHash(const VolumeHashOptions& options) : options_(options) {}

  [[nodiscard]] std::vector<VolumeDrop> drops(const VolumeFilterInput& input) const override {
    return repeats(
        input.items,
        input.order,
        [this](const CaseFingerprint& a, const CaseFingerprint& b) {
          const bool few = std::min(a.size(), b.size()) < kFewSlices;
          return (!few || a.size() == b.size()) &&
                 hash_distance(a.hash, b.hash) <= options_.threshold &&
                 slice_distance(a, b) <= options_.slice_bits;
        },
        [](const ReductionItem& kept, const ReductionItem& dropped) {
          const int bits = hash_distance(kept.fingerprint.hash, dropped.fingerprint.hash);
          return VolumeDrop{0,
                            std::nullopt,
                            static_cast<double>(bits),
                            fmt::format("{} of 192 bits of its hash differ, {:.1f} of 64 a slice",
                                        bits,
                                        slice_distance(kept.fingerprint, dropped.fingerprint))};
        });
  }

  [[nodiscard]] std::string threshold_text() const override {
    return fmt::format(
        "{} of 192 bits, {:g} of 64 a slice", options_.threshold, options_.slice_bits);
  }

 private:
  VolumeHashOptions options_;
};

}  // namespace

std::unique_ptr<VolumeFilter> make_exact(const ConfigSection& options) {
  (void)options.parse<ExactOptions>();
  return std::make_unique<Exact>();
}

std::unique_ptr<VolumeFilter> make_volume_hash(const ConfigSection& options) {
  return std::make_unique<SameHash>(options.parse<VolumeHashOptions>());
}

}  // namespace marrow
