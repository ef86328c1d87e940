#include "apps/finetune_command.h"

#include <algorithm>
#include <map>

#include <ATen/Parallel.h>
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli.h"
#include "apps/data_counts.h"
#include "apps/input_contract.h"
#include "apps/parts.h"
#include "apps/run_folder.h"
#include "apps/segmentation_model.h"
#include "apps/training_data.h"
#include "clinical/metrics/overlap.h"
#include "core/error.h"
#include "core/log.h"
#include "core/progress.h"
#include "core/rng.h"
#include "core/text.h"
#include "io/datasets/dataset_reader.h"
#include "models/training/checkpoint.h"
#include "models/training/trainer.h"

namespace marrow {

namespace {

struct FinetuneArguments {
  std::string task;
  std::string from;
  std::filesystem::path data;
  std::string cases;
  std::filesystem::path out;
  bool accept_changed_data = false;
  std::string contract = "match";
};

// Sections that a pretrained run decides and a fine-tuning configuration may not contradict.
Config config_with_pretrained(const CommandContext& context,
                              const std::string& from,
                              ContractRule rule) {
  Config config = context.config;
  if (from == "none") {
    return config;
  }
  const RunDescription pretrained = read_run(from);
  // Another network than the pretrained one cannot take its weights.
  for (const std::string& word : context.overrides) {
    if (word.starts_with("encoder.")) {
      throw Error(ErrorCode::kRefused,
                  "\"" + printable(word) + "\" contradicts --from: `encoder` is what " + from +
                      " was pretrained with; leave it out, or use --from none");
    }
  }
  std::vector<std::string> kept{"encoder", "prepare"};
  if (config.has("prepare")) {
    const std::string difference =
        recipe_difference(config.section("prepare").parse<RecipeOptions>(), pretrained.recipe);
    settle_breach(rule, "`prepare`", difference);
    if (rule == ContractRule::kOverride) {
      kept = {"encoder"};
    }
  }
  return pretrained.config.with_sections_of(config, kept);
}

// Every training case against what the encoder was pretrained on.
void check_contract(const VolumeStore& store,
                    std::span<const std::int64_t> cases,
                    const std::string& from,
                    ContractRule rule) {
  if (from == "none") {
    return;
  }
  const RunDescription pretrained = read_run(from);
  const InputContract contract = contract_of(pretrained.recipe, pretrained.facts);
  for (const std::int64_t index : cases) {
    const StoredCase& info = store.info(index);
    settle_breach(rule,
                  "case \"" + printable(info.key) + "\"",
                  contract_breach(contract, Modality::kUnknown, info.geometry));
  }
}

// The classes must be 0, 1, ..., K-1 for the network; other label values are refused with advice.
void check_classes(const Dataset& dataset) {
  if (dataset.classes.size() < 2) {
    throw Error(ErrorCode::kInvalidArgument,
                "--data: " + dataset.name +
                    " declares no classes besides the background; a segmentation needs labels");
  }
  for (std::size_t i = 0; i < dataset.classes.size(); ++i) {
    if (dataset.classes[i].value != static_cast<std::int64_t>(i)) {
      throw Error(ErrorCode::kUnsupported,
                  fmt::format("--data: {} declares the label value {} for \"{}\" where {} was "
                              "expected; label values must "
                              "run 0, 1, 2, ... without gaps",
                              dataset.name,
                              dataset.classes[i].value,
                              printable(dataset.classes[i].name),
                              i));
    }
  }
}

// Mean Dice over structures and cases on the prepared grid: what decides the best checkpoint.
double validation_dice(SegmentationTask& task,
                       const VolumeStore& store,
                       const std::vector<std::int64_t>& cases,
                       const SlidingWindowOptions& window,
                       const ComputeMode& mode,
                       const std::vector<LabelClass>& classes) {
  double sum = 0;
  for (const std::int64_t index : cases) {
    const LabelMap predicted = segment(task, stored_channels(store, index), window, mode, classes);
    const LabelMap reference = stored_labels(store, index);
    for (std::size_t c = 1; c < classes.size(); ++c) {
      std::int64_t both = 0;
      std::int64_t either = 0;
      for (std::size_t v = 0; v < reference.voxels.size(); ++v) {
        const bool a = reference.voxels[v] == c;
        const bool b = predicted.voxels[v] == c;
        both += a && b ? 1 : 0;
        either += (a ? 1 : 0) + (b ? 1 : 0);
      }
      sum += either == 0 ? 1.0 : 2.0 * static_cast<double>(both) / static_cast<double>(either);
    }
  }
  return sum / (static_cast<double>(cases.size()) * static_cast<double>(classes.size() - 1));
}

void load_pretrained(Encoder& encoder, const std::string& from) {
  const std::filesystem::path file = load_exported_encoder(from, encoder);
  log::info(fmt::format(
      "encoder: all {} tensors loaded from {}", encoder.named_parameters().size(), file.string()));
}

// A decoder that was pretrained with the encoder: everything but the scores, which have other
// classes.
void load_pretrained_decoder(Head& head, const std::string& from) {
  const std::filesystem::path file =
      std::filesystem::path(from) / "encoder" / "decoder.safetensors";
  if (!std::filesystem::exists(file)) {
    throw Error(ErrorCode::kNothingFound,
                "segmentation.pretrained_decoder=load: " + from +
                    " holds no encoder/decoder.safetensors; pretrain with method.decoder=unet, or "
                    "leave the setting out");
  }
  TensorFile content = read_safetensors(file);
  const auto is_score = [](const std::string& name) { return name.starts_with("scores"); };
  std::erase_if(content.tensors, [&](const auto& item) { return is_score(item.first); });
  const TensorFile fresh = weights_of(head, "");
  std::size_t kept = 0;
  for (const auto& [name, tensor] : fresh.tensors) {
    if (is_score(name)) {
      content.tensors.emplace_back(name, tensor);
      ++kept;
    }
  }
  try {
    restore_weights(head, content, "");
  } catch (const Error& error) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("head: it is not the decoder that {} was pretrained with ({}); give "
                            "head.widths as method.decoder_widths there, or leave "
                            "segmentation.pretrained_decoder out",
                            from,
                            error.what()));
  }
  log::info(fmt::format("decoder: {} tensors loaded from {}, {} of the scores start anew",
                        content.tensors.size() - kept,
                        file.string(),
                        kept));
}

