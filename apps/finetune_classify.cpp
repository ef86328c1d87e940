#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "apps/class_table.h"
#include "apps/classification_model.h"
#include "apps/cli.h"
#include "apps/finetuning.h"
#include "apps/segmentation_model.h"
#include "clinical/losses/classification_loss.h"
#include "clinical/probes/label_draws.h"
#include "clinical/probes/probe_metrics.h"
#include "core/error.h"
#include "core/log.h"
#include "core/text.h"
#include "io/datasets/dataset_reader.h"

namespace marrow {

namespace {

// `--cases`: a number is so many of each class, drawn as the probes draw them; a file lists cases.
std::vector<std::string> training_keys(const Dataset& dataset,
                                       const ClassTable& table,
                                       const std::string& asked,
                                       std::uint64_t seed) {
  const bool number = !asked.empty() && asked.find_first_not_of("0123456789") == std::string::npos;
  std::vector<std::string> keys;
  if (!asked.empty() && !number) {
    keys = select_training_cases(dataset, asked);
  } else {
    keys = labelled_keys(dataset, "train");
  }
  if (number) {
    const std::int64_t count = asked.size() > 9 ? 0 : std::stoll(asked);
    if (count < 1) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("--cases: expected 1 or more training cases of each class of {}, at "
                              "most all {}, was asked for {}",
                              printable(dataset.name),
                              keys.size(),
                              printable(asked)));
    }
    const FeatureSet rows = labelled_rows(dataset, table, keys);
    std::vector<std::string> drawn;
    for (const std::size_t row : draw_labels(rows, {.per_class = count, .fraction = 0}, seed, 0)) {
      drawn.push_back(rows.keys[row]);
    }
    keys = std::move(drawn);
  }
  if (keys.empty()) {
    throw Error(ErrorCode::kNothingFound,
                "--data: no labelled case of " + dataset.name + " is left to train on");
  }
  std::sort(keys.begin(), keys.end());
  return keys;
}

// Training cases of each class; every one must have some, and none may have them all.
std::vector<double> class_counts(const FeatureSet& rows, const ClassTable& table) {
  std::vector<double> counts;
  for (std::int64_t k = 0; k < table.size(); ++k) {
    double count = 0;
    for (std::size_t row = 0; row < rows.rows(); ++row) {
      count += rows.is_positive(row, k) ? 1 : 0;
    }
    const std::string& name = table.names[static_cast<std::size_t>(k)];
    if (count == 0 || count == static_cast<double>(rows.rows())) {
      throw Error(
          ErrorCode::kRefused,
          fmt::format("finetune: {} of the {} training cases are of the class \"{}\", so it "
                      "cannot be told from others; choose other cases with --cases",
                      count == 0 ? "none" : "all",
                      rows.rows(),
                      printable(name)));
    }
    counts.push_back(count);
  }
  return counts;
}

std::map<std::int64_t, std::vector<float>> targets_by_case(const TrainingData& data,
                                                           const ClassTable& table,
                                                           const std::vector<std::string>& keys) {
  std::map<std::int64_t, std::vector<float>> targets;
  for (const Case& one : data.dataset.cases) {
    if (std::binary_search(keys.begin(), keys.end(), one.key)) {
      targets[data.store->find(one.key)] = table.targets_of(one);
    }
  }
  return targets;
}

// Which classes the training and validation cases are of.
std::string text_of_labels(const Dataset& dataset,
                           const ClassTable& table,
                           const FinetuneCases& cases) {
  std::set<std::string> keys(cases.training.begin(), cases.training.end());
  keys.insert(cases.validation.begin(), cases.validation.end());
  std::vector<std::string> lines;
  for (const Case& one : dataset.cases) {
    if (keys.contains(one.key)) {
      lines.push_back(fmt::format("{}:{}", one.key, fmt::join(table.targets_of(one), ",")));
    }
  }
  std::sort(lines.begin(), lines.end());
  return join(lines, "\n");
}

// Scores of the validation cases, for choosing the best checkpoint.
class Validation {
 public:
  Validation(const TrainingData& data,
             const ClassTable& table,
             const std::vector<std::string>& keys,
             std::string select)
      : store_(*data.store), select_(std::move(select)) {
    const FeatureSet rows = labelled_rows(data.dataset, table, keys);
    targets_ = {table.size(), rows.labels, rows.findings};
    cases_ = store_cases(store_, rows.keys);
  }

