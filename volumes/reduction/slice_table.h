#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/volume_source.h"
#include "volumes/reduction/compared_pictures.h"
#include "volumes/reduction/reduce_options.h"
#include "volumes/reduction/reduction_item.h"
#include "volumes/reduction/redundancy_filter.h"

namespace marrow {

// A slice among all: of which item, and which of its slices in anatomical order.
struct SlicePlace {
  std::size_t item = 0;
  std::size_t slice = 0;
};

// The slices of those items that take part, in groups within which one may stand for another, each
// in the order in which it is visited.
struct SliceTable {
  std::vector<SlicePlace> places;
  std::vector<SliceFacts> facts;
  std::vector<std::vector<std::size_t>> groups;  // of places
  std::unique_ptr<ComparedPictures> pictures;    // that facts point into
};

// `items`: places of those that take part, in the order of their keys.
[[nodiscard]] SliceTable slice_table(const std::vector<ReductionItem>& all,
                                     const std::vector<std::size_t>& items,
                                     const ReduceOptions& options);

// Reads the volumes again for their pictures. An item that cannot be read any more is an error.
void add_pictures(SliceTable& table,
                  const std::vector<ReductionItem>& all,
                  VolumeSource& source,
                  const PictureOptions& options,
                  const std::filesystem::path& scratch);

// What a filter says of those slices of every group for which `left` holds: for each place the one
// that stands for it (itself: kept; kNoSlice: none).
[[nodiscard]] std::vector<std::size_t> select_groups(const SliceTable& table,
                                                     const std::vector<bool>& left,
                                                     const SliceFilter& filter,
                                                     double threshold,
                                                     std::int64_t threads);

}  // namespace marrow
