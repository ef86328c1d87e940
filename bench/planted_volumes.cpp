#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "bench/planted_tables.h"
#include "core/config/config.h"
#include "volumes/reduction/volume_filter.h"
#include "volumes/reduction/volume_filters.h"

namespace marrow {

namespace {

// Settings of volume_hash: bits of the volume, and of a slice (64: slices are not looked at).
const std::vector<VolumeHashOptions>& volume_settings() {
  static const std::vector<VolumeHashOptions> settings = {{0, 64},
                                                          {2, 64},
                                                          {4, 64},
                                                          {6, 64},
                                                          {8, 64},
                                                          {12, 64},
                                                          {16, 64},
                                                          {20, 64},
                                                          {12, 1},
                                                          {12, 2},
                                                          {12, 3},
                                                          {12, 4},
                                                          {20, 2}};
  return settings;
}

using Scans = std::vector<const PlantedScan*>;

PlantedOutcome try_volumes(const Scans& scans, const VolumeFilter& filter) {
  std::vector<ReductionItem> originals;
  for (const PlantedScan* const scan : scans) {
    originals.push_back(scan->original);
  }
  PlantedOutcome all;
  all.false_originals = std::ssize(filter.drops({originals, by_preference(originals), {}}));
  for (std::size_t change = 0; change < kPlantedChanges.size(); ++change) {
    std::vector<ReductionItem> items = originals;
    for (const PlantedScan* const scan : scans) {
      items.push_back(scan->copies[change]);
    }
    for (const VolumeDrop& drop : filter.drops({items, by_preference(items), {}})) {
      const bool copy = drop.kept && *drop.kept % scans.size() == drop.item % scans.size();
      all.found[change] += copy ? 1 : 0;
      all.false_copies += !copy && drop.item >= scans.size() ? 1 : 0;
    }
  }
  return all;
}

std::unique_ptr<VolumeFilter> volume_filter(const std::string& name, const std::string& yaml) {
  const Config config = Config::from_text(yaml, "planted_bench");
  return volume_filters().find(name).make(config.section(name));
}

std::unique_ptr<VolumeFilter> hash_filter(const VolumeHashOptions& options) {
  return volume_filter(
      "volume_hash",
      fmt::format(
          "volume_hash: {{threshold: {}, slice_bits: {}}}", options.threshold, options.slice_bits));
}

std::string setting_name(const VolumeHashOptions& options) {
  return options.slice_bits < 64 ? fmt::format("{}, {:g}", options.threshold, options.slice_bits)
                                 : fmt::format("{}", options.threshold);
}

// Stacks of one series: times, directions, echoes. What is left out of them, for one of them.
void stacks_table(const Scans& scans) {
  std::string head = "| series of several stacks | stacks | `exact` |";
  std::string line = "| --- | ---: | ---: |";
  for (const VolumeHashOptions& options : volume_settings()) {
    head += fmt::format(" {} |", setting_name(options));
    line += " ---: |";
  }
  fmt::print("\n{}\n{}\n", head, line);
  for (const PlantedScan* const scan : scans) {
    if (scan->stacks.empty()) {
      continue;
    }
    std::vector<ReductionItem> items{scan->original};
    items.insert(items.end(), scan->stacks.begin(), scan->stacks.end());
    const auto dropped = [&](const VolumeFilter& filter) {
      return filter.drops({items, by_preference(items), {}}).size();
    };
    fmt::print(
        "| {} | {} | {} |", scan->name, items.size(), dropped(*volume_filter("exact", "{}")));
    for (const VolumeHashOptions& options : volume_settings()) {
      fmt::print(" {} |", dropped(*hash_filter(options)));
    }
    fmt::print("\n");
  }
}

void volumes_table(const Scans& scans, const std::string& what) {
  fmt::print("\n{} {}\n", scans.size(), what);
  print_planted_head("volumes: filter, bits of the volume, of a slice");
  const auto line = [&](const std::string& name, const VolumeFilter& filter) {
    print_planted_row(name, try_volumes(scans, filter), scans.size());
  };
  line("`exact`", *volume_filter("exact", "{}"));
  line("`volume_hash` (default)", *volume_filter("volume_hash", "{}"));
  for (const VolumeHashOptions& options : volume_settings()) {
    line("`volume_hash` " + setting_name(options), *hash_filter(options));
  }
}

}  // namespace

void print_volume_tables(const PlantedArchive& archive) {
  Scans large, small;
  for (const PlantedScan& scan : archive.scans) {
    (scan.pixels < kSmallPicture ? small : large).push_back(&scan);
  }
  volumes_table(large, "scans of 64 x 64 and more");
  volumes_table(small, "smaller ones");
  stacks_table(large);
}

}  // namespace marrow
