#include "volumes/reduction/hash_filters.h"

#include <vector>

#include <fmt/format.h>

#include "volumes/fingerprints/slice_hash.h"
#include "volumes/reduction/greedy_hamming.h"

namespace marrow {

namespace {

// Above this an index pays; the selection is the same.
constexpr std::size_t kFewHashes = 2048;

using HashOfSlice = std::uint64_t SliceFacts::*;

class HashFilter final : public SliceFilter {
 public:
  HashFilter(HashOfSlice hash, std::int64_t threshold, SelectionRule rule)
      : hash_(hash), threshold_(static_cast<double>(threshold)), rule_(rule) {}

  [[nodiscard]] SliceNeeds needs() const override { return {}; }

  [[nodiscard]] ThresholdScale scale() const override { return {0, 64, true, false}; }

  [[nodiscard]] double threshold() const override { return threshold_; }

  [[nodiscard]] Selection select(std::span<const SliceFacts> slices,
                                 double threshold) const override {
    const auto limit = static_cast<int>(threshold);
    if (rule_ == SelectionRule::kGreedyReference && slices.size() > kFewHashes) {
      std::vector<std::uint64_t> hashes;
      hashes.reserve(slices.size());
      for (const SliceFacts& slice : slices) {
        hashes.push_back(slice.*hash_);
      }
      return greedy_hamming(HashList(hashes, 1), limit);
    }
    return select_slices(slices.size(), rule_, [&](std::size_t a, std::size_t b) {
      return hamming_distance(slices[a].*hash_, slices[b].*hash_) <= limit;
    });
  }

  [[nodiscard]] double measure(const SliceFacts& kept, const SliceFacts& dropped) const override {
    return hamming_distance(kept.*hash_, dropped.*hash_);
  }

  [[nodiscard]] std::string measure_text(double measure) const override {
    return fmt::format("{:.0f} of 64 bits differ", measure);
  }

  [[nodiscard]] std::string measure_name() const override { return "Hamming distance"; }

  [[nodiscard]] std::string unit() const override { return "bits"; }

 private:
  HashOfSlice hash_;
  double threshold_;
  SelectionRule rule_;
};

}  // namespace

std::unique_ptr<SliceFilter> make_dhash(const ConfigSection& options, SelectionRule rule) {
  return std::make_unique<HashFilter>(
      &SliceFacts::difference_hash, options.parse<DifferenceHashOptions>().threshold, rule);
}

std::unique_ptr<SliceFilter> make_phash(const ConfigSection& options, SelectionRule rule) {
  return std::make_unique<HashFilter>(
      &SliceFacts::perceptual_hash, options.parse<PerceptualHashOptions>().threshold, rule);
}

}  // namespace marrow