  double score(ClassificationTask& task, const ImageView& view, const ComputeMode& mode) {
    ScoreTable scores;
    for (const std::int64_t index : cases_) {
      scores.push_back(classify(task, stored_channels(store_, index), view, mode));
    }
    const ProbeScores measured(targets_, scores);
    if (select_ == "auroc") {
      if (const std::optional<double> area = measured.measure(ProbeMetric::kMacroAuroc)) {
        return *area;
      }
      if (!warned_) {
        warned_ = true;
        log::warn(
            "all validation cases are of one class, so they have no AUROC: the best "
            "checkpoint is chosen by accuracy");
      }
    }
    return measured.measure(ProbeMetric::kAccuracy).value_or(0);
  }

 private:
  const VolumeStore& store_;
  std::string select_;
  ProbeTargets targets_;
  std::vector<std::int64_t> cases_;
  bool warned_ = false;
};

}  // namespace

int finetune_classify(const CommandContext& context, const FinetuneArguments& arguments) {
  const Config config = config_with_pretrained(context, arguments);
  config.allow_sections({"prepare",
                         "encoder",
                         "head",
                         "classification",
                         "data",
                         "sampler",
                         "augment",
                         "train",
                         "method"});
  PartSections parts(config);
  const auto recipe = parts.options<RecipeOptions>("prepare");
  TrainingData data = open_dataset(
      arguments.data, context.options.work, recipe, context.options.seed, context.options.threads);
  leave_out_refused(data);
  const ClassTable table = class_table(data.dataset);

  const std::shared_ptr<Encoder> encoder = parts.encoder("resnet");
  const auto options = parts.options<ClassificationOptions>(ClassificationOptions::kName);
  const auto data_options = parts.options<DataOptions>("data");
  const auto augment = parts.options<AugmentOptions>("augment");
  const auto train_options = parts.options<TrainOptions>("train");
  const std::shared_ptr<ClassifierHead> head =
      parts.classifier("linear", {encoder->stages().back().channels, table.size()});
  load_pretrained(*encoder, arguments);
  const FinetuneCases cases =
      finetune_cases(data,
                     training_keys(data.dataset, table, arguments.cases, context.options.seed),
                     labelled_keys(data.dataset, "validation"),
                     *encoder,
                     arguments);
  const FeatureSet rows = labelled_rows(data.dataset, table, cases.training);
  const std::vector<double> counts = class_counts(rows, table);

  ClassificationSetting setting;
  setting.classes = table.size();
  setting.multi_label = table.multi_label();
  setting.class_weights =
      options.class_weights == "balanced"
          ? balanced_weights(counts, static_cast<double>(rows.rows()), table.multi_label())
          : options.weights;
  setting.steps_per_epoch =
      std::max<std::int64_t>(1, std::ssize(cases.training) / train_options.batch_size);
  const auto task = std::make_shared<ClassificationTask>(encoder, head, options, setting);
  SamplerInput input;
  input.store = data.store.get();
  input.cases = cases.store_training;
  input.patch_size = image_voxels(data_options, encoder->dimensions());
  input.seed = context.options.seed;
  const std::unique_ptr<Sampler> sampler = parts.sampler("whole_case", input);
  LoaderOptions loader;
  loader.batch_size = train_options.batch_size;
  loader.threads = train_options.loader_threads;
  loader.seed = context.options.seed;
  loader.two_dimensional = encoder->dimensions() == 2 && input.patch_size[2] == 1;
  loader.targets = targets_by_case(data, table, cases.training);

  Finetuning finetuning;
  finetuning.task = task;
  finetuning.encoder = encoder;
  finetuning.encoder_name = config.section("encoder").part_name("resnet");
  finetuning.batches = make_loader(*data.store, *sampler, augment, loader);
  finetuning.train = train_options;
  finetuning.yaml = parts.yaml();
  finetuning.facts = class_facts(table);
  finetuning.labels = text_of_labels(data.dataset, table, cases);
  Validation validation(data, table, cases.validation, options.select);
  const ImageView view{.size = input.patch_size,
                       .dimensions = encoder->dimensions(),
                       .ct = recipe.modality == "ct",
                       .multi_label = table.multi_label()};
  if (!cases.validation.empty() && train_options.validate_every > 0) {
    finetuning.validate = [&](std::int64_t, const ComputeMode& mode) {
      return validation.score(*task, view, mode);
    };
  }
  return run_finetuning(context, arguments, data, recipe, cases, finetuning);
}

}  // namespace marrow
