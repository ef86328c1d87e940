#pragma once

#include "volumes/reduction/redundancy_filter.h"

namespace marrow {

struct EveryNOptions {
  static constexpr std::string_view kName = "every_n";

  double n = 3;

  template <class Visit>
  void describe(Visit&& visit) {
    visit("n", n, Range{1.0, 1e6}, "one slice in so many is kept; need not be whole");
  }
};

// The control that every measure must beat: of the slices of a group the first is kept, and then
// one in n, whatever they show.
[[nodiscard]] std::unique_ptr<SliceFilter> make_every_n(const ConfigSection& options,
                                                        SelectionRule);

}  // namespace marrow
