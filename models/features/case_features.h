#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/options.h"
#include "core/volume.h"
#include "models/encoder.h"
#include "models/training/precision.h"

namespace marrow {

struct FeatureOptions {
  static constexpr std::string_view kName = "embed";

  std::string stages = "last";
  std::int64_t batch = 8;

  template <class Visit>
  void describe(Visit&& visit) {
    visit("stages",
          stages,
          OneOf{{"last", "all"}},
          "last: the channels of the encoder's last stage; all: of every stage, finest first");
    visit("batch", batch, Range{1, 4096}, "slices (2D) or tiles (3D) in the network at a time");
  }
};

// Channels of the stages that are taken, in all: the length of a row of features.
[[nodiscard]] std::int64_t feature_dimensions(const Encoder& encoder,
                                              const FeatureOptions& options);

// What an encoder sees in a volume, pooled: means over positions of its maps.
struct CaseFeatures {
  std::int64_t dimensions = 0;
  std::vector<float> volume;  // the mean of all slices
  std::vector<float> slices;  // of the slices as acquired, in anatomical order, one after the other
};

// `channels`: the case prepared by the encoder's recipe; `source`: the grid that it had before,
// whose slices (slice_axis) are looked at: each is the plane of the prepared volume nearest to it.
//
// A 2D encoder sees those planes whole, whichever way they lie. A 3D encoder sees tiles of `tile`
// (D, H, W), of which neighbours share half; the features of a slice are the mean over the cells of
// the maps that it runs through. Planes are continued to a multiple of the encoder's stride, and
// small volumes to a tile, with the smallest value, and cells beyond the volume do not count.
//
// The encoder is in eval mode and on the device where the work is done. Throws
// Error{kInvalidArgument} when the channels are not those that the encoder takes.
[[nodiscard]] CaseFeatures case_features(Encoder& encoder,
                                         const std::vector<Volume>& channels,
                                         const Geometry& source,
                                         const std::vector<std::int64_t>& tile,
                                         const FeatureOptions& options,
                                         const ComputeMode& mode);

}  // namespace marrow
