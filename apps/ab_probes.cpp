#include "apps/ab_probes.h"

#include <algorithm>
#include <utility>

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/class_table.h"
#include "apps/cli.h"
#include "apps/embedding.h"
#include "apps/probing.h"
#include "core/error.h"
#include "io/datasets/dataset_reader.h"
#include "io/image_source.h"

namespace marrow {

namespace {

using Json = nlohmann::json;

}  // namespace

AbProbes::AbProbes(const CommandContext& context,
                   const std::filesystem::path& out,
                   const std::vector<std::filesystem::path>& data)
    : context_(context),
      cache_(out / "features.db"),
      source_(make_image_source()),
      features_(context.config.section(FeatureOptions::kName).parse<FeatureOptions>()),
      options_(context.config.section(ProbeOptions::kName).parse<ProbeOptions>()) {
  check_probe(options_);
  for (const std::filesystem::path& one : data) {
    datasets_.push_back(read_dataset(one));
    static_cast<void>(class_table(datasets_.back()));  // refused before anything is trained
  }
}

AbProbes::~AbProbes() = default;

void AbProbes::add(const std::string& arm,
                   const std::string& budget,
                   const std::filesystem::path& run,
                   bool initial,
                   std::uint64_t seed) {
  at::set_num_threads(static_cast<int>(context_.options.threads));
  TrainedEncoder encoder = load_encoder(run, initial, seed);
  std::vector<ProbeReport> reports;
  for (const Dataset& dataset : datasets_) {
    // A probe set is another set on purpose; what differs from the training data is said there.
    const Embedded made =
        embed_cases(dataset.cases, *source_, encoder, features_, ContractRule::kReport, cache_);
    if (!made.issues.empty()) {
      throw Error(made.issues.front().code,
                  fmt::format("--probe: {} of {} cases of {} cannot be embedded; the first: {}",
                              made.issues.size(),
                              dataset.cases.size(),
                              dataset.root.string(),
                              made.issues.front().reason));
    }
    const ProbeSets sets = probe_sets(dataset, made.file);
    reports.push_back(score_probes(sets.train, sets.test, options_));
  }
  const auto same = std::find_if(arms_.begin(), arms_.end(), [&](const Arm& other) {
    return other.name == arm && other.budget == budget;
  });
  if (same == arms_.end()) {
    arms_.push_back({arm, budget, std::move(reports)});
    return;
  }
  for (std::size_t n = 0; n < reports.size(); ++n) {
    add_encoder(same->reports[n], reports[n]);
  }
}

Json AbProbes::result() const {
  const auto all =
      std::find_if(arms_.begin(), arms_.end(), [](const Arm& arm) { return arm.name == "all"; });
  Json answer = Json::array();
  for (std::size_t n = 0; n < datasets_.size(); ++n) {
    Json rows = Json::array();
    // What is compared stands together: by labels, then by kind of probe.
    std::vector<std::pair<std::string, std::string>> order;
    for (const ProbeResult& result : arms_.front().reports[n].results) {
      order.emplace_back(result.budget.text(), result.kind);
    }
    const auto place = [&order](const Json& row) {
      return std::find(
                 order.begin(),
                 order.end(),
                 std::pair(row["labels"].get<std::string>(), row["probe"].get<std::string>())) -
             order.begin();
    };
    for (const Arm& arm : arms_) {
      ProbeReport report = arm.reports[n];
      summarise_probes(report, options_);
      std::vector<ProbeDifference> differences;
      if (all != arms_.end() && arm.name != "all") {
        differences = compare_probes(all->reports[n], report, options_);
      }
      for (const ProbeResult& result : report.results) {
        Json row = {{"arm", arm.name},
                    {"budget", arm.budget},
                    {"labels", result.budget.text()},
                    {"probe", result.kind},
                    {"draws", result.draws.size()}};
        for (const ProbeSummary& summary : result.summary) {
          put_measure(
              row, std::string(metric_name(summary.metric)), summary.mean, summary.interval);
        }
        for (const ProbeDifference& one : differences) {
          if (one.kind == result.kind && one.budget == result.budget) {
            const std::string name(metric_name(one.metric));
            put_measure(row, name + "_to_all", one.difference, one.interval);
          }
        }
        rows.push_back(std::move(row));
      }
    }
    std::stable_sort(rows.begin(), rows.end(), [&](const Json& a, const Json& b) {
      return place(a) < place(b);
    });
    answer.push_back({{"data", datasets_[n].name},
                      {"test_cases", arms_.empty() ? 0 : arms_[0].reports[n].keys.size()},
                      {"rows", rows}});
  }
  return answer;
}

}  // namespace marrow
