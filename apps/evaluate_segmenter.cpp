#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli.h"
#include "apps/data_counts.h"
#include "apps/evaluating.h"
#include "apps/input_contract.h"
#include "apps/run_folder.h"
#include "apps/segmentation_model.h"
#include "apps/training_data.h"
#include "clinical/evaluation/evaluation.h"
#include "clinical/evaluation/summary.h"
#include "core/error.h"
#include "core/files.h"
#include "core/text.h"
#include "io/image_source.h"
#include "io/nifti/nifti.h"

namespace marrow {

namespace {

// Best, median and worst case, with their volumes, for the report.
void write_pictures(const Evaluation& evaluation,
                    const Dataset& dataset,
                    VolumeSource& source,
                    const std::filesystem::path& folder) {
  std::vector<std::pair<double, std::string>> ranked;
  for (const CaseScore& item : evaluation.cases) {
    double sum = 0;
    for (const StructureScore& structure : item.structures) {
      sum += structure.dice;
    }
    ranked.emplace_back(sum / static_cast<double>(item.structures.size()), item.key);
  }
  std::sort(ranked.begin(), ranked.end());
  std::vector<std::pair<std::string, std::size_t>> chosen = {{"best", ranked.size() - 1}};
  if (ranked.size() > 2) {
    chosen.emplace_back("median", ranked.size() / 2);
  }
  if (ranked.size() > 1) {
    chosen.emplace_back("worst", 0);
  }
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const auto& [rank, place] : chosen) {
    const std::string& key = ranked[place].second;
    const auto item = std::find_if(
        dataset.cases.begin(), dataset.cases.end(), [&, &wanted = key](const Case& candidate) {
          return candidate.key == wanted;
        });
    const std::string stem = "pictures/" + rank;
    write_nifti(folder / (stem + "-image.nii.gz"), source.volume(item->images[0]));
    write_nifti(folder / (stem + "-reference.nii.gz"), source.labels(*item->labels));
    list.push_back({{"key", key},
                    {"rank", rank},
                    {"dice", ranked[place].first},
                    {"image", "evaluation/" + stem + "-image.nii.gz"},
                    {"reference", "evaluation/" + stem + "-reference.nii.gz"},
                    {"prediction", "evaluation/predictions/" + key + ".nii.gz"}});
  }
  write_atomically(folder / "pictures.json", list.dump(2) + "\n");
}

}  // namespace

int evaluate_segmenter(const CommandContext& context, const EvaluateArguments& arguments) {
  const ContractRule rule = contract_rule_from_name(arguments.contract);
  const SegmentationModel model = load_segmentation(arguments.run);
  const RunDescription description = read_run(arguments.run);
  const FolderLock lock(arguments.run);
  const TrainingData data = open_dataset(arguments.data,
                                         context.options.work,
                                         model.recipe,
                                         context.options.seed,
                                         context.options.threads);
  for (std::size_t i = 0; i < std::max(model.classes.size(), data.dataset.classes.size()); ++i) {
    if (i >= model.classes.size() || i >= data.dataset.classes.size() ||
        model.classes[i].value != data.dataset.classes[i].value) {
      throw Error(
          ErrorCode::kRefused,
          fmt::format("evaluate: the run knows {} classes and {} has {}; they must be the same",
                      model.classes.size(),
                      data.dataset.name,
                      data.dataset.classes.size()));
    }
  }
  const auto [split, keys] = cases_to_score(
      data.dataset, arguments.split, [](const Case& item) { return item.labels.has_value(); });
  if (!arguments.allow_seen_cases) {
    refuse_seen_cases(data.dataset, keys, description.fact("training_cases"));
  }
  const std::filesystem::path folder = arguments.run / "evaluation";
  const std::unique_ptr<VolumeSource> source = make_image_source();
  std::vector<CaseScore> scores;
  const std::vector<std::string> refused = for_cases_to_score(
      data,
      keys,
      {model.contract, rule, model.channels},
      [&](const Case& item, std::int64_t index) {
        const LabelMap reference = source->labels(*item.labels);
        const LabelMap prepared = segment(*model.task,
                                          stored_channels(*data.store, index),
                                          model.window,
                                          model.mode,
                                          model.classes);
        const LabelMap prediction = labels_to_source(prepared, reference.geometry);
        write_nifti(folder / "predictions" / (item.key + ".nii.gz"), prediction);
        EvaluationCase scored;
        scored.key = item.key;
        scored.patient = item.patient;
        scored.reference = &reference;
        scored.prediction = &prediction;
        scores.push_back(score_case(scored, model.classes, {}));
      });
  const Evaluation evaluation = summarise(std::move(scores), model.classes, {});
  write_atomically(folder / "summary.json", summary_json(evaluation));
  write_atomically(folder / "cases.csv", cases_csv(evaluation));
  write_pictures(evaluation, data.dataset, *source, folder);
  const DataFlow run_flow = read_flow(arguments.run / "flow.json").value_or(DataFlow{});
  write_atomically(folder / "flow.json",
                   flow_to_json(evaluation_flow(
                       run_flow, data.flow, data.dataset.name, split, evaluation.all.cases)));
  context.answer(nlohmann::json::parse(summary_json(evaluation)));
  const auto line = [](const std::string& name, const std::map<Metric, MetricSummary>& group) {
    const MetricSummary& dice = group.at(Metric::kDice);
    const std::string interval =
        dice.ci95.has_value() ? fmt::format(" [{:.3f}, {:.3f}]", dice.ci95->low, dice.ci95->high)
                              : "";
    return fmt::format("  {:<20} Dice {:.3f}{}   HD95 {:.2f} mm\n",
                       printable(name, 20),
                       dice.mean,
                       interval,
                       group.at(Metric::kHd95).mean);
  };
  std::string text = fmt::format("{} cases of {} patients -> {}\n",
                                 evaluation.all.cases,
                                 evaluation.all.patients,
                                 (folder / "summary.json").string());
  for (std::size_t s = 0; s < evaluation.structures.size(); ++s) {
    text += line(evaluation.structures[s].name, evaluation.all.structures[s]);
  }
  text += line("mean", evaluation.all.foreground);
  for (const std::string& key : refused) {
    text += "  refused: " + printable(key) + " (could not be prepared)\n";
  }
  context.print(text + fmt::format("next: marrow report {}\n", arguments.run.string()));
  return refused.empty() ? 0 : exit_code(ErrorCode::kPartial);
}

}  // namespace marrow
