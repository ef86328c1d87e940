#include "apps/ab_page.h"

#include <limits>
#include <utility>

#include <nlohmann/json.hpp>

#include "apps/cli.h"
#include "apps/run_folder.h"
#include "clinical/probes/probe_metrics.h"
#include "clinical/probes/probe_options.h"
#include "clinical/report/ab_page.h"
#include "models/features/case_features.h"

namespace marrow {

namespace {

using Json = nlohmann::json;

// Measures that do not exist are null, or were never written.
double number_of(const Json& row, const std::string& name) {
  const auto found = row.find(name);
  return found != row.end() && found->is_number() ? found->get<double>()
                                                  : std::numeric_limits<double>::quiet_NaN();
}

Estimate estimate_of(const Json& row, const std::string& name) {
  Estimate made{number_of(row, name)};
  const auto interval = row.find(name + "_ci95");
  if (interval != row.end() && interval->is_array() && interval->size() == 2 &&
      (*interval)[0].is_number() && (*interval)[1].is_number()) {
    made.low = (*interval)[0].get<double>();
    made.high = (*interval)[1].get<double>();
  }
  return made;
}

AbRow row_of(const Json& row) {
  AbRow made{row.at("arm").get<std::string>(),
             row.at("budget").get<std::string>(),
             row.at("labels").get<std::string>(),
             row.at("probe").get<std::string>(),
             row.value("draws", std::int64_t{0}),
             {}};
  for (const ProbeMetric metric : kProbeMetrics) {
    const std::string name(metric_name(metric));
    made.scores.push_back({name, estimate_of(row, name), estimate_of(row, name + "_to_all")});
  }
  return made;
}

}  // namespace

AbInput ab_input(const Json& result) {
  AbInput input;
  input.unit = result.at("unit").get<std::string>();
  input.batch_size = result.at("batch_size").get<std::int64_t>();
  input.seeds = result.at("seeds").get<std::int64_t>();
  for (const Json& arm : result.at("arms")) {
    input.arms.push_back({arm.at("arm").get<std::string>(),
                          arm.at("samples").get<std::int64_t>(),
                          arm.value("decision", "")});
  }
  for (const Json& cell : result.at("pretrained")) {
    input.pretrained.push_back({cell.at("arm").get<std::string>(),
                                cell.at("budget").get<std::string>(),
                                cell.at("steps").get<std::int64_t>(),
                                cell.at("seed").get<std::uint64_t>(),
                                number_of(cell, "loss"),
                                number_of(cell, "seconds"),
                                cell.value("resumed_from", std::int64_t{0}) > 0});
  }
  for (const Json& data : result.at("probes")) {
    AbData made{data.at("data").get<std::string>(), data.at("test_cases").get<std::int64_t>(), {}};
    for (const Json& row : data.at("rows")) {
      made.rows.push_back(row_of(row));
    }
    input.probes.push_back(std::move(made));
  }
  return input;
}

std::string ab_page_of(const CommandContext& context,
                       const Json& result,
                       const AbPageFacts& facts) {
  AbInput input = ab_input(result);
  input.date = utc_now();
  input.planned_seeds = facts.planned_seeds;
  const auto probe = context.config.section(ProbeOptions::kName).parse<ProbeOptions>();
  input.level = probe.level;
  ResolvedConfig probing;
  probing.add(FeatureOptions::kName,
              "",
              context.config.section(FeatureOptions::kName).parse<FeatureOptions>());
  probing.add(ProbeOptions::kName, "", probe);
  ReportProvenance& run = input.provenance;
  run.run = "reduce --ab";
  run.program_version = MARROW_VERSION;
  run.command = context.command_line;
  run.config = facts.config_yaml + probing.yaml();
  run.threads = std::to_string(context.options.threads);
  const auto last = context.options.seed + static_cast<std::uint64_t>(input.seeds) - 1;
  run.seed = input.seeds > 1 ? std::to_string(context.options.seed) + " to " + std::to_string(last)
                             : std::to_string(context.options.seed);
  return ab_page(input);
}

}  // namespace marrow
