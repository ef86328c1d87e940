#include "volumes/reduction/every_n.h"

#include <cmath>

#include <fmt/format.h>

namespace marrow {

namespace {

class EveryN final : public SliceFilter {
 public:
  explicit EveryN(const EveryNOptions& options) : options_(options) {}

  [[nodiscard]] SliceNeeds needs() const override { return {}; }

  [[nodiscard]] ThresholdScale scale() const override { return {1, 1e4, false, false}; }

  [[nodiscard]] double threshold() const override { return options_.n; }

  [[nodiscard]] Selection select(std::span<const SliceFacts> slices,
                                 double threshold) const override {
    Selection selection;
    double bin = -1;
    for (std::size_t slice = 0; slice < slices.size(); ++slice) {
      const double at = std::floor(static_cast<double>(slice) / threshold);
      if (at != bin) {
        bin = at;
        selection.kept.push_back(slice);
      }
      selection.stands_for.push_back(selection.kept.back());
    }
    return selection;
  }

  [[nodiscard]] double measure(const SliceFacts&, const SliceFacts&) const override {
    return options_.n;
  }

  [[nodiscard]] std::string measure_text(double measure) const override {
    return fmt::format("one slice in {:g}", measure);
  }

  [[nodiscard]] std::string measure_name() const override { return "one slice in"; }

 private:
  EveryNOptions options_;
};

}  // namespace

std::unique_ptr<SliceFilter> make_every_n(const ConfigSection& options, SelectionRule) {
  return std::make_unique<EveryN>(options.parse<EveryNOptions>());
}

}  // namespace marrow
