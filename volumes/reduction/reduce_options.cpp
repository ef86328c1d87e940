#include "volumes/reduction/reduce_options.h"

#include <fmt/format.h>

#include "core/error.h"

namespace marrow {

void check_reduce(const ReduceOptions& options) {
  if (options.window_hu.size() != 2 || !(options.window_hu[0] < options.window_hu[1])) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("reduce.window_hu: expected two rising numbers, found {} of them",
                            options.window_hu.size()));
  }
  if (options.slice_filters.empty()) {
    const char* const without = options.keep_share > 0     ? "keep_share"
                                : !options.curve.empty()   ? "curve"
                                : !options.compare.empty() ? "compare"
                                                           : nullptr;
    if (without != nullptr) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("reduce.{} needs a filter in reduce.slice_filters", without));
    }
    if (options.volume_filters.empty()) {
      throw Error(ErrorCode::kInvalidArgument,
                  "reduce: neither volume_filters nor slice_filters names a filter");
    }
  }
}

PictureOptions picture_options(const ReduceOptions& options) {
  return {options.picture == "window" ? PictureScale::kWindow : PictureScale::kSliceMinMax,
          options.window_hu[0],
          options.window_hu[1]};
}

}  // namespace marrow
