#include <ATen/Context.h>
#include <ATen/core/Tensor.h>

#include "core/error.h"
#include "core/text.h"
#include "models/training/trainer.h"

namespace marrow {

at::Device resolve_device(const std::string& word) {
  if (word == "cpu" || (word == "auto" && !at::hasCUDA())) {
    return at::Device(at::kCPU);
  }
  if (word != "auto" && word != "cuda" && !word.starts_with("cuda:")) {
    throw Error(
        ErrorCode::kInvalidArgument,
        "train.device: expected auto, cpu, cuda or cuda:N, found \"" + printable(word) + "\"");
  }
  if (!at::hasCUDA()) {
    throw Error(ErrorCode::kUnsupported,
                "train.device: \"" + word +
                    "\" was asked for, but this program or machine has no usable GPU; use cpu or "
                    "auto");
  }
  return at::Device(word == "auto" ? "cuda" : word);
}

}  // namespace marrow
