#pragma once

#include "volumes/reduction/redundancy_filter.h"

namespace marrow {

struct EntropyOptions {
  static constexpr std::string_view kName = "entropy";

  double bits = 1;

  template <class Visit>
  void describe(Visit&& visit) {
    visit("bits", bits, Range{0.0, 8.0}, "slices whose grey values have less entropy go");
  }
};

// Leaves out slices that show next to nothing: the entropy of their 256 grey values lies below a
// limit. No slice stands for them. A slice of one value has 0 bits.
[[nodiscard]] std::unique_ptr<SliceFilter> make_entropy(const ConfigSection& options,
                                                        SelectionRule);

}  // namespace marrow
