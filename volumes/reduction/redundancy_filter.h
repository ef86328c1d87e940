#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "core/config/config.h"
#include "core/registry.h"
#include "volumes/reduction/slice_selection.h"
#include "volumes/reduction/slice_similarity.h"

namespace marrow {

// What a filter may look at of a slice.
struct SliceFacts {
  std::uint64_t difference_hash = 0;
  std::uint64_t perceptual_hash = 0;
  double entropy_bits = 0;
  GreyPicture picture;            // kComparedSide x kComparedSide; empty unless asked for
  std::span<const float> vector;  // of length 1; empty unless reduce.vectors names a file
};

// Side of the pictures that are compared pixel by pixel.
inline constexpr std::int64_t kComparedSide = 224;

struct SliceNeeds {
  bool pictures = false;
  bool vectors = false;
};

// Where thresholds of a filter lie, for the search of one that keeps a given number.
struct ThresholdScale {
  double low = 0, high = 1;
  bool whole = false;  // whole numbers only
  bool larger_keeps_more = true;
};

// Which slices of a volume, a patient or an archive are left out. A filter is one pair of files, a
// test, and a line in builtin_filters.cpp.
class SliceFilter {
 public:
  virtual ~SliceFilter() = default;

  [[nodiscard]] virtual SliceNeeds needs() const = 0;
  [[nodiscard]] virtual ThresholdScale scale() const = 0;
  [[nodiscard]] virtual double threshold() const = 0;  // as configured
  // Of slices in the order in which they are visited. Pure, whatever the thread.
  [[nodiscard]] virtual Selection select(std::span<const SliceFacts> slices,
                                         double threshold) const = 0;
  // How alike a dropped slice is to the one that stands for it, in the filter's measure; of a
  // filter that compares nothing, what it judged the slice by.
  [[nodiscard]] virtual double measure(const SliceFacts& kept, const SliceFacts& dropped) const = 0;
  // "3 of 64 bits differ".
  [[nodiscard]] virtual std::string measure_text(double measure) const = 0;
  // "Hamming distance", "bits": the axis of the curve.
  [[nodiscard]] virtual std::string measure_name() const = 0;

  [[nodiscard]] virtual std::string unit() const { return ""; }
};

using SliceFilterFactory =
    std::function<std::unique_ptr<SliceFilter>(const ConfigSection&, SelectionRule)>;
using SliceFilters = Registry<SliceFilterFactory>;

// every_n, dhash, phash, ssim, mutual_information, nmi, entropy, embedding: the table in
// builtin_filters.cpp.
[[nodiscard]] const SliceFilters& slice_filters();

}  // namespace marrow
