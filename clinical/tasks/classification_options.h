#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/options.h"

namespace marrow {

struct ClassificationOptions {
  static constexpr std::string_view kName = "classification";

  std::string tokens = "pooled";
  std::string class_weights = "none";
  std::vector<double> weights;
  double label_smoothing = 0.0;
  double mixup = 0.0;
  std::string freeze = "none";
  std::int64_t freeze_epochs = 10;
  double encoder_lr_scale = 1.0;
  double layer_decay = 1.0;
  std::string select = "auroc";

  template <class Visit>
  void describe(Visit&& visit) {
    visit("tokens",
          tokens,
          OneOf{{"pooled", "positions"}},
          "what the head sees of an image, or of each slice of a bag: one pooled row, or the "
          "positions of the encoder's last map");
    visit("class_weights",
          class_weights,
          OneOf{{"none", "balanced", "given"}},
          "balanced: every class counts the same in the loss; given: by `weights`");
    visit("weights",
          weights,
          Range{0.0, 1e6},
          "of the classes in their order; of findings the weight of their positive cases");
    visit("label_smoothing", label_smoothing, Range{0.0, 0.9}, "share spread over all classes");
    visit("mixup", mixup, Range{0.0, 10.0}, "both parameters of mixup's beta distribution; 0: off");
    visit(
        "freeze",
        freeze,
        OneOf{{"none", "head_only", "intended", "legacy"}},
        "head_only: the encoder never learns; intended and legacy: only its batch norms do in the "
        "first epochs, then all of it (docs/methods/classification.md)");
    visit("freeze_epochs", freeze_epochs, Range{0, 1000000}, "of intended and legacy");
    visit("encoder_lr_scale",
          encoder_lr_scale,
          Range{0.0, 10.0},
          "learning rate of the encoder relative to that of the head");
    visit("layer_decay",
          layer_decay,
          Range{0.01, 1.0},
          "learning rate of a layer relative to that of the layer above it; 1: all the same");
    visit("select",
          select,
          OneOf{{"auroc", "accuracy"}},
          "what decides the best checkpoint on the validation cases");
  }
};

}  // namespace marrow
