#include "volumes/reduction/reduce_cases.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>

#include <fmt/format.h>

#include "core/error.h"
#include "volumes/reduction/read_fingerprints.h"
#include "volumes/reduction/redundancy_filter.h"
#include "volumes/reduction/slice_table.h"
#include "volumes/reduction/threshold_search.h"
#include "volumes/reduction/vector_checks.h"
#include "volumes/reduction/volume_filter.h"

namespace marrow {

namespace {

template <class Filter>
struct Named {
  std::string name, summary;
  std::unique_ptr<Filter> filter;
};

using NamedFilter = Named<SliceFilter>;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

class ReduceRun {
 public:
  ReduceRun(std::vector<ReductionItem>& items,
            VolumeSource& source,
            const Config& config,
            const UnitRows& target,
            std::int64_t threads)
      : items_(items),
        source_(source),
        target_(target),
        options_(config.section(ReduceOptions::kName).parse<ReduceOptions>()),
        threads_(threads) {
    check_reduce(options_);
    // Every filter is made before anything is read, so that a wrong name or threshold costs no
    // time.
    const SelectionRule rule = selection_rule_from_name(options_.rule);
    const auto slice_filter = [&](const std::string& name) -> NamedFilter {
      const auto& part = slice_filters().find(name);
      return {name, part.summary, part.make(config.section(name), rule)};
    };
    for (const std::string& name : options_.slice_filters) {
      chosen_.push_back(slice_filter(name));
    }
    for (const std::string& name : options_.compare) {
      compared_.push_back(slice_filter(name));
    }
    for (const std::string& name : options_.volume_filters) {
      const auto& part = volume_filters().find(name);
      volumes_.push_back({name, part.summary, part.make(config.section(name))});
    }
    if (!chosen_.empty()) {
      const ThresholdScale scale = chosen_.back().filter->scale();
      for (const double threshold : options_.curve) {
        if (threshold < scale.low || threshold > scale.high) {
          throw Error(ErrorCode::kInvalidArgument,
                      fmt::format("reduce.curve: {} takes thresholds of {:g} to {:g}, found {:g}",
                                  chosen_.back().name,
                                  scale.low,
                                  scale.high,
                                  threshold));
        }
      }
    }
    check_needs();
    whole_.assign(items.size(), false);
  }

  ReduceResult run(FingerprintCache& cache, const std::filesystem::path& scratch) {
    result_.issues = read_fingerprints(items_, source_, picture_options(options_), cache, threads_);
    const auto read = std::count_if(
        items_.begin(), items_.end(), [](const ReductionItem& item) { return item.read; });
    if (read == 0) {
      throw Error(ErrorCode::kNothingFound,
                  result_.issues.empty()
                      ? std::string("reduce: there are no volumes to look at")
                      : fmt::format("reduce: none of {} volumes could be read; the first: {}",
                                    items_.size(),
                                    result_.issues.front().reason));
    }
    check_vectors_fit(items_, options_.vectors);
    result_.cases = static_cast<std::int64_t>(items_.size());
    for (const ReductionItem& item : items_) {
      result_.slices += item.read && !item.held_out ? item.fingerprint.size() : 0;
    }
    drop_volumes();
    reduce_slices(scratch);
    result_.kept_cases =
        result_.cases - static_cast<std::int64_t>(result_.reduction.dropped.size());
    std::sort(result_.reduction.dropped.begin(),
              result_.reduction.dropped.end(),
              [](const DroppedCase& a, const DroppedCase& b) { return a.key < b.key; });
    return std::move(result_);
  }

 private:
  void check_needs() const {
    for (const std::vector<NamedFilter>* some : {&chosen_, &compared_}) {
      for (const NamedFilter& one : *some) {
        check_vectors_given(one.name, {one.filter->needs().vectors, false}, items_, target_);
      }
    }
    for (const Named<VolumeFilter>& one : volumes_) {
      check_vectors_given(one.name, one.filter->needs(), items_, target_);
    }
  }

