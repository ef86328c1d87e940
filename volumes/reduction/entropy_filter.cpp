#include "volumes/reduction/entropy_filter.h"

#include <fmt/format.h>

namespace marrow {

namespace {

class EntropyFilter final : public SliceFilter {
 public:
  explicit EntropyFilter(const EntropyOptions& options) : options_(options) {}

  [[nodiscard]] SliceNeeds needs() const override { return {}; }

  [[nodiscard]] ThresholdScale scale() const override { return {0, 8, false, false}; }

  [[nodiscard]] double threshold() const override { return options_.bits; }

  [[nodiscard]] Selection select(std::span<const SliceFacts> slices,
                                 double threshold) const override {
    Selection selection;
    for (std::size_t slice = 0; slice < slices.size(); ++slice) {
      const bool kept = slices[slice].entropy_bits >= threshold;
      if (kept) {
        selection.kept.push_back(slice);
      }
      selection.stands_for.push_back(kept ? slice : kNoSlice);
    }
    return selection;
  }

  [[nodiscard]] double measure(const SliceFacts&, const SliceFacts& dropped) const override {
    return dropped.entropy_bits;
  }

  [[nodiscard]] std::string measure_text(double measure) const override {
    return fmt::format("{:.2f} bits", measure);
  }

  [[nodiscard]] std::string measure_name() const override { return "entropy"; }

  [[nodiscard]] std::string unit() const override { return "bits"; }

 private:
  EntropyOptions options_;
};

}  // namespace

std::unique_ptr<SliceFilter> make_entropy(const ConfigSection& options, SelectionRule) {
  return std::make_unique<EntropyFilter>(options.parse<EntropyOptions>());
}

}  // namespace marrow
