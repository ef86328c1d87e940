#include "models/weights/bias_folding.h"

#include <ATen/TensorOperators.h>

namespace marrow {

std::string norm_after(const std::string& conv) {
  const std::size_t dot = conv.rfind('.') + 1;  // 0 when there is none
  const std::string last = conv.substr(dot);
  const std::string before = conv.substr(0, dot);
  if (before.ends_with("downsample.") && last == "0") {
    return before + "1";
  }
  if (last == "conv") {
    return before + "norm";
  }
  return last.starts_with("conv") ? before + "bn" + last.substr(4) : "";
}

std::string absorb_bias(const std::string& norm,
                        const at::Tensor& bias,
                        bool centred,
                        std::map<std::string, at::Tensor>& values) {
  if (norm.empty() || !values.contains(norm + ".weight")) {
    return "";
  }
  const auto mean = values.find(norm + ".running_mean");
  if (mean == values.end()) {
    return centred ? "left out, as the norm after it takes a constant away" : "";
  }
  if (mean->second.sizes() != bias.sizes()) {
    return "";
  }
  mean->second = mean->second - bias.to(mean->second.scalar_type());
  return "taken into " + norm + ".running_mean";
}

}  // namespace marrow
