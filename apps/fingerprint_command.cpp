#include "apps/fingerprint_command.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/catalogue_file.h"
#include "apps/cli.h"
#include "core/error.h"
#include "core/files.h"
#include "core/interrupt.h"
#include "core/progress.h"
#include "io/catalogue/cases.h"
#include "io/catalogue/catalogue.h"
#include "io/datasets/dataset_reader.h"
#include "io/image_source.h"
#include "volumes/preprocess/case_reading.h"
#include "volumes/preprocess/fingerprint.h"
#include "volumes/preprocess/intensity.h"

namespace marrow {
namespace {

struct FingerprintCommandOptions {
  std::filesystem::path data;
  std::string where;
  std::string subset;
  std::filesystem::path out;
};

std::vector<Case> fingerprint_cases(const FingerprintCommandOptions& options,
                                    const CommandContext& context) {
  if (!options.data.empty()) {
    DatasetOptions of_set;
    of_set.seed = context.options.seed;
    std::vector<Case> cases = read_dataset(options.data, of_set).cases;
    // As nnU-Net does: what is kept for the test says nothing about how to train.
    std::erase_if(cases, [](const Case& one) { return one.split == "test"; });
    // The body of one case and the labels of the next are no one foreground.
    const bool labelled = std::any_of(
        cases.begin(), cases.end(), [](const Case& one) { return one.labels.has_value(); });
    const std::size_t without =
        std::erase_if(cases, [&](const Case& one) { return labelled && !one.labels.has_value(); });
    if (without > 0) {
      context.say(fmt::format("{} cases have no label map and are not counted", without));
    }
    return cases;
  }
  const Catalogue catalogue = open_work_catalogue(context);
  const auto in_subset = subset_filter(catalogue, options.subset);
  return cases_from_catalogue(catalogue, options.where, [&](const SeriesRecord& record) {
    return record.split != "test" && in_subset(record);
  });
}

// Reads every case once; those that cannot be used are listed.
std::vector<Issue> add_cases(const std::vector<Case>& cases, DatasetFingerprint& fingerprint) {
  const std::unique_ptr<VolumeSource> source = make_image_source();
  std::mutex reading;
  Progress progress(
      "fingerprint", static_cast<std::int64_t>(cases.size()), "volumes", default_progress_style());
  std::vector<Issue> issues;
  for (const Case& one : cases) {
    throw_if_interrupted("taking the fingerprint; nothing has been written");
    try {
      ReadCase read = read_case(one, *source, reading);
      for (Volume& channel : read.channels) {
        replace_not_finite(channel);
      }
      fingerprint.add(one.key, std::move(read.channels), read.labels ? &*read.labels : nullptr);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kInterrupted || error.code() == ErrorCode::kInternal) {
        throw;
      }
      issues.push_back(issue_of(one, error));
    }
    progress.advance();
  }
  return issues;
}

int fingerprint_run(const FingerprintCommandOptions& options, const CommandContext& context) {
  const std::vector<Case> cases = fingerprint_cases(options, context);
  DatasetFingerprint fingerprint(static_cast<std::int64_t>(cases.size()));
  const std::vector<Issue> issues = add_cases(cases, fingerprint);
  const std::filesystem::path list = context.options.work / "fingerprint_issues.jsonl";
  write_issues(list, issues);
  if (fingerprint.cases() == 0) {
    throw Error(ErrorCode::kNothingFound,
                issues.empty() ? "fingerprint: there are no cases; the test part is not looked at"
                               : fmt::format("fingerprint: none of {} cases could be read; the "
                                             "first: {}",
                                             cases.size(),
                                             issues.front().reason));
  }
  const std::filesystem::path file =
      options.out.empty() ? context.options.work / "dataset_fingerprint.json" : options.out;
  const std::string text = fingerprint.json();
  write_atomically(file, text);
  nlohmann::json answer = nlohmann::json::parse(text);
  answer["cases"] = fingerprint.cases();
  answer["refused"] = issues.size();
  answer["file"] = file.string();
  context.answer(answer);
  const auto shape = fingerprint.median_shape();
  const auto spacing = fingerprint.median_spacing();
  context.print(
      fmt::format("{} volumes -> {}\n  median size {}x{}x{}, spacing {:.2f}x{:.2f}x{:.2f} "
                  "mm (i, j, k), {:.0f} % of the volume not 0\n",
                  format_count(fingerprint.cases()),
                  file.string(),
                  shape[2],
                  shape[1],
                  shape[0],
                  spacing[2],
                  spacing[1],
                  spacing[0],
                  100 * fingerprint.median_relative_size()));
  const std::vector<DatasetFingerprint::Intensities> channels = fingerprint.intensities();
  for (std::size_t n = 0; n < channels.size(); ++n) {
    context.print(
        fmt::format("  channel {}: {:.5g} to {:.5g} (0.5 and 99.5 percentile), median "
                    "{:.5g}, mean {:.5g}, sd {:.5g}\n",
                    n,
                    channels[n].percentile_00_5,
                    channels[n].percentile_99_5,
                    channels[n].median,
                    channels[n].mean,
                    channels[n].std));
  }
  if (!issues.empty()) {
    context.print(
        fmt::format("  refused {}, each with its reason: {}\n", issues.size(), list.string()));
  }
  return issues.empty() ? 0 : exit_code(ErrorCode::kPartial);
}

}  // namespace

void add_fingerprint_command(CommandTable& table) {
  auto options = std::make_shared<FingerprintCommandOptions>();
  Command& command = table.add("fingerprint",
                               "spacing, size and intensities of a data set, with nnU-Net's keys",
                               "marrow fingerprint --where \"modality='CT'\"");
  CLI::App& app = command.app();
  CLI::Option* const data =
      app.add_option("--data", options->data, "a data set instead of the catalogue")
          ->type_name("DATASET");
  app.add_option("--where", options->where, "only series for which this holds (see list)")
      ->type_name("EXPRESSION")
      ->excludes(data);
  app.add_option("--subset", options->subset, "only series of a saved subset (see list)")
      ->type_name("NAME")
      ->excludes(data);
  app.add_option("--out", options->out, "default WORK/dataset_fingerprint.json")->type_name("FILE");
  command.runs(
      [options](const CommandContext& context) { return fingerprint_run(*options, context); });
}

}  // namespace marrow