  void drop_volumes() {
    for (const Named<VolumeFilter>& one : volumes_) {
      const auto start = std::chrono::steady_clock::now();
      std::vector<std::size_t> order = by_preference(items_);
      std::erase_if(order, [this](std::size_t n) { return static_cast<bool>(whole_[n]); });
      const std::vector<VolumeDrop> drops = one.filter->drops({items_, order, target_});
      for (const VolumeDrop& drop : drops) {
        whole_[drop.item] = true;
        result_.reduction.dropped.push_back({items_[drop.item].one.key,
                                             one.name,
                                             drop.kept ? items_[*drop.kept].one.key : "",
                                             drop.measure,
                                             drop.because});
      }
      result_.filters.push_back({one.name,
                                 one.summary,
                                 one.filter->threshold_text(),
                                 static_cast<std::int64_t>(drops.size()),
                                 0,
                                 true,
                                 seconds_since(start)});
      count_concepts(one, order);
    }
  }

  void count_concepts(const Named<VolumeFilter>& one, const std::vector<std::size_t>& before) {
    std::map<std::string, ConceptChange> changes;
    for (const std::size_t n : before) {
      for (const std::string& name : one.filter->concepts(items_[n])) {
        ConceptChange& change =
            changes.try_emplace(name, ConceptChange{one.name, name}).first->second;
        ++change.before;
        change.after += whole_[n] ? 0 : 1;
      }
    }
    const auto first = static_cast<std::ptrdiff_t>(result_.concepts.size());
    for (auto& [name, change] : changes) {
      result_.concepts.push_back(std::move(change));
    }
    std::stable_sort(
        result_.concepts.begin() + first,
        result_.concepts.end(),
        [](const ConceptChange& a, const ConceptChange& b) { return a.before > b.before; });
  }

  void reduce_slices(const std::filesystem::path& scratch) {
    std::vector<std::size_t> order;
    for (std::size_t n = 0; n < items_.size(); ++n) {
      if (items_[n].read && !items_[n].held_out && !whole_[n]) {
        order.push_back(n);
      }
    }
    std::sort(order.begin(), order.end(), [this](std::size_t a, std::size_t b) {
      return items_[a].one.key < items_[b].one.key;
    });
    table_ = slice_table(items_, order, options_);
    left_.assign(table_.places.size(), true);
    dropped_.assign(table_.places.size(), {});
    const auto needs_pictures = [](const NamedFilter& one) { return one.filter->needs().pictures; };
    if (std::any_of(chosen_.begin(), chosen_.end(), needs_pictures) ||
        std::any_of(compared_.begin(), compared_.end(), needs_pictures)) {
      add_pictures(table_, items_, source_, picture_options(options_), scratch);
    }
    for (const NamedFilter& one : chosen_) {
      apply(one, &one == &chosen_.back());
    }
    collect(order);
  }

  [[nodiscard]] std::int64_t kept_at(const SliceFilter& filter, double threshold) const {
    return count_kept(select_groups(table_, left_, filter, threshold, threads_));
  }

  [[nodiscard]] std::int64_t count_kept(const std::vector<std::size_t>& stands_for) const {
    std::int64_t kept = 0;
    for (std::size_t n = 0; n < stands_for.size(); ++n) {
      kept += left_[n] && stands_for[n] == n ? 1 : 0;
    }
    return kept;
  }

  void apply(const NamedFilter& one, bool last) {
    const auto start = std::chrono::steady_clock::now();
    double threshold = one.filter->threshold();
    if (last && options_.keep_share > 0) {
      const auto given = std::count(left_.begin(), left_.end(), true);
      const auto wanted =
          static_cast<std::int64_t>(options_.keep_share * static_cast<double>(given) + 0.5);
      threshold = find_threshold(one.filter->scale(), wanted, [&](double tried) {
                    return kept_at(*one.filter, tried);
                  }).threshold;
    }
    const std::vector<std::size_t> stands_for =
        select_groups(table_, left_, *one.filter, threshold, threads_);
    if (last) {
      describe_last(one, threshold, stands_for);
    }
    std::int64_t dropped = 0;
    for (std::size_t n = 0; n < stands_for.size(); ++n) {
      if (left_[n] && stands_for[n] != n) {
        const std::size_t by = stands_for[n];
        const SliceFacts& kept = table_.facts[by == kNoSlice ? n : by];
        dropped_[n] = {by, one.filter->measure(kept, table_.facts[n]), &one};
        left_[n] = false;
        ++dropped;
      }
    }
    result_.filters.push_back({one.name,
                               one.summary,
                               fmt::format("{} {:g}{}{}",
                                           one.filter->measure_name(),
                                           threshold,
                                           one.filter->unit().empty() ? "" : " ",
                                           one.filter->unit()),
                               0,
                               dropped,
                               false,
                               seconds_since(start)});
  }

