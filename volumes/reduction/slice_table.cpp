#include "volumes/reduction/slice_table.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <string>

#include "core/error.h"
#include "core/interrupt.h"
#include "core/parallel_jobs.h"
#include "core/progress.h"
#include "volumes/fingerprints/lanczos_resize.h"

namespace marrow {

namespace {

std::string group_of(const ReductionItem& item, const std::string& scope) {
  return scope == "volume" ? item.one.key : scope == "patient" ? item.one.patient : "";
}

}  // namespace

SliceTable slice_table(const std::vector<ReductionItem>& all,
                       const std::vector<std::size_t>& items,
                       const ReduceOptions& options) {
  SliceTable table;
  std::map<std::string, std::vector<std::size_t>> groups;
  for (const std::size_t item : items) {
    const std::vector<SliceFingerprint>& slices = all[item].fingerprint.slices;
    std::vector<std::size_t> order(slices.size());
    for (std::size_t n = 0; n < order.size(); ++n) {
      order[n] = n;
    }
    if (options.order == "lexicographic") {
      std::sort(order.begin(), order.end(), [](std::size_t a, std::size_t b) {
        return std::to_string(a) < std::to_string(b);
      });
    }
    std::vector<std::size_t>& group = groups[group_of(all[item], options.scope)];
    for (const std::size_t n : order) {
      group.push_back(table.places.size());
      table.places.push_back({item, n});
      SliceFacts facts;
      facts.difference_hash = slices[n].difference_hash;
      facts.perceptual_hash = slices[n].perceptual_hash;
      facts.entropy_bits = slices[n].entropy_bits;
      if (!all[item].vectors.slices.empty()) {
        facts.vector = all[item].vectors.slice(n);
      }
      table.facts.push_back(facts);
    }
  }
  for (auto& [name, group] : groups) {
    table.groups.push_back(std::move(group));
  }
  return table;
}

void add_pictures(SliceTable& table,
                  const std::vector<ReductionItem>& all,
                  VolumeSource& source,
                  const PictureOptions& options,
                  const std::filesystem::path& scratch) {
  table.pictures = std::make_unique<ComparedPictures>(scratch, table.places.size());
  Progress progress("pictures",
                    static_cast<std::int64_t>(table.places.size()),
                    "slices",
                    default_progress_style());
  for (std::size_t first = 0; first < table.places.size();) {
    throw_if_interrupted("reducing");
    const std::size_t item = table.places[first].item;
    const Case& one = all[item].one;
    const SlicePictures read =
        slice_pictures(source.volume(one.images.front()), one.modality, options);
    MARROW_CHECK(read.count == all[item].fingerprint.size());
    const LanczosResize resize({read.columns, read.rows}, {kComparedSide, kComparedSide});
    for (; first < table.places.size() && table.places[first].item == item; ++first) {
      resize.resize(read.picture(static_cast<std::int64_t>(table.places[first].slice)).pixels,
                    table.pictures->pixels(first));
      table.facts[first].picture = table.pictures->picture(first);
      progress.advance();
    }
  }
}

std::vector<std::size_t> select_groups(const SliceTable& table,
                                       const std::vector<bool>& left,
                                       const SliceFilter& filter,
                                       double threshold,
                                       std::int64_t threads) {
  std::vector<std::size_t> stands_for(table.places.size(), kNoSlice);
  parallel_jobs(std::ssize(table.groups), threads, "reducing", [&](std::int64_t n) {
    std::vector<std::size_t> places;
    std::vector<SliceFacts> facts;
    for (const std::size_t place : table.groups[static_cast<std::size_t>(n)]) {
      if (left[place]) {
        places.push_back(place);
        facts.push_back(table.facts[place]);
      }
    }
    const Selection selection = filter.select(facts, threshold);
    for (std::size_t slice = 0; slice < places.size(); ++slice) {
      const std::size_t by = selection.stands_for[slice];
      stands_for[places[slice]] = by == kNoSlice ? kNoSlice : places[by];
    }
  });
  return stands_for;
}

}  // namespace marrow
