#include <memory>

#include <fmt/format.h>

#include "apps/cli.h"
#include "apps/finetuning.h"
#include "apps/segmentation_model.h"
#include "core/error.h"
#include "core/log.h"
#include "core/text.h"
#include "io/datasets/dataset_reader.h"
#include "models/training/checkpoint.h"

namespace marrow {

namespace {

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

}  // namespace

int finetune_segment(const CommandContext& context, const FinetuneArguments& arguments) {
  const Config config = config_with_pretrained(context, arguments);
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
  TrainingData data = open_dataset(
      arguments.data, context.options.work, recipe, context.options.seed, context.options.threads);
  leave_out_refused(data);
  check_classes(data.dataset);

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
  load_pretrained(*encoder, arguments);
  if (!arguments.from_scratch() && task_options.pretrained_decoder == "load") {
    load_pretrained_decoder(*head, arguments.from);
  }
  const auto task = std::make_shared<SegmentationTask>(encoder, head, task_options);
  const FinetuneCases cases = finetune_cases(data,
                                             select_training_cases(data.dataset, arguments.cases),
                                             split_keys(data.dataset, "validation"),
                                             *encoder,
                                             arguments);
  SamplerInput input;
  input.store = data.store.get();
  input.cases = cases.store_training;
  input.patch_size = patch_voxels(data_options, encoder->dimensions());
  input.seed = context.options.seed;
  const std::unique_ptr<Sampler> sampler =
      parts.sampler(encoder->dimensions() == 2 ? "slice" : "label_patch", input);
  LoaderOptions loader;
  loader.batch_size = train_options.batch_size;
  loader.threads = train_options.loader_threads;
  loader.seed = context.options.seed;
  loader.with_labels = true;
  loader.two_dimensional = encoder->dimensions() == 2;

  Finetuning finetuning;
  finetuning.task = task;
  finetuning.encoder = encoder;
  finetuning.encoder_name = config.section("encoder").part_name("resenc_unet");
  finetuning.batches = make_loader(*data.store, *sampler, augment, loader);
  finetuning.train = train_options;
  finetuning.yaml = parts.yaml();
  finetuning.facts = {{"classes", classes_text(data.dataset.classes)}};
  const SlidingWindowOptions window =
      window_options(data_options, inference, augment.laterality_sensitive);
  if (!cases.validation.empty() && train_options.validate_every > 0) {
    finetuning.validate = [&](std::int64_t, const ComputeMode& mode) {
      return validation_dice(
          *task, *data.store, cases.store_validation, window, mode, data.dataset.classes);
    };
  }
  return run_finetuning(context, arguments, data, recipe, cases, finetuning);
}

}  // namespace marrow