  // The curve, and what others would keep: before `left_` changes.
  void describe_last(const NamedFilter& one,
                     double threshold,
                     const std::vector<std::size_t>& stands_for) {
    result_.measure = one.filter->measure_name();
    result_.unit = one.filter->unit();
    result_.threshold = threshold;
    for (const double other : options_.curve) {
      result_.curve.push_back({other, kept_at(*one.filter, other)});
    }
    const std::int64_t kept = count_kept(stands_for);
    for (const NamedFilter& other : compared_) {
      const FoundThreshold found = find_threshold(
          other.filter->scale(), kept, [&](double tried) { return kept_at(*other.filter, tried); });
      const std::vector<std::size_t> theirs =
          select_groups(table_, left_, *other.filter, found.threshold, threads_);
      std::int64_t both = 0;
      for (std::size_t n = 0; n < theirs.size(); ++n) {
        both += left_[n] && stands_for[n] == n && theirs[n] == n ? 1 : 0;
      }
      result_.measures.push_back(
          {other.name,
           found.threshold,
           found.kept,
           kept == 0 ? 0 : static_cast<double>(both) / static_cast<double>(kept)});
    }
  }

  void collect(const std::vector<std::size_t>& order) {
    std::map<std::size_t, ReducedCase> cases;
    for (const std::size_t n : order) {
      const CaseFingerprint& found = items_[n].fingerprint;
      cases[n] = {items_[n].one.key, found.axis, found.size(), {}};
    }
    const auto source_of = [this](std::size_t place) {
      const SlicePlace& at = table_.places[place];
      return items_[at.item].fingerprint.slices[at.slice].source;
    };
    std::map<std::size_t, std::int64_t> kept_slices;
    for (std::size_t n = 0; n < table_.places.size(); ++n) {
      const std::size_t item = table_.places[n].item;
      if (left_[n]) {
        ++result_.kept_slices;
        ++kept_slices[item];
        continue;
      }
      // What stands for a slice may itself have been left out by a later filter.
      std::size_t by = dropped_[n].by;
      while (by != kNoSlice && !left_[by]) {
        by = dropped_[by].by;
      }
      cases[item].dropped.push_back({source_of(n),
                                     dropped_[n].filter->name,
                                     by == kNoSlice ? "" : items_[table_.places[by].item].one.key,
                                     by == kNoSlice ? -1 : source_of(by),
                                     dropped_[n].measure});
    }
    for (auto& [item, reduced] : cases) {
      std::sort(reduced.dropped.begin(),
                reduced.dropped.end(),
                [](const DroppedSlice& a, const DroppedSlice& b) { return a.slice < b.slice; });
      if (kept_slices[item] == 0 && reduced.slices > 0 && items_[item].labels.empty()) {
        result_.reduction.dropped.push_back({reduced.key,
                                             reduced.dropped.front().filter,
                                             reduced.dropped.front().kept_key,
                                             reduced.dropped.front().measure,
                                             "each of its slices is left out"});
        ++std::find_if(result_.filters.begin(), result_.filters.end(), [&](const auto& one) {
            return !one.of_volumes && one.name == reduced.dropped.front().filter;
          })->dropped_cases;
      }
      result_.reduction.cases.push_back(std::move(reduced));
    }
    std::sort(result_.reduction.cases.begin(),
              result_.reduction.cases.end(),
              [](const ReducedCase& a, const ReducedCase& b) { return a.key < b.key; });
  }

  struct Dropped {
    std::size_t by = kNoSlice;
    double measure = 0;
    const NamedFilter* filter = nullptr;
  };

  std::vector<ReductionItem>& items_;
  VolumeSource& source_;
  const UnitRows target_;
  const ReduceOptions options_;
  const std::int64_t threads_;
  std::vector<NamedFilter> chosen_, compared_;
  std::vector<Named<VolumeFilter>> volumes_;
  std::vector<bool> whole_;  // items that are left out as a whole
  SliceTable table_;
  std::vector<bool> left_;
  std::vector<Dropped> dropped_;
  ReduceResult result_;
};

}  // namespace

ReduceResult reduce_cases(std::vector<ReductionItem>& items,
                          VolumeSource& source,
                          const Config& config,
                          FingerprintCache& cache,
                          const std::filesystem::path& scratch,
                          std::int64_t threads,
                          const UnitRows& target) {
  return ReduceRun(items, source, config, target, threads).run(cache, scratch);
}

}  // namespace marrow
