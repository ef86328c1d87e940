// Exported classifiers give the same logits in ONNX Runtime.

#include "clinical/tasks/classification.h"
#include "core/config/config.h"
#include "models/heads/attention_classifier.h"
#include "models/heads/linear_classifier.h"
#include "tests/support/onnx_export_peer.h"

namespace marrow {
namespace {

using testing_support::make_encoder;
using testing_support::OnnxExportPeer;

class ClassifierOnnxPeer : public OnnxExportPeer {
 protected:
  void add_classifier(const std::string& name,
                      const std::shared_ptr<Encoder>& encoder,
                      bool attention,
                      const std::string& tokens,
                      const std::vector<std::int64_t>& size) {
    const ClassifierInput input{encoder->stages().back().channels, 3};
    const ConfigSection section("head");
    ClassificationOptions options;
    options.tokens = tokens;
    const auto task = std::make_shared<ClassificationTask>(
        encoder,
        attention ? make_attention_classifier(section, input)
                  : make_linear_classifier(section.with("norm", "layer"), input),
        options,
        ClassificationSetting{.classes = 3});
    task->eval();
    add(
        name,
        *task,
        [task](const at::Tensor& x) { return std::vector<at::Tensor>{task->logits(x)}; },
        size);
  }
};

TEST_F(ClassifierOnnxPeer, PicturesBagsOfSlicesAndVolumesGiveTheSameLogits) {
  const std::string vit =
      "encoder: {dimensions: 2, size: custom, width: 24, depth: 2, heads: 2, patch: [8], "
      "image_size: [32]}";
  const std::string resnet = "encoder: {dimensions: 2, depth: 10, width: 8}";
  add_classifier("picture_vit", make_encoder("vit", vit), false, "pooled", {1, 1, 32, 32});
  add_classifier(
      "picture_resnet", make_encoder("resnet", resnet), true, "positions", {1, 1, 64, 96});
  add_classifier("bag_resnet", make_encoder("resnet", resnet), true, "pooled", {1, 1, 4, 64, 64});
  add_classifier(
      "volume_convnext",
      make_encoder(
          "convnext",
          "encoder: {dimensions: 3, size: custom, depths: [1, 1, 1, 1], dims: [8, 12, 16, 24]}"),
      false,
      "pooled",
      {1, 1, 32, 32, 32});

  expect_equal_outputs();
}

}  // namespace
}  // namespace marrow
