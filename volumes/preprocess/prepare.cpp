#include "volumes/preprocess/prepare.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <mutex>
#include <new>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "core/error.h"
#include "core/files.h"
#include "core/log.h"
#include "core/parallel_jobs.h"
#include "core/progress.h"
#include "core/text.h"
#include "volumes/preprocess/case_reading.h"
#include "volumes/preprocess/channels.h"
#include "volumes/preprocess/intensity.h"
#include "volumes/store/volume_store.h"

namespace marrow {

namespace {

bool same_targets(const std::vector<double>& a, const std::vector<double>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](double x, double y) {
    return x == y || (!std::isfinite(x) && !std::isfinite(y));
  });
}

// Whether the store already holds the case as it is described now.
bool already_there(const VolumeStoreWriter& writer, const Case& one) {
  const StoredCase* const stored = writer.stored(one.key);
  return stored != nullptr && stored->patient == one.patient && stored->split == one.split &&
         stored->has_labels == one.labels.has_value() &&
         stored->channels == static_cast<std::int64_t>(one.images.size()) &&
         same_targets(stored->targets, one.targets);
}

// Every channel is prepared by the one recipe: HU of a window, or values of no unit.
void refuse_other_modality(const Case& one, const RecipeOptions& recipe) {
  std::vector<Modality> channels{one.modality};
  channels.insert(channels.end(), one.other_modalities.begin(), one.other_modalities.end());
  const bool ct_wanted = recipe.modality == "ct";
  for (std::size_t channel = 0; channel < channels.size(); ++channel) {
    const Modality found = channels[channel];
    const bool wrong =
        ct_wanted ? found != Modality::kCt && found != Modality::kUnknown : found == Modality::kCt;
    if (wrong) {
      throw CaseRefusal(
          ErrorCode::kRefused,
          "modality",
          fmt::format("{}{} is {} and the recipe is for {}",
                      case_name(one),
                      channels.size() > 1 ? fmt::format(", channel {},", channel) : "",
                      modality_name(found),
                      ct_wanted ? "CT" : "MR"),
          ct_wanted
              ? "prepare it with --config prepare/mr.yaml, whose values have no unit, or leave "
                "the channel out"
              : "prepare it with --config prepare/ct.yaml, or leave the channel out");
    }
  }
}

// Training would meet such a value much later, and could not say where.
void refuse_undeclared_labels(const Case& one,
                              const LabelMap& labels,
                              std::span<const LabelClass> classes) {
  if (classes.empty() || !one.targets.empty()) {
    return;  // nothing is declared, or classes of whole images
  }
  std::vector<bool> declared(std::size_t{1} << 16U);
  declared[0] = true;  // the background, named or not
  std::string names;
  for (const LabelClass& one_class : classes) {
    if (one_class.value >= 0 && one_class.value < static_cast<std::int64_t>(declared.size())) {
      declared[static_cast<std::size_t>(one_class.value)] = true;
      names += (names.empty() ? "" : ", ") + std::to_string(one_class.value);
    }
  }
  const auto other = std::find_if(labels.voxels.begin(),
                                  labels.voxels.end(),
                                  [&](std::uint16_t label) { return !declared[label]; });
  if (other != labels.voxels.end()) {
    throw CaseRefusal(ErrorCode::kRefused,
                      "undeclared-label",
                      fmt::format("{}: its label map holds the value {}; the data set declares {}",
                                  case_name(one),
                                  *other,
                                  names),
                      "correct the label map, or declare the class in dataset.json");
  }
}

void prepare_case(const Case& one,
                  VolumeSource& source,
                  std::mutex& reading,
                  const RecipeOptions& recipe,
                  std::span<const LabelClass> classes,
                  VolumeStoreWriter& writer) {
  refuse_other_modality(one, recipe);
  ReadCase read;
  PreparedChannels prepared;
  try {
    read = read_case(one, source, reading);
    if (read.labels) {
      refuse_undeclared_labels(one, *read.labels, classes);
    }
    prepared = prepare_channels(std::move(read.channels), recipe);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kResources) {
      throw;
    }
    // Too large is a property of this case; a full disk, met when writing, is not.
    throw CaseRefusal(ErrorCode::kResources, "too-large", case_name(one) + ": " + error.what(), "");
  }
  for (const std::string& warning : prepared.warnings) {
    log::warn("prepare: " + case_name(one) + ": " + warning);
  }
  std::optional<LabelMap> labels;
  if (read.labels) {
    labels = prepare_labels(*read.labels, prepared.channels.front().geometry);
    read.labels.reset();
  }
  StoredCase info;
  info.key = one.key;
  info.patient = one.patient;
  info.split = one.split;
  info.source = prepared.source;
  info.targets = one.targets;
  writer.add(info, prepared.channels, labels ? &*labels : nullptr);
}

