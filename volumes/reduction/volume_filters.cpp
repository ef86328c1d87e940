#include "volumes/reduction/volume_filters.h"

#include <map>

#include <fmt/format.h>

#include "volumes/reduction/hash_copies.h"
#include "volumes/reduction/preferred_copies.h"

namespace marrow {

namespace {

class Exact final : public VolumeFilter {
 public:
  [[nodiscard]] std::vector<VolumeDrop> drops(const VolumeFilterInput& input) const override {
    PreferredCopies copies(input.items, input.order);
    std::map<std::string_view, std::vector<std::size_t>> kept;  // by what they hold
    for (std::size_t n = 0; n < copies.size(); ++n) {
      std::vector<std::size_t>& same = kept[copies.item(n).fingerprint.voxel_digest];
      for (const std::size_t earlier : same) {
        copies.offer(earlier, n);
      }
      if (copies.kept(n)) {
        same.push_back(n);
      }
    }
    return copies.drops([](std::size_t, std::size_t) {
      return VolumeDrop{0, std::nullopt, 0, "every voxel is equal"};
    });
  }
};

class SameHash final : public VolumeFilter {
 public:
  explicit SameHash(const VolumeHashOptions& options) : options_(options) {}

  [[nodiscard]] std::vector<VolumeDrop> drops(const VolumeFilterInput& input) const override {
    HashCopiesOptions options;
    options.threshold = static_cast<int>(options_.threshold);
    options.slice_bits = options_.slice_bits;
    const PreferredCopies copies = hash_copies(input.items, input.order, options);
    return copies.drops([&](std::size_t kept, std::size_t dropped) {
      const CaseFingerprint& a = copies.item(kept).fingerprint;
      const CaseFingerprint& b = copies.item(dropped).fingerprint;
      const int bits = hash_distance(a.hash, b.hash);
      return VolumeDrop{0,
                        std::nullopt,
                        static_cast<double>(bits),
                        fmt::format("{} of 192 bits of its hash differ, {:.1f} of 64 a slice",
                                    bits,
                                    slice_distance(a, b))};
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
