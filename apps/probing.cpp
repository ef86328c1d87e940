#include "apps/probing.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/text.h"

namespace marrow {

namespace {

struct LabelledCase {
  const Case* one = nullptr;
  std::size_t place = 0;  // in the embeddings
};

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

class SetMaker {
 public:
  SetMaker(const Dataset& dataset, const EmbeddingFile& embeddings)
      : dataset_(dataset), embeddings_(embeddings) {
    std::map<std::string, std::size_t> places;
    for (std::size_t n = 0; n < embeddings.keys.size(); ++n) {
      places[embeddings.keys[n]] = n;
    }
    std::set<double> values;
    for (const Case& one : dataset.cases) {
      const auto place = places.find(one.key);
      if (one.targets.empty() || place == places.end()) {
        continue;
      }
      cases_.push_back({&one, place->second});
      findings_ = one.targets.size() > 1 ? one.targets.size() : 0;
      values.insert(one.targets.begin(), one.targets.end());
    }
    if (cases_.empty()) {
      throw Error(ErrorCode::kRefused,
                  "--data: no case of " + dataset.root.string() +
                      " has a class; a probe needs a folder per class, or a list with a label");
    }
    values_.assign(values.begin(), values.end());
  }

  [[nodiscard]] std::vector<std::string> class_names() const {
    std::vector<std::string> names;
    if (findings_ > 0) {
      for (std::size_t n = 0; n < findings_; ++n) {
        names.push_back(n < dataset_.classes.size() ? dataset_.classes[n].name
                                                    : fmt::format("finding {}", n));
      }
      return names;
    }
    for (const double value : values_) {
      std::string name = fmt::format("{:g}", value);
      for (const LabelClass& known : dataset_.classes) {
        name = static_cast<double>(known.value) == value ? known.name : name;
      }
      names.push_back(name);
    }
    return names;
  }

  [[nodiscard]] bool has_split(const std::string& split) const {
    return std::any_of(cases_.begin(), cases_.end(), [&](const LabelledCase& labelled) {
      return labelled.one->split == split;
    });
  }

  [[nodiscard]] FeatureSet part(const std::string& split) const {
    std::vector<LabelledCase> chosen;
    for (const LabelledCase& labelled : cases_) {
      if (labelled.one->split == split || (split == "train" && labelled.one->split.empty())) {
        chosen.push_back(labelled);
      }
    }
    if (chosen.empty()) {
      throw Error(ErrorCode::kNothingFound,
                  "--data: no labelled case of " + dataset_.root.string() + " is in its \"" +
                      split + "\" part");
    }
    FeatureSet set;
    const std::int64_t width = embeddings_.dimensions;
    set.features.resize(std::ssize(chosen), width);
    set.classes = findings_ > 0 ? static_cast<std::int64_t>(findings_) : std::ssize(values_);
    for (std::size_t n = 0; n < chosen.size(); ++n) {
      const Case& one = *chosen[n].one;
      set.features.row(static_cast<Eigen::Index>(n)) = Eigen::Map<const Eigen::RowVectorXf>(
          embeddings_.volumes.data() + chosen[n].place * static_cast<std::size_t>(width), width);
      set.keys.push_back(one.key);
      set.patients.push_back(one.patient);
      if (findings_ > 0) {
        std::vector<int> row;
        for (const double target : one.targets) {
          row.push_back(target != 0 ? 1 : 0);
        }
        set.findings.push_back(std::move(row));
      } else {
        set.labels.push_back(std::lower_bound(values_.begin(), values_.end(), one.targets.front()) -
                             values_.begin());
      }
    }
    return set;
  }

 private:
  const Dataset& dataset_;
  const EmbeddingFile& embeddings_;
  std::vector<LabelledCase> cases_;
  std::vector<double> values_;
  std::size_t findings_ = 0;  // 0: one class a case
};

}  // namespace

ProbeSets probe_sets(const Dataset& dataset, const EmbeddingFile& embeddings) {
  const SetMaker maker(dataset, embeddings);
  ProbeSets sets;
  sets.classes = maker.class_names();
  sets.test_split = maker.has_split("test") ? "test" : "validation";
  sets.train = maker.part("train");
  sets.test = maker.part(sets.test_split);
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
