#include "apps/finetuning.h"

#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli.h"
#include "apps/data_counts.h"
#include "core/digest.h"
#include "core/error.h"
#include "core/log.h"
#include "core/progress.h"
#include "core/text.h"
#include "models/training/same_run.h"

namespace marrow {

namespace {

// Every training case against what the encoder was pretrained on.
void check_contract(const VolumeStore& store,
                    std::span<const std::int64_t> cases,
                    const FinetuneArguments& arguments) {
  if (arguments.from_scratch()) {
    return;
  }
  const ContractRule rule = contract_rule_from_name(arguments.contract);
  const RunDescription pretrained = read_run(arguments.from);
  const InputContract contract = contract_of(pretrained.recipe, pretrained.facts);
  for (const std::int64_t index : cases) {
    const StoredCase& info = store.info(index);
    settle_breach(rule,
                  "case \"" + printable(info.key) + "\"",
                  contract_breach(contract, Modality::kUnknown, info.geometry));
  }
}

// Images and labels: what a network learns from other labels is another network. (Classes are
// compared by themselves.)
std::string fingerprint_of(const TrainingData& data,
                           const FinetuneCases& cases,
                           const std::string& labels) {
  const std::string images = data.store->fingerprint() + ":" + join(cases.training, ",");
  return labels.empty() ? images : images + ":" + sha256_hex(labels).substr(0, 16);
}

}  // namespace

Config config_with_pretrained(const CommandContext& context, const FinetuneArguments& arguments) {
  Config config = context.config;
  if (arguments.from_scratch()) {
    return config;
  }
  const ContractRule rule = contract_rule_from_name(arguments.contract);
  const RunDescription pretrained = read_run(arguments.from);
  // Another network than the pretrained one cannot take its weights.
  for (const std::string& word : context.overrides) {
    if (word.starts_with("encoder.")) {
      throw Error(ErrorCode::kRefused,
                  "\"" + printable(word) + "\" contradicts --from: `encoder` is what " +
                      arguments.from + " was pretrained with; leave it out, or use --from none");
    }
  }
  std::vector<std::string> kept{"encoder", "prepare"};
  if (config.has("prepare")) {
    const std::string difference =
        recipe_difference(config.section("prepare").parse<RecipeOptions>(), pretrained.recipe);
    if (context.asks_for("prepare.")) {
      settle_breach(rule, "`prepare`", difference);
    } else if (!difference.empty() && rule != ContractRule::kOverride) {
      context.say("prepare is that of " + arguments.from + ", not of the preset: " + difference);
    }
    if (rule == ContractRule::kOverride) {
      kept = {"encoder"};
    }
  }
  return pretrained.config.with_sections_of(config, kept);
}

void load_pretrained(Encoder& encoder, const FinetuneArguments& arguments) {
  if (arguments.from_scratch()) {
    return;
  }
  const std::filesystem::path file = load_exported_encoder(arguments.from, encoder);
  log::info(fmt::format(
      "encoder: all {} tensors loaded from {}", encoder.named_parameters().size(), file.string()));
}

FinetuneCases finetune_cases(const TrainingData& data,
                             std::vector<std::string> training,
                             std::vector<std::string> validation,
                             const Encoder& encoder,
                             const FinetuneArguments& arguments) {
  FinetuneCases cases{std::move(training), std::move(validation), {}, {}};
  cases.store_training = store_cases(*data.store, cases.training);
  cases.store_validation = store_cases(*data.store, cases.validation);
  check_contract(*data.store, cases.store_training, arguments);
  for (const std::int64_t index : cases.store_training) {
    const StoredCase& info = data.store->info(index);
    check_channels("case \"" + printable(info.key) + "\"", info.channels, encoder.input_channels());
  }
  warn_of_copies(*data.store, cases.store_training);
  return cases;
}

int run_finetuning(const CommandContext& context,
                   const FinetuneArguments& arguments,
                   const TrainingData& data,
                   const RecipeOptions& recipe,
                   const FinetuneCases& cases,
                   const Finetuning& finetuning) {
  const auto labelled = static_cast<std::int64_t>(cases.training.size());
  RunFolder run(arguments.out);
  std::map<std::string, std::string> facts = {
      {"contract", arguments.contract},
      {"from",
       arguments.from_scratch() ? "none"
                                : std::filesystem::path(arguments.from).filename().string()},
      {"dataset", data.dataset.name},
      {"training_cases", join(cases.training, ",")},
      {"validation_cases", join(cases.validation, ",")}};
  facts.insert(finetuning.facts.begin(), finetuning.facts.end());
  facts.merge(contract_facts(*data.store, cases.store_training));

  TrainRun train_run;
  train_run.folder = run.path();
  train_run.label = arguments.task;
  train_run.config_yaml = finetuning.yaml;
  train_run.data_fingerprint = fingerprint_of(data, cases, finetuning.labels);
  train_run.accept_changed_data = arguments.accept_changed_data;
  train_run.seed = context.options.seed;
  train_run.validate = finetuning.validate;
  // Classes in another order would be other classes.
  train_run.metadata.assign(finetuning.facts.begin(), finetuning.facts.end());
  check_resumable(train_run);
  run.write_config(finetuning.yaml);
  run.write_flow(finetuning_flow(
      data.flow, data.dataset, *data.store, labelled, static_cast<bool>(finetuning.validate)));
  run.write_manifest(context, arguments.task, train_run.data_fingerprint, facts, nullptr);
  log::info(fmt::format(
      "{} · {} labelled cases of {} · from {} · {} validation cases · {} threads · seed {}",
      arguments.task,
      labelled,
      data.dataset.name,
      arguments.from,
      cases.validation.size(),
      context.options.threads,
      context.options.seed));
  const TrainResult result =
      train(*finetuning.task, *finetuning.batches, finetuning.train, train_run);
  export_encoder(run.path(),
                 *finetuning.encoder,
                 nullptr,
                 yaml_section(finetuning.yaml, "encoder"),
                 recipe,
                 fmt::format("Fine-tuned ({}) on {} labelled cases.", arguments.task, labelled));
  run.write_manifest(context, arguments.task, train_run.data_fingerprint, facts, &result);
  context.answer(
      {{"method", arguments.task},
       {"encoder", finetuning.encoder_name},
       {"steps", result.steps},
       {"loss", result.loss},
       {"best", result.best.has_value() ? nlohmann::json(*result.best) : nlohmann::json(nullptr)},
       {"seconds", result.seconds},
       {"samples_per_second", result.samples_per_second},
       {"peak_rss_mb", static_cast<double>(result.peak_rss) / 1048576.0},
       {"checkpoint", result.checkpoint.string()},
       {"resumed_from", result.resumed_from}});
  context.print(fmt::format(
      "fine-tuned {} steps on {} labelled cases in {}, loss {:.4f} -> {}\nnext: marrow evaluate {} "
      "--data {}\n",
      format_count(result.steps),
      labelled,
      format_duration(result.seconds),
      result.loss,
      run.path().string(),
      run.path().string(),
      arguments.data.string()));
  return 0;
}

}  // namespace marrow
