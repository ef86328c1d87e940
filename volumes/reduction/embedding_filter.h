#pragma once

#include <memory>
#include <string_view>

#include "core/config/options.h"
#include "volumes/reduction/redundancy_filter.h"
#include "volumes/reduction/volume_filter.h"

namespace marrow {

struct EmbeddingOptions {
  static constexpr std::string_view kName = "embedding";

  double threshold = 0.9995;

  template <class Visit>
  void describe(Visit&& visit) {
    visit("threshold",
          threshold,
          Range{-1.0, 1.0},
          "slices whose features have at least this cosine are alike");
  }
};

struct VolumeEmbeddingOptions {
  static constexpr std::string_view kName = "volume_embedding";

  double threshold = 0.9999;
  std::string index = "auto";
  std::int64_t neighbours = 64;

  template <class Visit>
  void describe(Visit&& visit) {
    visit("threshold",
          threshold,
          Range{-1.0, 1.0},
          "volumes whose features have at least this cosine are alike");
    visit("index",
          index,
          OneOf{{"auto", "exact", "graph"}},
          "exact compares all pairs; graph (HNSW) asks each volume for its nearest ones and may "
          "miss some; auto: graph above 200,000 volumes");
    visit("neighbours", neighbours, Range{1, 10'000}, "that graph asks for");
  }
};

// Redundancy by what an encoder sees (`reduce.vectors`): cosine of features pooled over a slice or
// a volume.
[[nodiscard]] std::unique_ptr<SliceFilter> make_embedding(const ConfigSection& options,
                                                          SelectionRule rule);
[[nodiscard]] std::unique_ptr<VolumeFilter> make_volume_embedding(const ConfigSection& options);

}  // namespace marrow
