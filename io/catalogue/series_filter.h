#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/options.h"
#include "core/records.h"

namespace marrow {

// Which of the usable series are wanted: the `select:` section of a `prepare` configuration.
struct SelectOptions {
  static constexpr std::string_view kName = "select";

  std::vector<std::string> planes = {};   // "axial", ...; empty: all
  std::vector<std::string> kernels = {};  // beginnings; empty: all
  std::vector<double> thickness_mm = {};  // low and high; empty: all
  std::string contrast = "any";           // "any" | "yes" | "no"
  std::int64_t minimum_slices = 1;        // along the shortest axis
  std::vector<std::string> exclude = {};  // words of ImageType

  template <class Visit>
  void describe(Visit&& visit) {
    visit("planes", planes, "axial, coronal, sagittal or oblique; empty takes all");
    visit("kernels", kernels, "CT kernels, or their beginnings (\"B30\"); empty takes all");
    visit("thickness_mm",
          thickness_mm,
          Range{0.0, 1000.0},
          "smallest and largest distance from slice to slice in mm; empty takes all");
    visit("contrast",
          contrast,
          OneOf{{"any", "yes", "no"}},
          "yes: only series whose header names a contrast agent; no: only those without");
    visit("minimum_slices", minimum_slices, Range{1, 100'000}, "series with fewer are left out");
    visit("exclude",
          exclude,
          "words of the image type that leave a series out (DERIVED, MPR, ADC, ...)");
  }
};

// Throws Error{kInvalidArgument} for a word that is no plane, or a range that is not two rising
// numbers.
void check_select(const SelectOptions& options);

// "axial", "coronal" or "sagittal" when the slices' normal is within 20 degrees of that axis, else
// "oblique"; "" without a grid.
[[nodiscard]] std::string_view slice_plane(const SeriesRecord& record);

// Why the series is not wanted, as a phrase ("kernel B70f, wanted B30"); empty when it is. A series
// that does not say what is asked for is not wanted.
[[nodiscard]] std::string not_wanted_because(const SeriesRecord& record,
                                             const SelectOptions& options);

}  // namespace marrow
