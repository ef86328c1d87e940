#include "apps/segmentation_model.h"

#include <algorithm>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/stack.h>

#include "apps/trained_weights.h"
#include "core/error.h"
#include "core/text.h"
#include "models/training/trainer.h"

namespace marrow {

SlidingWindowOptions window_options(const DataOptions& data,
                                    const InferenceOptions& inference,
                                    bool laterality_sensitive) {
  SlidingWindowOptions window;
  window.patch = data.patch_size;
  window.overlap = inference.overlap;
  window.mirroring = inference.mirroring;
  window.batch = inference.batch;
  window.laterality_sensitive = laterality_sensitive;
  return window;
}

SegmentationModel load_segmentation(const std::filesystem::path& run) {
  const RunDescription description = read_run(run);
  if (description.task != "segment") {
    throw Error(ErrorCode::kInvalidArgument,
                run.string() + " is a \"" + description.task +
                    "\" run; a fine-tuned segmenter is needed: marrow finetune segment --from " +
                    run.string());
  }
  SegmentationModel model;
  model.recipe = description.recipe;
  model.contract = contract_of(description.recipe, description.facts);
  for (const auto& [value, name] : description.numbered_names("classes")) {
    model.classes.push_back({static_cast<std::int64_t>(value), name});
  }
  PartSections parts(description.config);
  const std::shared_ptr<Encoder> encoder = parts.encoder("resenc_unet");
  HeadInput input;
  input.stages = encoder->stages();
  input.dimensions = encoder->dimensions();
  input.classes = static_cast<std::int64_t>(model.classes.size());
  model.channels = encoder->input_channels();
  const std::shared_ptr<Head> head = parts.head("unet_decoder", input);
  model.task = std::make_shared<SegmentationTask>(
      encoder, head, parts.options<SegmentationOptions>("segmentation"));
  model.window = window_options(parts.options<DataOptions>("data"),
                                parts.options<InferenceOptions>("inference"),
                                parts.options<AugmentOptions>("augment").laterality_sensitive);
  const TrainedState state =
      load_trained(run, *model.task, parts.options<TrainOptions>("train").device);
  model.step = state.step;
  model.mode = state.mode;
  return model;
}

LabelMap segment(SegmentationTask& task,
                 const std::vector<Volume>& channels,
                 const SlidingWindowOptions& window,
                 const ComputeMode& mode,
                 const std::vector<LabelClass>& classes) {
  const at::NoGradGuard no_grad;
  const Geometry& grid = channels.at(0).geometry;
  std::vector<at::Tensor> planes;
  for (const Volume& channel : channels) {
    planes.push_back(at::from_blob(const_cast<float*>(channel.voxels.data()),
                                   {grid.size[2], grid.size[1], grid.size[0]},
                                   at::kFloat));
  }
  const at::Device device = task.parameters().at(0).device();
  SlidingWindowOptions options = window;
  // What lies outside a prepared volume is background, its smallest value.
  options.pad_value = *std::min_element(channels[0].voxels.begin(), channels[0].voxels.end());
  const at::Tensor predicted = sliding_window_labels(
      at::stack(planes),
      [&](const at::Tensor& tile) {
        const AutocastGuard autocast(mode, device);
        return task.logits(with_layout(tile.to(device), mode));
      },
      options);
  LabelMap labels = make_grid<std::uint16_t>(grid);
  const at::Tensor flat = predicted.to(at::kCPU).contiguous();
  const std::int64_t* const values = flat.const_data_ptr<std::int64_t>();
  for (std::size_t i = 0; i < labels.voxels.size(); ++i) {
    labels.voxels[i] =
        static_cast<std::uint16_t>(classes[static_cast<std::size_t>(values[i])].value);
  }
  return labels;
}

std::vector<Volume> stored_channels(const VolumeStore& store, std::int64_t index) {
  const StoredCase& info = store.info(index);
  std::vector<Volume> channels;
  for (std::int64_t channel = 0; channel < info.channels; ++channel) {
    Volume volume = make_grid<float>(info.geometry);
    store.read_image(index, channel, Box{{0, 0, 0}, info.geometry.size}, 0.0F, volume.voxels);
    channels.push_back(std::move(volume));
  }
  return channels;
}

LabelMap stored_labels(const VolumeStore& store, std::int64_t index) {
  const StoredCase& info = store.info(index);
  std::vector<std::uint8_t> values(static_cast<std::size_t>(info.geometry.voxels()));
  store.read_labels(index, Box{{0, 0, 0}, info.geometry.size}, values);
  return make_grid<std::uint16_t>(info.geometry,
                                  std::vector<std::uint16_t>(values.begin(), values.end()));
}

std::string classes_text(const std::vector<LabelClass>& classes) {
  std::vector<std::string> words;
  for (const LabelClass& item : classes) {
    words.push_back(std::to_string(item.value) + "=" + item.name);
  }
  return join(words, "\n");
}

}  // namespace marrow