// Errors that the next case would meet as well.
bool ends_the_run(const Error& error) {
  if (dynamic_cast<const CaseRefusal*>(&error) != nullptr) {
    return false;
  }
  const ErrorCode code = error.code();
  return code == ErrorCode::kInternal || code == ErrorCode::kResources ||
         code == ErrorCode::kInterrupted;
}

// Cases taken one by one by `threads` threads; each writes its own file, so that the order does not
// show in the result.
class PrepareRun {
 public:
  PrepareRun(std::span<const Case> cases,
             VolumeSource& source,
             const RecipeOptions& recipe,
             std::span<const LabelClass> classes,
             VolumeStoreWriter& writer)
      : cases_(cases),
        source_(source),
        recipe_(recipe),
        classes_(classes),
        writer_(writer),
        issues_(cases.size()),
        progress_("prepare",
                  static_cast<std::int64_t>(cases.size()),
                  "volumes",
                  default_progress_style()) {
    for (std::size_t at = 0; at < cases.size(); ++at) {
      if (!already_there(writer, cases[at])) {
        left_.push_back(at);
      }
    }
    progress_.start_at(static_cast<std::int64_t>(cases.size() - left_.size()));
  }

  void run(std::int64_t threads) {
    parallel_jobs(
        static_cast<std::int64_t>(left_.size()),
        threads,
        "preparing volumes",
        [this](std::int64_t place) { prepare_at(left_[static_cast<std::size_t>(place)]); });
    progress_.finish();
  }

  // In the order of the cases.
  [[nodiscard]] std::vector<Issue> issues() const {
    std::vector<Issue> result;
    for (const std::optional<Issue>& issue : issues_) {
      if (issue) {
        result.push_back(*issue);
      }
    }
    return result;
  }

 private:
  void prepare_at(std::size_t at) {
    try {
      prepare_case(cases_[at], source_, reading_, recipe_, classes_, writer_);
    } catch (const Error& error) {
      if (ends_the_run(error)) {
        throw;
      }
      issues_[at] = issue_of(cases_[at], error);
    } catch (const std::bad_alloc&) {
      throw Error(ErrorCode::kResources,
                  fmt::format("prepare: memory ran out at {} ({} in use at most so far); lower "
                              "`threads` or choose a coarser spacing_mm or smaller fit_size",
                              case_name(cases_[at]),
                              format_bytes(peak_rss_bytes())));
    }
    progress_.advance();
  }

  std::span<const Case> cases_;
  VolumeSource& source_;
  const RecipeOptions& recipe_;
  std::span<const LabelClass> classes_;
  VolumeStoreWriter& writer_;
  std::vector<std::optional<Issue>> issues_;
  std::vector<std::size_t> left_;
  Progress progress_;
  std::mutex reading_;  // the source is not thread-safe
};

}  // namespace

PrepareResult prepare(std::span<const Case> cases,
                      VolumeSource& source,
                      const RecipeOptions& recipe,
                      const std::filesystem::path& folder,
                      std::int64_t threads,
                      std::span<const LabelClass> classes) {
  if (threads < 1) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("prepare: expected at least one thread, found {}", threads));
  }
  std::set<std::string_view> keys;
  for (const Case& one : cases) {
    if (!keys.insert(one.key).second) {
      throw Error(ErrorCode::kInvalidArgument,
                  "prepare: " + case_name(one) + " is listed twice; give every case its own key");
    }
  }
  const auto start = std::chrono::steady_clock::now();
  PrepareResult result;
  VolumeStoreWriter writer(folder, recipe);
  PrepareRun run(cases, source, recipe, classes, writer);
  run.run(threads);
  result.issues = run.issues();
  const bool some = std::any_of(
      cases.begin(), cases.end(), [&writer](const Case& one) { return writer.has(one.key); });
  if (!some) {
    throw Error(ErrorCode::kNothingFound,
                result.issues.empty()
                    ? "prepare: there are no cases to prepare"
                    : fmt::format("prepare: none of {} cases could be prepared; the first: {}",
                                  cases.size(),
                                  result.issues.front().reason));
  }
  writer.finish();
  const VolumeStore store(folder);
  result.volumes = store.size();
  for (std::int64_t index = 0; index < store.size(); ++index) {
    const StoredCase& info = store.info(index);
    const auto voxels = static_cast<std::uint64_t>(info.source.voxels());
    result.bytes_in += voxels * (sizeof(float) * static_cast<std::uint64_t>(info.channels) +
                                 (info.has_labels ? sizeof(std::uint16_t) : 0));
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.is_regular_file()) {
      result.bytes_store += entry.file_size();
    }
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace marrow
