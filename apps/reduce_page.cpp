#include "apps/reduce_page.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include <fmt/format.h>

#include "apps/cli.h"
#include "apps/run_folder.h"
#include "clinical/report/reduction_page.h"
#include "core/error.h"
#include "core/log.h"
#include "core/progress.h"
#include "volumes/reduction/flag_filters.h"
#include "volumes/reduction/outlier_filter.h"
#include "volumes/reduction/redundancy_filter.h"

namespace marrow {

namespace {

constexpr std::size_t kPairsOfGroup = 6;

struct Pair {
  const ReducedCase* reduced = nullptr;
  const DroppedSlice* slice = nullptr;
};

// At most two of a case, so that one odd series does not fill the page.
std::vector<Pair> spread(const std::vector<Pair>& sorted, std::size_t from) {
  std::map<std::string, int> of_case;
  std::vector<Pair> chosen;
  for (std::size_t n = from; n < sorted.size() && chosen.size() < kPairsOfGroup; ++n) {
    if (++of_case[sorted[n].reduced->key] <= 2) {
      chosen.push_back(sorted[n]);
    }
  }
  return chosen;
}

class Gallery {
 public:
  Gallery(const std::vector<ReductionItem>& items,
          const ReduceOptions& options,
          VolumeSource& source)
      : options_(picture_options(options)), source_(source) {
    for (const ReductionItem& item : items) {
      of_key_[item.one.key] = &item;
    }
  }

  void add(const std::vector<Pair>& pairs,
           PairGroup group,
           const SliceFilter& filter,
           std::vector<ReductionPair>& gallery) {
    for (const Pair& pair : pairs) {
      if (!shown_.insert({pair.reduced->key, pair.slice->slice}).second) {
        continue;
      }
      try {
        ReductionPair made;
        made.group = group;
        made.dropped = picture(pair.reduced->key, pair.slice->slice);
        made.kept = picture(pair.slice->kept_key, pair.slice->kept_slice);
        made.filter = pair.slice->filter;
        made.measure = filter.measure_text(pair.slice->measure);
        made.same_volume = pair.slice->kept_key == pair.reduced->key;
        gallery.push_back(std::move(made));
      } catch (const Error& error) {
        log::warn(std::string("reduce: not shown on the page: ") + error.what());
      }
    }
  }

 private:
  ReductionPicture picture(const std::string& key, std::int64_t slice) {
    const ReductionItem& item = *of_key_.at(key);
    if (key != read_key_) {
      read_ = slice_pictures(source_.volume(item.one.images.front()), item.one.modality, options_);
      read_key_ = key;
    }
    const auto at = std::find(read_.source.begin(), read_.source.end(), slice);
    MARROW_CHECK(at != read_.source.end());
    const GreyPicture grey = read_.picture(at - read_.source.begin());
    ReductionPicture made;
    made.columns = grey.columns;
    made.rows = grey.rows;
    made.column_mm = read_.column_mm;
    made.row_mm = read_.row_mm;
    made.pixels.assign(grey.pixels.begin(), grey.pixels.end());
    made.left = read_.plane == 0 ? "A" : "R";
    made.right = read_.plane == 0 ? "P" : "L";
    made.top = read_.plane == 2 ? "A" : "S";
    made.bottom = read_.plane == 2 ? "P" : "I";
    if (read_.count == 1) {  // a picture knows nothing of a patient's sides
      made.left = made.right = made.top = made.bottom = "";
      made.column_mm = made.row_mm = 0;
    }
    made.series = key;
    made.slice = slice + 1;
    return made;
  }

