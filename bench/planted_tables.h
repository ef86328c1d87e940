#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "bench/planted_archive.h"

namespace marrow {

// What a filter did. Originals are the same in every run, so those left out for others are counted
// once; copies of each change were planted by themselves.
struct PlantedOutcome {
  std::array<std::int64_t, kPlantedChanges.size()> found{};
  std::int64_t false_originals = 0, false_copies = 0;
};

// Scans with smaller slices are crops; they have tables of their own.
inline constexpr std::int64_t kSmallPicture = 64 * 64;

// A row of Markdown: recall of each change in % of the originals, and what was wrong.
void print_planted_head(const std::string& what);
void print_planted_row(const std::string& name,
                       const PlantedOutcome& outcome,
                       std::size_t originals);

// What the filters of volumes do, for large and small scans, and to the stacks of one series.
void print_volume_tables(const PlantedArchive& archive);
// What the filters that compare slices do, without copies and with them; no names: all of them.
void print_control_table(const PlantedArchive& archive, const std::vector<std::string>& filters);
void print_slice_table(const PlantedArchive& archive,
                       const std::vector<std::string>& filters,
                       std::int64_t threads);

}  // namespace marrow
