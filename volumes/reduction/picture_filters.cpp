#include "volumes/reduction/picture_filters.h"

#include <limits>
#include <mutex>
#include <unordered_map>
#include <vector>

#include <fmt/format.h>

namespace marrow {

namespace {

using Similarity = double (*)(const GreyPicture& a, const GreyPicture& b);

struct PictureMeasure {
  Similarity similarity;
  double low, high;
  const char* name;
  const char* unit;
};

double shared_bits(const GreyPicture& a, const GreyPicture& b) {
  return mutual_information(a, b).bits;
}

double shared_share(const GreyPicture& a, const GreyPicture& b) {
  return mutual_information(a, b).normalised;
}

// The search for a threshold asks for the same pairs again and again, and each takes as long as a
// thousand comparisons of hashes: what was computed once is remembered, up to a limit.
class RememberedPairs {
 public:
  explicit RememberedPairs(Similarity similarity) : similarity_(similarity) {}

  double operator()(const GreyPicture& a, const GreyPicture& b) {
    const Key key{a.pixels.data(), b.pixels.data()};
    {
      const std::lock_guard lock(mutex_);
      if (const auto found = values_.find(key); found != values_.end()) {
        return found->second;
      }
    }
    const auto value = static_cast<float>(similarity_(a, b));
    const std::lock_guard lock(mutex_);
    if (values_.size() < kMostPairs) {
      values_.emplace(key, value);
    }
    return value;
  }

 private:
  static constexpr std::size_t kMostPairs = std::size_t{1} << 23;  // about 400 MB

  struct Key {
    const std::uint8_t *a, *b;
    friend bool operator==(const Key&, const Key&) = default;
  };

  struct Hash {
    std::size_t operator()(const Key& key) const {
      return std::hash<const void*>()(key.a) * 0x9E3779B97F4A7C15ULL ^
             std::hash<const void*>()(key.b);
    }
  };

  Similarity similarity_;
  std::mutex mutex_;
  std::unordered_map<Key, float, Hash> values_;
};

class PictureFilter final : public SliceFilter {
 public:
  PictureFilter(const PictureMeasure& measure, double threshold, SelectionRule rule)
      : measure_(measure), threshold_(threshold), rule_(rule), pairs_(measure.similarity) {}

  [[nodiscard]] SliceNeeds needs() const override { return {.pictures = true}; }

  [[nodiscard]] ThresholdScale scale() const override {
    return {measure_.low, measure_.high, false, true};
  }

  [[nodiscard]] double threshold() const override { return threshold_; }

  [[nodiscard]] Selection select(std::span<const SliceFacts> slices,
                                 double threshold) const override {
    return select_slices(slices.size(), rule_, [&](std::size_t a, std::size_t b) {
      return pairs_(slices[a].picture, slices[b].picture) >= threshold;
    });
  }

  [[nodiscard]] double measure(const SliceFacts& kept, const SliceFacts& dropped) const override {
    return pairs_(kept.picture, dropped.picture);
  }

  [[nodiscard]] std::string measure_text(double measure) const override {
    return fmt::format("{} {:.3f}{}", measure_.name, measure, measure_.unit[0] ? " bits" : "");
  }

  [[nodiscard]] std::string measure_name() const override { return measure_.name; }

  [[nodiscard]] std::string unit() const override { return measure_.unit; }

 private:
  PictureMeasure measure_;
  double threshold_;
  SelectionRule rule_;
  mutable RememberedPairs pairs_;
};

}  // namespace

std::unique_ptr<SliceFilter> make_ssim(const ConfigSection& options, SelectionRule rule) {
  return std::make_unique<PictureFilter>(
      PictureMeasure{structural_similarity, -1, 1, "structural similarity", ""},
      options.parse<SsimOptions>().threshold,
      rule);
}

std::unique_ptr<SliceFilter> make_mutual_information(const ConfigSection& options,
                                                     SelectionRule rule) {
  return std::make_unique<PictureFilter>(
      PictureMeasure{shared_bits, 0, 6, "mutual information", "bits"},
      options.parse<MutualInformationOptions>().bits,
      rule);
}

std::unique_ptr<SliceFilter> make_nmi(const ConfigSection& options, SelectionRule rule) {
  return std::make_unique<PictureFilter>(
      PictureMeasure{shared_share, 0, 1, "normalised mutual information", ""},
      options.parse<NormalisedInformationOptions>().threshold,
      rule);
}

}  // namespace marrow
