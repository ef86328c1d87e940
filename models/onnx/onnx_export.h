#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include "models/onnx/traced_graph.h"

namespace marrow {

struct OnnxNames {
  std::string input = "input";
  std::vector<std::string> outputs = {"output"};  // one per tensor of `forward`
  std::string graph = "network";
  std::map<std::string, std::string> metadata = {};  // goes into metadata_props
};

// Writes what `forward` does in eval mode as an ONNX file (operators 17) of the example's size with
// any number of samples. It is made from LibTorch's trace of the network, operation by operation,
// so that it serves every network whose operations are listed in models/onnx/*_operators.cpp. The
// module's parameters and buffers become initialisers under their names; the file is read again and
// compared with them.
//
// module: owns what `forward` uses; is left in eval mode. example: [B, C, D, H, W] float (2D:
// [B, C, H, W]).
// Throws Error{kInvalidArgument} when the network does not take the example or gives another number
// of outputs, Error{kUnsupported} for an operation without a counterpart (naming it), for one that
// depends on the number of samples in a way that ONNX cannot say, for a part that LibTorch's tracer
// does not see, for parameters of another type
// than float32 and for more than 2 GB, Error{kResources} when the disk is full.
void export_onnx(torch::nn::Module& module,
                 const TensorForward& forward,
                 const at::Tensor& example,
                 const OnnxNames& names,
                 const std::filesystem::path& file);

}  // namespace marrow
