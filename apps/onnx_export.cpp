#include "apps/onnx_export.h"

#include <map>

#include <ATen/ops/randn.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/classification_model.h"
#include "apps/embedding.h"
#include "apps/parts.h"
#include "apps/run_folder.h"
#include "apps/segmentation_model.h"
#include "core/error.h"
#include "models/onnx/onnx_export.h"

namespace marrow {

namespace {

std::string classes_json(const std::vector<LabelClass>& classes) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const LabelClass& item : classes) {
    list.push_back({{"value", item.value}, {"name", item.name}});
  }
  return list.dump();
}

struct OnnxRun {
  std::filesystem::path run;
  std::filesystem::path file;
  RunDescription description;
};

ExportedOnnx write_network(const OnnxRun& of,
                           torch::nn::Module& module,
                           const TensorForward& forward,
                           std::int64_t channels,
                           std::vector<std::string> outputs,
                           std::map<std::string, std::string> metadata) {
  PartSections parts(of.description.config);
  const std::vector<std::int64_t> tile = parts.options<DataOptions>("data").patch_size;
  ExportedOnnx made{of.description.task, {channels}, std::move(outputs)};
  made.input_size.insert(made.input_size.end(), tile.begin(), tile.end());
  std::vector<std::int64_t> size = made.input_size;
  size.insert(size.begin(), 1);
  metadata["marrow.version"] = MARROW_VERSION;
  metadata["marrow.task"] = made.task;
  metadata["marrow.recipe"] = recipe_to_json(of.description.recipe);
  metadata["marrow.patch_size"] = nlohmann::json(tile).dump();
  module.to(at::kCPU);
  export_onnx(module,
              forward,
              at::randn(size),
              {.outputs = made.outputs, .graph = made.task, .metadata = std::move(metadata)},
              of.file);
  return made;
}

ExportedOnnx write_encoder(const OnnxRun& of) {
  const std::shared_ptr<Encoder> encoder = load_encoder(of.run, false, 0).encoder;
  std::vector<std::string> outputs;
  for (std::size_t s = 0; s < encoder->stages().size(); ++s) {
    outputs.push_back(fmt::format("stage{}", s));
  }
  outputs.emplace_back("pooled");
  return write_network(of,
                       *encoder,
                       [&](const at::Tensor& x) {
                         std::vector<at::Tensor> made = encoder->features(x);
                         made.push_back(encoder->pooled(x));
                         return made;
                       },
                       encoder->input_channels(),
                       std::move(outputs),
                       {});
}

ExportedOnnx write_segmenter(const OnnxRun& of) {
  const SegmentationModel model = load_segmentation(of.run);
  return write_network(
      of,
      *model.task,
      [&](const at::Tensor& x) { return std::vector<at::Tensor>{model.task->logits(x)}; },
      model.channels,
      {"logits"},
      {{"marrow.classes", classes_json(model.classes)}});
}

ExportedOnnx write_classifier(const OnnxRun& of) {
  const ClassificationModel model = load_classification(of.run);
  return write_network(
      of,
      *model.task,
      [&](const at::Tensor& x) { return std::vector<at::Tensor>{model.task->logits(x)}; },
      model.channels,
      {"logits"},
      {{"marrow.classes", nlohmann::json(model.classes.names).dump()},
       {"marrow.findings", model.classes.multi_label() ? "true" : "false"}});
}

}  // namespace

ExportedOnnx export_onnx_of_run(const std::filesystem::path& run,
                                const std::filesystem::path& file) {
  const OnnxRun of{run, file, read_run(run)};
  if (of.description.task == "pretrain" || of.description.task == "import") {
    return write_encoder(of);
  }
  if (of.description.task == "segment") {
    return write_segmenter(of);
  }
  if (of.description.task == "classify") {
    return write_classifier(of);
  }
  throw Error(ErrorCode::kUnsupported,
              run.string() + " is a \"" + of.description.task +
                  "\" run, whose network is not exported to ONNX; name a pretrained run, a "
                  "segmenter or a classifier");
}

}  // namespace marrow
