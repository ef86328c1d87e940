#include "apps/classification_model.h"

#include <algorithm>
#include <array>
#include <span>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/softmax.h>

#include "apps/run_folder.h"
#include "apps/trained_weights.h"
#include "core/error.h"

namespace marrow {

namespace {

// Boxes that go through the network at a time.
constexpr std::size_t kBoxesAtATime = 16;

// First voxels of boxes of `box` along an axis of `size`; negative where the box is the larger.
std::vector<std::int64_t> starts(std::int64_t size, std::int64_t box) {
  if (size <= box) {
    return {(size - box) / 2};
  }
  const std::int64_t count = (size + box - 1) / box;
  std::vector<std::int64_t> result;
  for (std::int64_t n = 0; n < count; ++n) {
    result.push_back(n * (size - box) / (count - 1));
  }
  return result;
}

std::vector<std::array<std::int64_t, 3>> box_starts(const Size3& size, const Size3& box) {
  std::vector<std::array<std::int64_t, 3>> result;
  for (const std::int64_t k : starts(size[2], box[2])) {
    for (const std::int64_t j : starts(size[1], box[1])) {
      for (const std::int64_t i : starts(size[0], box[0])) {
        result.push_back({i, j, k});
      }
    }
  }
  return result;
}

// A box of one channel; outside the volume `outside`.
void cut(const Volume& volume,
         const std::array<std::int64_t, 3>& start,
         const Size3& box,
         float outside,
         float* out) {
  const Size3& size = volume.geometry.size;
  for (std::int64_t k = 0; k < box[2]; ++k) {
    for (std::int64_t j = 0; j < box[1]; ++j) {
      for (std::int64_t i = 0; i < box[0]; ++i) {
        const std::array<std::int64_t, 3> at{start[0] + i, start[1] + j, start[2] + k};
        const bool inside = at[0] >= 0 && at[0] < size[0] && at[1] >= 0 && at[1] < size[1] &&
                            at[2] >= 0 && at[2] < size[2];
        *out++ =
            inside
                ? volume
                      .voxels[static_cast<std::size_t>(at[0] + size[0] * (at[1] + size[1] * at[2]))]
                : outside;
      }
    }
  }
}

}  // namespace

ClassificationModel load_classification(const std::filesystem::path& run) {
  const RunDescription description = read_run(run);
  if (description.task != "classify") {
    throw Error(ErrorCode::kInvalidArgument,
                run.string() + " is a \"" + description.task +
                    "\" run; a fine-tuned classifier is needed: marrow finetune classify --from " +
                    run.string());
  }
  ClassificationModel model;
  model.recipe = description.recipe;
  model.contract = contract_of(description.recipe, description.facts);
  model.classes = classes_of_run(description);
  PartSections parts(description.config);
  const std::shared_ptr<Encoder> encoder = parts.encoder("resnet");
  model.channels = encoder->input_channels();
  model.dimensions = encoder->dimensions();
  model.image = image_voxels(parts.options<DataOptions>("data"), encoder->dimensions());
  auto options = parts.options<ClassificationOptions>(ClassificationOptions::kName);
  const std::shared_ptr<ClassifierHead> head =
      parts.classifier("linear", {encoder->stages().back().channels, model.classes.size()});
  model.task = std::make_shared<ClassificationTask>(
      encoder,
      head,
      options,
      ClassificationSetting{.classes = model.classes.size(),
                            .multi_label = model.classes.multi_label()});
  const TrainedState state =
      load_trained(run, *model.task, parts.options<TrainOptions>("train").device);
  model.step = state.step;
  model.mode = state.mode;
  return model;
}

ImageView image_view(const ClassificationModel& model) {
  return {.size = model.image,
          .dimensions = model.dimensions,
          .ct = model.recipe.modality == "ct",
          .multi_label = model.classes.multi_label()};
}

std::vector<double> classify(ClassificationTask& task,
                             const std::vector<Volume>& channels,
                             const ImageView& view,
                             const ComputeMode& mode) {
  const at::NoGradGuard no_grad;
  const at::Device device = task.parameters().at(0).device();
  const std::vector<std::array<std::int64_t, 3>> places =
      box_starts(channels.at(0).geometry.size, view.size);
  std::vector<float> outside;
  for (const Volume& channel : channels) {
    outside.push_back(view.ct ? -1.0F
                              : *std::min_element(channel.voxels.begin(), channel.voxels.end()));
  }
  const std::int64_t voxels = view.size[0] * view.size[1] * view.size[2];
  at::Tensor sum;
  for (std::size_t first = 0; first < places.size(); first += kBoxesAtATime) {
    const std::size_t count = std::min(kBoxesAtATime, places.size() - first);
    std::vector<std::int64_t> shape{static_cast<std::int64_t>(count), std::ssize(channels)};
    const bool flat = view.dimensions == 2 && view.size[2] == 1;
    for (std::size_t axis = flat ? 2 : 3; axis-- > 0;) {
      shape.push_back(view.size[axis]);
    }
    const at::Tensor boxes = at::empty(shape, at::kFloat);
    float* out = boxes.mutable_data_ptr<float>();
    for (std::size_t n = 0; n < count; ++n) {
      for (std::size_t c = 0; c < channels.size(); ++c) {
        cut(channels[c], places[first + n], view.size, outside[c], out);
        out += voxels;
      }
    }
    at::Tensor logits;
    {
      const AutocastGuard autocast(mode, device);
      logits = task.logits(with_layout(boxes.to(device), mode));
    }
    logits = logits.to(at::kCPU, at::kDouble);
    const at::Tensor shares = view.multi_label ? at::sigmoid(logits) : at::softmax(logits, 1);
    sum = sum.defined() ? sum + shares.sum(0) : shares.sum(0);
  }
  const at::Tensor mean = (sum / static_cast<double>(places.size())).contiguous();
  return {mean.const_data_ptr<double>(), mean.const_data_ptr<double>() + mean.numel()};
}

}  // namespace marrow