  PictureOptions options_;
  VolumeSource& source_;
  std::map<std::string, const ReductionItem*> of_key_;
  std::set<std::pair<std::string, std::int64_t>> shown_;
  SlicePictures read_;
  std::string read_key_;
};

void add_gallery(const CommandContext& context,
                 const std::vector<ReductionItem>& items,
                 const ReduceOptions& options,
                 const ReduceResult& result,
                 VolumeSource& source,
                 ReductionInput& input) {
  if (options.slice_filters.empty()) {
    return;
  }
  const std::string& last = options.slice_filters.back();
  const std::unique_ptr<SliceFilter> filter = slice_filters().find(last).make(
      context.config.section(last), selection_rule_from_name(options.rule));
  std::vector<Pair> pairs;
  for (const ReducedCase& reduced : result.reduction.cases) {
    for (const DroppedSlice& slice : reduced.dropped) {
      if (slice.filter == last && slice.kept_slice >= 0) {
        pairs.push_back({&reduced, &slice});
      }
    }
  }
  const double sign = filter->scale().larger_keeps_more ? -1 : 1;  // larger: less alike
  std::stable_sort(pairs.begin(), pairs.end(), [&](const Pair& a, const Pair& b) {
    return sign * a.slice->measure > sign * b.slice->measure;
  });
  Gallery gallery(items, options, source);
  gallery.add(spread(pairs, 0), PairGroup::kLeastAlike, *filter, input.gallery);
  gallery.add(spread(pairs, pairs.size() / 2), PairGroup::kTypical, *filter, input.gallery);
  std::reverse(pairs.begin(), pairs.end());
  gallery.add(spread(pairs, 0), PairGroup::kMostAlike, *filter, input.gallery);
}

// What the flags in use say, of volumes that stay (labelled, held out) as well; outliers are known
// by what the filter left out.
void add_flags(const std::vector<ReductionItem>& items,
               const ReduceOptions& options,
               const ReduceResult& result,
               ReductionInput& input) {
  std::set<std::string> dropped;
  for (const DroppedCase& one : result.reduction.dropped) {
    dropped.insert(one.key);
    if (one.filter == OutlierFilterOptions::kName) {
      input.flags.push_back({one.key, one.filter, one.because, true});
    }
  }
  for (const std::string& filter : options.volume_filters) {
    for (const ReductionItem& item : items) {
      const std::string phrase = item.read ? flag_phrase(filter, item) : "";
      if (!phrase.empty()) {
        input.flags.push_back({item.one.key, filter, phrase, dropped.contains(item.one.key)});
      }
    }
  }
  std::sort(
      input.flags.begin(), input.flags.end(), [](const ReductionFlag& a, const ReductionFlag& b) {
        return std::tie(a.key, a.flag) < std::tie(b.key, b.flag);
      });
}

std::string order_words(const ReduceOptions& options) {
  return options.order == "anatomical" ? "anatomical" : "by the text of the slice number";
}

}  // namespace

std::string reduce_page(const CommandContext& context,
                        const std::vector<ReductionItem>& items,
                        const ReduceOptions& options,
                        const ReduceResult& result,
                        VolumeSource& source,
                        const ReducePageFacts& facts) {
  ReductionInput input;
  input.subject = facts.subject;
  input.title = fmt::format("{} of {} slices and {} of {} volumes are kept",
                            format_count(result.kept_slices),
                            format_count(result.slices),
                            format_count(result.kept_cases),
                            format_count(result.cases));
  input.date = utc_now();
  input.settings = {
      {"Scope", "within each " + options.scope},
      {"Rule", options.rule == "greedy_reference" ? "greedy reference" : options.rule},
      {"Order", order_words(options)},
      {"Grey values",
       options.picture == "window"
           ? fmt::format("CT: {:g} to {:g} HU; others: 0.5th to 99.5th percentile of the volume",
                         options.window_hu[0],
                         options.window_hu[1])
           : "from the smallest to the largest value of each slice"}};
  input.totals.series = {result.cases, result.kept_cases};
  input.totals.slices = {result.slices, result.kept_slices};
  const auto steps = [&](std::int64_t slices) {
    return (slices + options.batch_size - 1) / options.batch_size;
  };
  input.totals.steps = {steps(result.slices), steps(result.kept_slices)};
  input.totals.batch_size = options.batch_size;
  ReductionAmount voxels;
  std::set<std::string> dropped;
  for (const DroppedCase& one : result.reduction.dropped) {
    dropped.insert(one.key);
  }
  std::map<std::string, const ReductionItem*> of_key;
  for (const ReductionItem& item : items) {
    of_key[item.one.key] = &item;
    const std::int64_t bytes = 2 * item.fingerprint.voxels;
    voxels.before += bytes;
    voxels.kept += dropped.contains(item.one.key) ? 0 : bytes;
  }
  input.totals.store_bytes = voxels;
  input.totals.store_note = "16-bit voxels on the series' own grids, before compression";
  for (const FilterResult& one : result.filters) {
    ReductionFilter filter{
        one.name, one.summary, one.dropped_cases, one.dropped_slices, one.threshold, one.seconds};
    for (const DroppedCase& volume : result.reduction.dropped) {
      const ReductionItem& item = *of_key.at(volume.key);
      const bool whole = volume.filter == one.name && one.of_volumes && !item.held_out;
      filter.dropped_slices += whole ? item.fingerprint.size() : 0;
    }
    input.filters.push_back(std::move(filter));
  }
  if (!result.curve.empty()) {
    ReductionCurve curve;
    curve.filter = options.slice_filters.back();
    curve.measure = result.measure;
    curve.unit = result.unit;
    for (const CurvePoint& point : result.curve) {
      curve.points.push_back({point.threshold, point.kept});
    }
    curve.chosen = {result.threshold, result.kept_slices};
    input.curves.push_back(std::move(curve));
  }
  for (const MatchedMeasure& one : result.measures) {
    input.measures.push_back({one.name, one.threshold, one.kept, one.agreement});
  }
  add_gallery(context, items, options, result, source, input);
  for (const DroppedCase& one : result.reduction.dropped) {
    input.dropped.push_back({one.key,
                             one.kept,
                             one.filter,
                             one.kept.empty() ? "" : fmt::format("{:g}", one.measure),
                             one.because,
                             !of_key.at(one.key)->labels.empty()});
  }
  add_flags(items, options, result, input);
  constexpr std::size_t kMostConcepts = 200;
  for (const ConceptChange& one : result.concepts) {
    if (input.concepts.size() < kMostConcepts) {
      input.concepts.push_back({one.name, {one.before, one.after}});
    }
  }
  input.list_command = facts.list_command;
  input.undo_command = facts.undo_command;
  input.notes = {
      "Hashes and similarities see grey values, not findings: a small lesion in a slice that goes "
      "is not seen as a difference. Look at the least alike pairs above before you use this.",
      "Training in 3D looks at whole volumes; decisions about slices thin 2D training only."};
  for (const Issue& issue : result.issues) {
    if (input.notes.size() < 12) {
      input.notes.push_back("Not compared: " + issue.reason + ".");
    }
  }
  input.provenance.run = "reduce";
  input.provenance.program_version = MARROW_VERSION;
  input.provenance.seed = std::to_string(context.options.seed);
  input.provenance.threads = std::to_string(context.options.threads);
  input.provenance.seconds = facts.seconds;
  input.provenance.command = context.command_line;
  input.provenance.config = facts.config_yaml;
  return reduction_page(input);
}

}  // namespace marrow
