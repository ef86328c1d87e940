#include "apps/probing.h"

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/class_table.h"
#include "core/error.h"
#include "core/text.h"

namespace marrow {

namespace {

nlohmann::json or_null(const std::optional<double>& value) {
  return value ? nlohmann::json(*value) : nlohmann::json(nullptr);
}

const ProbeSummary& summary_of(const ProbeResult& result, ProbeMetric metric) {
  return *std::find_if(result.summary.begin(),
                       result.summary.end(),
                       [metric](const ProbeSummary& one) { return one.metric == metric; });
}

std::string with_interval(const ProbeSummary& summary) {
  if (!summary.mean) {
    return "      -               ";
  }
  return summary.interval ? fmt::format("{:.3f} [{:.3f}, {:.3f}]",
                                        *summary.mean,
                                        summary.interval->low,
                                        summary.interval->high)
                          : fmt::format("{:.3f}               ", *summary.mean);
}

// The cases of one part that were embedded.
FeatureSet part_of(const Dataset& dataset,
                   const ClassTable& table,
                   const EmbeddingFile& embeddings,
                   const std::string& split) {
  std::map<std::string, std::size_t> places;
  for (std::size_t n = 0; n < embeddings.keys.size(); ++n) {
    places[embeddings.keys[n]] = n;
  }
  std::vector<std::string> keys = labelled_keys(dataset, split);
  std::erase_if(keys, [&](const std::string& key) { return !places.contains(key); });
  FeatureSet set = labelled_rows(dataset, table, keys);
  if (set.keys.empty()) {
    throw Error(ErrorCode::kNothingFound,
                "--data: no labelled case of " + dataset.name + " is in its part \"" + split +
                    "\"; its CSV list says in a column split which are to train and which to test");
  }
  const std::int64_t width = embeddings.dimensions;
  set.features.resize(std::ssize(set.keys), width);
  for (std::size_t n = 0; n < set.keys.size(); ++n) {
    set.features.row(static_cast<Eigen::Index>(n)) = Eigen::Map<const Eigen::RowVectorXf>(
        embeddings.volumes.data() + places.at(set.keys[n]) * static_cast<std::size_t>(width),
        width);
  }
  return set;
}

}  // namespace

ProbeSets probe_sets(const Dataset& dataset, const EmbeddingFile& embeddings) {
  const ClassTable table = class_table(dataset);
  ProbeSets sets;
  sets.classes = table.names;
  sets.test_split =
      std::any_of(dataset.cases.begin(),
                  dataset.cases.end(),
                  [](const Case& one) { return one.split == "test" && !one.targets.empty(); })
          ? "test"
          : "validation";
  sets.train = part_of(dataset, table, embeddings, "train");
  sets.test = part_of(dataset, table, embeddings, sets.test_split);
  return sets;
}

void put_measure(nlohmann::json& row,
                 const std::string& name,
                 const std::optional<double>& mean,
                 const std::optional<Interval>& interval) {
  row[name] = or_null(mean);
  row[name + "_ci95"] =
      interval ? nlohmann::json({interval->low, interval->high}) : nlohmann::json(nullptr);
}

nlohmann::json probe_answer(const ProbeReport& report) {
  nlohmann::json answer;
  nlohmann::json rows = nlohmann::json::array();
  for (const ProbeResult& result : report.results) {
    nlohmann::json row = {{"probe", result.kind},
                          {"labels", result.budget.text()},
                          {"per_class", result.budget.per_class},
                          {"fraction", result.budget.fraction},
                          {"draws", result.draws.size()}};
    for (const ProbeSummary& summary : result.summary) {
      put_measure(row, std::string(metric_name(summary.metric)), summary.mean, summary.interval);
    }
    answer[result.kind] = {{"accuracy", or_null(summary_of(result, ProbeMetric::kAccuracy).mean)},
                           {"auroc", or_null(summary_of(result, ProbeMetric::kMacroAuroc).mean)}};
    rows.push_back(std::move(row));
  }
  answer["per_fraction"] = std::move(rows);
  answer["test_cases"] = report.keys.size();
  return answer;
}

std::string probe_text(const ProbeReport& report) {
  std::string text = fmt::format("  {:<20} {:<8} {:<22} {:<22} {}\n",
                                 "labels",
                                 "probe",
                                 "accuracy",
                                 "AUROC",
                                 "balanced accuracy");
  for (const ProbeResult& result : report.results) {
    text += fmt::format("  {:<20} {:<8} {:<22} {:<22} {}\n",
                        result.budget.text(),
                        result.kind,
                        with_interval(summary_of(result, ProbeMetric::kAccuracy)),
                        with_interval(summary_of(result, ProbeMetric::kMacroAuroc)),
                        with_interval(summary_of(result, ProbeMetric::kBalancedAccuracy)));
  }
  return text;
}

}  // namespace marrow
