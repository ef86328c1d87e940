#include <ATen/Context.h>
#include <ATen/core/Tensor.h>
#include <ATen/detail/CUDAHooksInterface.h>

#include "core/error.h"
#include "core/text.h"
#include "models/training/trainer.h"

namespace marrow {

namespace {

// cuDNN 9.8 to 9.14 gave wrong results for 3D convolutions in bfloat16, or did without its fast
// kernels.
constexpr long kLeastCudnn = 91500;

void check_cudnn() {
  const at::CUDAHooksInterface& hooks = at::detail::getCUDAHooks();
  const long version = hooks.hasCuDNN() ? hooks.versionRuntimeCuDNN() : 0;
  if (version < kLeastCudnn) {
    throw Error(ErrorCode::kUnsupported,
                "train.device: 3D convolutions on a GPU need cuDNN 9.15 or later, found " +
                    (version == 0 ? std::string("none")
                                  : std::to_string(version / 10000) + "." +
                                        std::to_string(version / 100 % 100)) +
                    "; install a newer cuDNN, or train on the CPU with train.device=cpu");
  }
}

}  // namespace

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
  check_cudnn();
  return at::Device(word == "auto" ? "cuda" : word);
}

}  // namespace marrow
