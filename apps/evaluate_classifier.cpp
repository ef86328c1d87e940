#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/classification_model.h"
#include "apps/cli.h"
#include "apps/data_counts.h"
#include "apps/evaluating.h"
#include "apps/run_folder.h"
#include "apps/segmentation_model.h"
#include "apps/training_data.h"
#include "clinical/evaluation/classification_evaluation.h"
#include "core/error.h"
#include "core/files.h"
#include "core/text.h"

namespace marrow {

namespace {

std::string with_interval(const Measured& measured) {
  if (!measured.value) {
    return "-";
  }
  return measured.ci95 ? fmt::format("{:.3f} [{:.3f}, {:.3f}]",
                                     *measured.value,
                                     measured.ci95->low,
                                     measured.ci95->high)
                       : fmt::format("{:.3f}", *measured.value);
}

std::string share_text(const std::optional<double>& share) {
  return share ? fmt::format("{:.3f}", *share) : "-";
}

std::string text_of(const ClassificationEvaluation& evaluation) {
  std::string text;
  for (std::size_t n = 0; n < kProbeMetrics.size(); ++n) {
    text += fmt::format(
        "  {:<20} {}\n", metric_name(kProbeMetrics[n]), with_interval(evaluation.measures[n]));
  }
  for (const ClassScore& score : evaluation.classes) {
    text += fmt::format("  {:<20} AUROC {:<22} sensitivity {:<5}   specificity {:<5}   {} cases\n",
                        printable(score.name, 20),
                        with_interval(score.auroc),
                        share_text(score.sensitivity),
                        share_text(score.specificity),
                        score.positives);
  }
  if (!evaluation.without_auroc.empty()) {
    text += "  without an AUROC, for want of positive or negative cases: " +
            printable(join(evaluation.without_auroc, ", "), 200) + "\n";
  }
  return text;
}

}  // namespace

int evaluate_classifier(const CommandContext& context, const EvaluateArguments& arguments) {
  const ContractRule rule = contract_rule_from_name(arguments.contract);
  const ClassificationModel model = load_classification(arguments.run);
  const RunDescription description = read_run(arguments.run);
  const FolderLock lock(arguments.run);
  const TrainingData data = open_dataset(arguments.data,
                                         context.options.work,
                                         model.recipe,
                                         context.options.seed,
                                         context.options.threads);
  const ClassTable classes = known_classes(model.classes, data.dataset);
  const auto [split, keys] = cases_to_score(
      data.dataset, arguments.split, [](const Case& item) { return !item.targets.empty(); });
  if (!arguments.allow_seen_cases) {
    refuse_seen_cases(data.dataset, keys, description.fact("training_cases"));
  }
  std::vector<ClassifiedCase> scored;
  const std::vector<std::string> refused = for_cases_to_score(
      data,
      keys,
      {model.contract, rule, model.channels},
      [&](const Case& item, std::int64_t index) {
        const std::vector<float> targets = classes.targets_of(item);
        scored.push_back(
            {item.key,
             item.patient,
             std::vector<double>(targets.begin(), targets.end()),
             classify(
                 *model.task, stored_channels(*data.store, index), image_view(model), model.mode)});
      });
  const ClassificationEvaluation evaluation = evaluate_classification(
      std::move(scored), model.classes.names, model.classes.multi_label(), {});
  const std::filesystem::path folder = arguments.run / "evaluation";
  const std::string json = classification_json(evaluation);
  write_atomically(folder / "summary.json", json);
  write_atomically(folder / "cases.csv", classification_csv(evaluation));
  const auto count = static_cast<std::int64_t>(evaluation.cases.size());
  const DataFlow run_flow = read_flow(arguments.run / "flow.json").value_or(DataFlow{});
  write_atomically(
      folder / "flow.json",
      flow_to_json(evaluation_flow(run_flow, data.flow, data.dataset.name, split, count)));
  context.answer(nlohmann::json::parse(json));
  std::string text = fmt::format("{} cases of {} patients -> {}\n",
                                 count,
                                 evaluation.patients,
                                 (folder / "summary.json").string());
  text += text_of(evaluation);
  for (const std::string& key : refused) {
    text += "  refused: " + printable(key) + " (could not be prepared)\n";
  }
  context.print(text + fmt::format("next: marrow report {}\n", arguments.run.string()));
  return refused.empty() ? 0 : exit_code(ErrorCode::kPartial);
}

}  // namespace marrow
