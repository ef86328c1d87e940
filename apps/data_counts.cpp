#include "apps/data_counts.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "io/catalogue/catalogue.h"
#include "io/catalogue/series_json.h"
#include "volumes/store/volume_store.h"

namespace marrow {

namespace {

using Reasons = std::map<std::string, std::int64_t>;

// Codes as a reader says them: "missing-slices" -> "missing slices".
std::string reason_words(std::string code) {
  static const std::map<std::string, std::string> kWords{
      {"cut-short", "cut short, the file is incomplete"},
      {"geometry-differs", "image and label map, or channels, on different grids"},
      {"not-finite", "more than 1 % of the voxels are no numbers"},
      {"symlink", "symbolic link, not followed"},
      {"no-permission", "no permission to read"},
  };
  if (const auto found = kWords.find(code); found != kWords.end()) {
    return found->second;
  }
  std::replace(code.begin(), code.end(), '-', ' ');
  return code;
}

// The most frequent first; none with a count of 0.
std::vector<FlowLoss> losses_of(const Reasons& reasons) {
  std::vector<FlowLoss> losses;
  for (const auto& [reason, count] : reasons) {
    if (count > 0) {
      losses.push_back({reason, count});
    }
  }
  std::stable_sort(losses.begin(), losses.end(), [](const FlowLoss& a, const FlowLoss& b) {
    return a.count > b.count;
  });
  return losses;
}

Reasons reasons_of(std::span<const Issue> issues) {
  Reasons reasons;
  for (const Issue& issue : issues) {
    ++reasons[reason_words(issue.reason_code)];
  }
  return reasons;
}

FlowStep files_found(const CatalogueCounts& counts) {
  Reasons reasons;
  for (const auto& [code, count] : counts.by_reason) {
    reasons[reason_words(code)] += count;
  }
  for (const auto& [code, count] : counts.by_reason_of_series) {
    reasons[reason_words(code)] -= count;
  }
  // Links, pipes and closed folders were found but never taken up as files.
  return {"files found", counts.files + counts.not_files, "", losses_of(reasons)};
}

// With a label map, a class or findings.
bool is_labelled(const StoredCase& info) {
  return info.has_labels || !info.targets.empty();
}

std::int64_t stored_cases(const VolumeStore& store, const std::string& split, bool labelled) {
  std::int64_t count = 0;
  for (std::int64_t index = 0; index < store.size(); ++index) {
    const StoredCase& info = store.info(index);
    count += info.split == split && (is_labelled(info) || !labelled) ? 1 : 0;
  }
  return count;
}

}  // namespace

DataFlow catalogue_flow(const Catalogue& catalogue, const PreparedSeries& prepared) {
  const std::vector<SeriesRecord> series = catalogue.series();
  Reasons lost;
  std::set<std::string> patients;
  for (const SeriesRecord& record : series) {
    patients.insert(record.patient);
    if (!is_kept(record)) {
      ++lost[record.dropped_because.empty() ? reason_words(record.reason_code)
                                            : std::string("left out as redundant")];
    }
  }
  const auto kept = std::count_if(series.begin(), series.end(), is_kept);
  const std::vector<SeriesRecord> of_modality = catalogue.select(prepared.fitting);
  const auto fitting = std::count_if(of_modality.begin(), of_modality.end(), is_kept);

  Reasons left_out = reasons_of(prepared.issues);
  left_out["of another modality than asked for"] += kept - fitting;
  left_out["not chosen by --where"] += fitting - prepared.cases;
  const std::int64_t earlier =
      prepared.volumes - prepared.cases + static_cast<std::int64_t>(prepared.issues.size());
  DataFlow flow;
  flow.title = "Images for pretraining, without labels";
  flow.steps = {files_found(catalogue.counts()),
                {"series",
                 static_cast<std::int64_t>(series.size()),
                 fmt::format("of {} patient{}", patients.size(), patients.size() == 1 ? "" : "s"),
                 losses_of(lost)},
                {"usable series", kept, "", losses_of(left_out)},
                {"volumes prepared",
                 prepared.volumes,
                 earlier > 0 ? fmt::format("{} of them earlier, from another choice", earlier) : "",
                 {}}};
  return flow;
}

DataFlow dataset_flow(const Dataset& dataset,
                      const VolumeStore& store,
                      std::span<const Issue> issues) {
  const auto missing = std::count_if(dataset.cases.begin(),
                                     dataset.cases.end(),
                                     [&](const Case& item) { return store.find(item.key) < 0; });
  Reasons reasons = reasons_of(issues);
  reasons["not prepared, for a reason that was not recorded"] +=
      missing - static_cast<std::int64_t>(issues.size());
  DataFlow flow;
  flow.steps = {
      {"cases in the data set",
       static_cast<std::int64_t>(dataset.cases.size()),
       "",
       losses_of(reasons)},
      {"cases prepared", static_cast<std::int64_t>(dataset.cases.size()) - missing, "", {}}};
  return flow;
}

DataFlow pretraining_flow(DataFlow prepared, const VolumeStore& store, std::int64_t used) {
  // Counts of another state of the store would not add up.
  if (prepared.steps.empty() || prepared.steps.back().count != store.size()) {
    prepared.steps = {{"volumes in the store", store.size(), "", {}}};
  }
  if (prepared.title.empty()) {
    prepared.title = "Images for pretraining, without labels";
  }
  prepared.steps.back().losses =
      losses_of({{"held out for validation", stored_cases(store, "validation", false)},
                 {"held out for testing", stored_cases(store, "test", false)}});
  prepared.steps.push_back({"volumes used for pretraining", used, "", {}});
  return prepared;
}

DataFlow finetuning_flow(DataFlow prepared,
                         const Dataset& dataset,
                         const VolumeStore& store,
                         std::int64_t training_cases,
                         bool chooses_checkpoint) {
  const std::int64_t training = stored_cases(store, "train", true);
  const std::int64_t validation = stored_cases(store, "validation", true);
  const std::int64_t test = stored_cases(store, "test", true);
  std::int64_t labelled = 0;
  for (std::int64_t index = 0; index < store.size(); ++index) {
    labelled += is_labelled(store.info(index)) ? 1 : 0;
  }
  prepared.title = "Labelled cases of " + dataset.name;
  prepared.steps.back().losses =
      losses_of({{"without a label", store.size() - labelled},
                 {"in no part of the split", labelled - training - validation - test}});
  prepared.branches = {
      {"train",
       {{"cases for training",
         training,
         "",
         losses_of({{"not used: fewer were asked for (--cases)", training - training_cases}})},
        {"cases used for training", training_cases, "", {}}}}};
  if (validation > 0) {
    prepared.branches.push_back({"validation",
                                 {{"cases held out for validation",
                                   validation,
                                   chooses_checkpoint ? "they also chose the best checkpoint" : "",
                                   {}}}});
  }
  if (test > 0) {
    prepared.branches.push_back({"test", {{"cases held out for testing", test, "", {}}}});
  }
  return prepared;
}

DataFlow evaluation_flow(const DataFlow& run,
                         DataFlow prepared,
                         const std::string& dataset,
                         const std::string& split,
                         std::int64_t scored) {
  const FlowStep last{"cases scored", scored, "", {}};
  const bool same_cases = run.title == "Labelled cases of " + dataset && !run.steps.empty() &&
                          run.steps.size() == prepared.steps.size() &&
                          run.steps.front() == prepared.steps.front();
  if (same_cases) {
    DataFlow flow = run;
    const auto branch = std::find_if(flow.branches.begin(),
                                     flow.branches.end(),
                                     [&](const FlowBranch& one) { return one.name == split; });
    if (branch != flow.branches.end() && !branch->steps.empty() &&
        branch->steps.back().count == scored) {
      branch->steps.push_back(last);
    } else {
      flow.branches.push_back({"scored", {last}});
      flow.branches.back().steps.back().note = "of the split " + split;
    }
    return flow;
  }
  prepared.title = "Cases for the scores, from " + dataset;
  prepared.steps.back().losses = losses_of(
      {{"without a label, or not in the split " + split, prepared.steps.back().count - scored}});
  prepared.steps.push_back(last);
  return prepared;
}

}  // namespace marrow
