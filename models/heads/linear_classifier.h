#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/config/options.h"
#include "models/classifier_head.h"

namespace marrow {

struct LinearClassifierOptions {
  static constexpr std::string_view kName = "linear";

  std::string norm = "none";
  double dropout = 0.0;
  double init_std = 0.01;

  template <class Visit>
  void describe(Visit&& visit) {
    visit("norm",
          norm,
          OneOf{{"none", "layer", "batch"}},
          "of the features before the linear layer; batch has no weights (MAE's linear probe)");
    visit("dropout", dropout, Range{0.0, 0.95}, "share of the features left out in training");
    visit("init_std",
          init_std,
          Range{0.0, 1.0},
          "deviation of the first weights, normal and cut at two of them; the bias starts at 0");
  }
};

// logits = fc(dropout(norm(mean over the parts))). Parameters "fc.weight" [classes, F], "fc.bias",
// with a layer norm "norm.weight" and "norm.bias".
[[nodiscard]] std::shared_ptr<ClassifierHead> make_linear_classifier(const ConfigSection& options,
                                                                     const ClassifierInput& input);

}  // namespace marrow
