#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/planted_set.h"
#include "volumes/reduction/compared_pictures.h"
#include "volumes/reduction/reduction_item.h"
#include "volumes/reduction/redundancy_filter.h"

namespace marrow {

// Facts of one slice, and of its copy for each of kPlantedChanges; pictures lie in PlantedArchive.
struct PlantedSlice {
  std::size_t scan = 0;  // of PlantedArchive::scans
  SliceFacts original;
  std::vector<SliceFacts> copies;
};

// One scan of a kind, and its copies.
struct PlantedScan {
  std::string name;
  std::int64_t pixels = 0;  // of a slice
  ReductionItem original;
  std::vector<ReductionItem> copies;
  std::vector<ReductionItem> stacks;  // the other stacks of its series: times, directions, ...
  std::vector<std::size_t> chosen;    // slices, in anatomical order
};

struct PlantedArchive {
  std::vector<PlantedScan> scans;
  std::vector<PlantedSlice> slices;
  std::unique_ptr<ComparedPictures> pictures;  // those of slices point into it
  std::deque<std::vector<float>> vectors;      // and their features into this
};

struct PlantedOptions {
  std::int64_t slices = 200;
  double apart_mm = 20;     // between two originals of one scan
  double margin = 0.1;      // of a scan's slices, at either end, from which none is taken
  double entropy_bits = 2;  // an original has more: no mask, no air
  std::int64_t side = 24;   // smallest side of an original
  std::int64_t fewest = 5;  // slices of a scan
  std::uint64_t seed = 17;
  PlantedAmounts amounts;
  // What an encoder sees in the slices of a volume, in anatomical order, one after the other, each
  // of length 1; may be empty.
  std::function<std::vector<float>(const Volume&)> embed = nullptr;
};

// Looks for scans of CT and MR below `data`: one volume of every series, none twice, no masks, no
// labels and no reference conversions. Takes slices from those with the largest pictures first, and
// makes the copies of all of them. The same data and seed give the same answer.
[[nodiscard]] PlantedArchive plant_copies(const std::filesystem::path& data,
                                          const std::filesystem::path& scratch,
                                          const PlantedOptions& options);

}  // namespace marrow