int run_finetune(const CommandContext& context, const FinetuneArguments& arguments) {
  if (arguments.task != "segment") {
    throw Error(ErrorCode::kUnsupported,
                "finetune: expected the task segment, found \"" + printable(arguments.task) +
                    "\"; classification is not built yet");
  }
  at::set_num_threads(static_cast<int>(context.options.threads));
  at::manual_seed(derive_seed(context.options.seed, "initial weights", {}));
  const ContractRule rule = contract_rule_from_name(arguments.contract);
  const Config config = config_with_pretrained(context, arguments.from, rule);
  config.allow_sections({"prepare",
                         "encoder",
                         "head",
                         "segmentation",
                         "data",
                         "sampler",
                         "augment",
                         "train",
                         "inference",
                         "method"});
  PartSections parts(config);
  const auto recipe = parts.options<RecipeOptions>("prepare");
  const TrainingData data = open_dataset(
      arguments.data, context.options.work, recipe, context.options.seed, context.options.threads);
  check_classes(data.dataset);
  const std::vector<std::string> training = select_training_cases(data.dataset, arguments.cases);
  const std::vector<std::string> validation = split_keys(data.dataset, "validation");

  const std::shared_ptr<Encoder> encoder = parts.encoder("resenc_unet");
  HeadInput head_input;
  head_input.stages = encoder->stages();
  head_input.dimensions = encoder->dimensions();
  head_input.classes = static_cast<std::int64_t>(data.dataset.classes.size());
  const std::shared_ptr<Head> head = parts.head("unet_decoder", head_input);
  const auto task_options = parts.options<SegmentationOptions>("segmentation");
  const auto data_options = parts.options<DataOptions>("data");
  const auto augment = parts.options<AugmentOptions>("augment");
  const auto train_options = parts.options<TrainOptions>("train");
  const auto inference = parts.options<InferenceOptions>("inference");
  if (arguments.from != "none") {
    load_pretrained(*encoder, arguments.from);
    if (task_options.pretrained_decoder == "load") {
      load_pretrained_decoder(*head, arguments.from);
    }
  }
  SegmentationTask task(encoder, head, task_options);

  SamplerInput input;
  input.store = data.store.get();
  input.cases = store_cases(*data.store, training);
  input.patch_size = patch_voxels(data_options, encoder->dimensions());
  input.seed = context.options.seed;
  check_contract(*data.store, input.cases, arguments.from, rule);
  for (const std::int64_t index : input.cases) {
    const StoredCase& info = data.store->info(index);
    if (info.channels != encoder->input_channels()) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("case \"{}\" has {} channels where the encoder takes {}",
                              info.key,
                              info.channels,
                              encoder->input_channels()));
    }
  }
  const std::unique_ptr<Sampler> sampler =
      parts.sampler(encoder->dimensions() == 2 ? "slice" : "label_patch", input);
  const std::string yaml = parts.yaml();

  RunFolder run(arguments.out);
  run.write_config(yaml);
  run.write_flow(finetuning_flow(data.flow,
                                 data.dataset,
                                 *data.store,
                                 static_cast<std::int64_t>(training.size()),
                                 train_options.validate_every > 0));
  std::map<std::string, std::string> facts = {
      {"contract", arguments.contract},
      {"classes", classes_text(data.dataset.classes)},
      {"from",
       arguments.from == "none" ? "none"
                                : std::filesystem::path(arguments.from).filename().string()},
      {"dataset", data.dataset.name},
      {"training_cases", join(training, ",")},
      {"validation_cases", join(validation, ",")}};
  facts.merge(contract_facts(*data.store, input.cases));
  const std::string fingerprint = data.store->fingerprint() + ":" + join(training, ",");
  run.write_manifest(context, "segment", fingerprint, facts, nullptr);

  LoaderOptions loader;
  loader.batch_size = train_options.batch_size;
  loader.threads = train_options.loader_threads;
  loader.seed = context.options.seed;
  loader.with_labels = true;
  loader.two_dimensional = encoder->dimensions() == 2;
  const std::unique_ptr<BatchSource> batches = make_loader(*data.store, *sampler, augment, loader);
  TrainRun train_run;
  train_run.folder = run.path();
  train_run.label = "segment";
  train_run.config_yaml = yaml;
  train_run.data_fingerprint = fingerprint;
  train_run.accept_changed_data = arguments.accept_changed_data;
  train_run.seed = context.options.seed;
  const std::vector<std::int64_t> held_out = store_cases(*data.store, validation);
  const SlidingWindowOptions window =
      window_options(data_options, inference, augment.laterality_sensitive);
  if (!held_out.empty() && train_options.validate_every > 0) {
    train_run.validate = [&](std::int64_t, const ComputeMode& mode) {
      return validation_dice(task, *data.store, held_out, window, mode, data.dataset.classes);
    };
  }
  log::info(fmt::format(
      "segment · {} labelled cases of {} · from {} · {} validation cases · {} threads · seed {}",
      training.size(),
      data.dataset.name,
      arguments.from,
      validation.size(),
      context.options.threads,
      context.options.seed));
  const TrainResult result = train(task, *batches, train_options, train_run);
  export_encoder(run.path(),
                 *encoder,
                 nullptr,
                 yaml_section(yaml, "encoder"),
                 recipe,
                 fmt::format("Fine-tuned for segmentation on {} labelled cases.", training.size()));
  run.write_manifest(context, "segment", fingerprint, facts, &result);
  context.answer(
      {{"method", "segment"},
       {"encoder", config.section("encoder").part_name("resenc_unet")},
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
      training.size(),
      format_duration(result.seconds),
      result.loss,
      run.path().string(),
      run.path().string(),
      arguments.data.string()));
  return 0;
}

}  // namespace

void add_finetune_command(CommandTable& table) {
  auto arguments = std::make_shared<FinetuneArguments>();
  Command& command = table.add(
      "finetune",
      "trains a head, and the encoder with it, from few labels; the same command again resumes",
      "marrow finetune segment --from runs/spark --data Dataset004_Hippocampus --cases 4 --out "
      "runs/seg");
  command.app().add_option("TASK", arguments->task, "segment")->required();
  command.app()
      .add_option("--from", arguments->from, "a pretraining run, or none for training from scratch")
      ->required();
  command.app().add_option("--data", arguments->data, "labelled data set")->required();
  command.app().add_option(
      "--cases", arguments->cases, "a number of training cases, or a file that lists them");
  command.app().add_option("--out", arguments->out, "run folder")->required();
  command.app().add_option("--contract", arguments->contract, kContractWords);
  command.app().add_flag("--accept-changed-data",
                         arguments->accept_changed_data,
                         "resume although the data changed since the run was stopped");
  command.takes_config("finetune/segment.yaml");
  command.runs(
      [arguments](const CommandContext& context) { return run_finetune(context, *arguments); });
}

}  // namespace marrow
