#include "clinical/evaluation/summary.h"

#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/text.h"

namespace marrow {

namespace {

using Json = nlohmann::ordered_json;

constexpr int kSummaryVersion = 1;

std::string label_key(const LabelClass& structure) {
  return std::to_string(structure.value);
}

std::string_view rule_name(SurfaceRule rule) {
  return rule == SurfaceRule::kPooled ? "pooled" : "directed";
}

std::string_view definition_of(SurfaceRule rule) {
  return rule == SurfaceRule::kPooled
             ? "HD95: 95th percentile of both directed sets of surface distances pooled; ASSD: "
               "mean of "
               "the two directed means; surfaces by face neighbours, voxel centres, mm"
             : "HD95: larger of the two directed 95th percentiles; ASSD: mean of both directed "
               "sets "
               "pooled; surfaces by face neighbours, voxel centres, mm";
}

Json interval_json(const std::optional<Interval>& interval) {
  return interval ? Json::array({interval->low, interval->high}) : Json(nullptr);
}

Json means_json(const std::map<Metric, MetricSummary>& summary) {
  Json json = Json::object();
  for (const auto& [metric, value] : summary) {
    json[std::string(metric_name(metric))] = value.mean;
  }
  return json;
}

Json intervals_json(const std::map<Metric, MetricSummary>& summary) {
  Json json = Json::object();
  for (const auto& [metric, value] : summary) {
    json[std::string(metric_name(metric))] = interval_json(value.ci95);
  }
  return json;
}

Json group_json(const GroupSummary& group, const std::vector<LabelClass>& structures) {
  Json json;
  json["n"] = {{"cases", group.cases}, {"patients", group.patients}};
  json["foreground_mean"] = means_json(group.foreground);
  json["mean"] = Json::object();
  json["ci95"] = {{"foreground_mean", intervals_json(group.foreground)}, {"mean", Json::object()}};
  for (std::size_t s = 0; s < structures.size(); ++s) {
    json["mean"][label_key(structures[s])] = means_json(group.structures[s]);
    json["ci95"]["mean"][label_key(structures[s])] = intervals_json(group.structures[s]);
  }
  return json;
}

Json structure_json(const StructureScore& score) {
  const OverlapCounts& counts = score.counts;
  Json json;
  json["Dice"] = score.dice;
  json["IoU"] = score.iou;
  json["HD95_mm"] = score.hd95_mm;
  json["ASSD_mm"] = score.assd_mm;
  json["TP"] = counts.both;
  json["FP"] = counts.predicted - counts.both;
  json["FN"] = counts.reference - counts.both;
  json["TN"] = counts.voxels - counts.predicted - counts.reference + counts.both;
  json["n_pred"] = counts.predicted;
  json["n_ref"] = counts.reference;
  json["empty"] = empty_mask_name(score.empty);
  return json;
}

Json case_json(const CaseScore& scored, const std::vector<LabelClass>& structures) {
  Json json;
  json["case"] = scored.key;
  json["patient"] = scored.patient;
  json["facts"] = scored.facts;
  json["metrics"] = Json::object();
  for (std::size_t s = 0; s < structures.size(); ++s) {
    json["metrics"][label_key(structures[s])] = structure_json(scored.structures[s]);
  }
  return json;
}

Json empty_json(const Evaluation& evaluation) {
  Json json;
  json["rule"] = kEmptyPolicy;
  for (const EmptyMask empty : {EmptyMask::kBoth, EmptyMask::kMissed, EmptyMask::kSpurious}) {
    Json counts = Json::object();
    for (std::size_t s = 0; s < evaluation.structures.size(); ++s) {
      std::int64_t count = 0;
      for (const CaseScore& each : evaluation.cases) {
        count += each.structures[s].empty == empty ? 1 : 0;
      }
      counts[label_key(evaluation.structures[s])] = count;
    }
    json[empty == EmptyMask::kBoth ? "both_empty" : std::string(empty_mask_name(empty))] = counts;
  }
  return json;
}

StructureScore structure_from_json(const Json& json) {
  StructureScore score;
  score.dice = json.at("Dice").get<double>();
  score.iou = json.at("IoU").get<double>();
  score.hd95_mm = json.at("HD95_mm").get<double>();
  score.assd_mm = json.at("ASSD_mm").get<double>();
  OverlapCounts& counts = score.counts;
  counts.both = json.at("TP").get<std::int64_t>();
  counts.predicted = json.at("n_pred").get<std::int64_t>();
  counts.reference = json.at("n_ref").get<std::int64_t>();
  counts.voxels =
      json.at("TN").get<std::int64_t>() + counts.predicted + counts.reference - counts.both;
  const auto word = json.at("empty").get<std::string>();
  for (const EmptyMask empty : {EmptyMask::kBoth, EmptyMask::kMissed, EmptyMask::kSpurious}) {
    score.empty = empty_mask_name(empty) == word ? empty : score.empty;
  }
  return score;
}

Json difference_json(const std::map<Metric, PairedDifference>& differences) {
  Json json = Json::object();
  for (const auto& [metric, difference] : differences) {
    json[std::string(metric_name(metric))] = {{"mean_difference", difference.mean},
                                              {"ci95", interval_json(difference.ci95)},
                                              {"higher", difference.b_higher},
                                              {"lower", difference.b_lower},
                                              {"equal", difference.equal}};
  }
  return json;
}

}  // namespace

std::string summary_json(const Evaluation& evaluation) {
  Json json = group_json(evaluation.all, evaluation.structures);
  json["empty_policy"] = empty_json(evaluation);
  json["subgroups"] = Json::object();
  for (const auto& [fact, values] : evaluation.subgroups) {
    for (const auto& [value, group] : values) {
      json["subgroups"][fact][value] = group_json(group, evaluation.structures);
    }
  }
  json["structures"] = Json::array();
  for (const LabelClass& structure : evaluation.structures) {
    json["structures"].push_back({{"value", structure.value}, {"name", structure.name}});
  }
  const EvaluationOptions& options = evaluation.options;
  json["definitions"] = {
      {"surface_rule", rule_name(options.surface_rule)},
      {"surface", definition_of(options.surface_rule)},
      {"interval",
       {{"level", options.bootstrap.level},
        {"method", options.bootstrap.rule == BootstrapRule::kBca ? "bca" : "percentile"},
        {"resamples", options.bootstrap.resamples},
        {"seed", options.bootstrap.seed},
        {"unit", "patient"}}}};
  json["version"] = kSummaryVersion;
  json["metric_per_case"] = Json::array();
  for (const CaseScore& each : evaluation.cases) {
    json["metric_per_case"].push_back(case_json(each, evaluation.structures));
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Evaluation summary_from_json(std::string_view text) {
  try {
    const Json json = Json::parse(text);
    if (const int version = json.at("version").get<int>(); version != kSummaryVersion) {
      throw Error(ErrorCode::kUnsupported,
                  fmt::format("summary.json: found version {}, expected {}; evaluate the run again",
                              version,
                              kSummaryVersion));
    }
    std::vector<LabelClass> structures;
    for (const Json& each : json.at("structures")) {
      structures.push_back(
          {each.at("value").get<std::int64_t>(), each.at("name").get<std::string>()});
    }
    EvaluationOptions options;
    const Json& definitions = json.at("definitions");
    options.surface_rule = definitions.at("surface_rule").get<std::string>() == "directed"
                               ? SurfaceRule::kDirected
                               : SurfaceRule::kPooled;
    const Json& interval = definitions.at("interval");
    options.bootstrap.level = interval.at("level").get<double>();
    options.bootstrap.rule = interval.at("method").get<std::string>() == "bca"
                                 ? BootstrapRule::kBca
                                 : BootstrapRule::kPercentile;
    options.bootstrap.resamples = interval.at("resamples").get<std::int64_t>();
    options.bootstrap.seed = interval.at("seed").get<std::uint64_t>();
    std::vector<CaseScore> cases;
    for (const Json& each : json.at("metric_per_case")) {
      CaseScore scored;
      scored.key = each.at("case").get<std::string>();
      scored.patient = each.at("patient").get<std::string>();
      scored.facts = each.at("facts").get<std::map<std::string, std::string>>();
      for (const LabelClass& structure : structures) {
        scored.structures.push_back(
            structure_from_json(each.at("metrics").at(label_key(structure))));
      }
      cases.push_back(std::move(scored));
    }
    return summarise(std::move(cases), structures, options);
  } catch (const nlohmann::json::exception& failure) {
    throw Error(ErrorCode::kUnreadable,
                "summary.json: not a summary that evaluate wrote (" + printable(failure.what()) +
                    "); evaluate the run again");
  }
}

std::string cases_csv(const Evaluation& evaluation) {
  std::map<std::string, std::string> facts;
  for (const CaseScore& each : evaluation.cases) {
    facts.insert(each.facts.begin(), each.facts.end());
  }
  std::string csv =
      "case,patient,structure,dice,iou,hd95_mm,assd_mm,reference_voxels,predicted_voxels,empty";
  for (const auto& [fact, value] : facts) {
    csv += "," + csv_field(fact);
  }
  csv += "\n";
  for (const CaseScore& each : evaluation.cases) {
    for (std::size_t s = 0; s < evaluation.structures.size(); ++s) {
      const StructureScore& score = each.structures[s];
      csv += fmt::format("{},{},{},{:.6f},{:.6f},{:.4f},{:.4f},{},{},{}",
                         csv_field(each.key),
                         csv_field(each.patient),
                         csv_field(evaluation.structures[s].name),
                         score.dice,
                         score.iou,
                         score.hd95_mm,
                         score.assd_mm,
                         score.counts.reference,
                         score.counts.predicted,
                         empty_mask_name(score.empty));
      for (const auto& [fact, unused] : facts) {
        const auto found = each.facts.find(fact);
        csv += "," + (found == each.facts.end() ? std::string() : csv_field(found->second));
      }
      csv += "\n";
    }
  }
  return csv;
}

std::string comparison_json(const PairedComparison& comparison, const Evaluation& evaluation) {
  Json json;
  const PairedDifference& dice = comparison.foreground.at(Metric::kDice);
  json["n"] = {{"cases", dice.cases}, {"patients", dice.patients}};
  json["foreground_mean"] = difference_json(comparison.foreground);
  json["mean"] = Json::object();
  for (std::size_t s = 0; s < evaluation.structures.size(); ++s) {
    json["mean"][label_key(evaluation.structures[s])] = difference_json(comparison.structures[s]);
  }
  return json.dump(2) + "\n";
}

}  // namespace marrow
