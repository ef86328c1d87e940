#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

namespace marrow {

// A tensor of a traced network.
struct TracedValue {
  std::vector<std::int64_t> size;   // for the example
  std::vector<bool> follows_batch;  // per axis: the size changes with the number of samples
  at::ScalarType type = at::kFloat;
  at::Tensor constant;  // defined where the network computes with a fixed tensor
  bool varies = false;  // that "fixed" tensor is another one for another number of samples
};

// An argument of an operation: tensors, or a constant.
struct TracedArgument {
  std::vector<std::int64_t> tensors;  // indices into TracedGraph::values; -1: none
  c10::IValue constant;               // where there are no tensors; None when left out
  bool follows_batch = false;         // the constant changes with the number of samples
};

struct TracedNode {
  std::string op;  // "aten::relu"
  std::map<std::string, TracedArgument> arguments;
  std::vector<std::int64_t> results;
};

// What a network does with one input: calls of LibTorch's operations in order.
struct TracedGraph {
  std::vector<TracedValue> values;
  std::int64_t input = 0;
  std::vector<std::pair<std::string, std::int64_t>> parameters;  // those that are used
  std::vector<TracedNode> nodes;
  std::vector<std::int64_t> outputs;
};

using TensorForward = std::function<std::vector<at::Tensor>(const at::Tensor&)>;
using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

// Runs `forward` on `example` [B, ...] and on B + 1 samples and records its operations, without
// gradients; what differs between the two follows the batch. `parameters` are seen as such, every
// other tensor as a constant. Branches are those that the example takes.
//
// Throws Error{kInvalidArgument} when the network does not take the example, Error{kUnsupported}
// when it does something else for another number of samples.
[[nodiscard]] TracedGraph trace_graph(const TensorForward& forward,
                                      const at::Tensor& example,
                                      const NamedTensors& parameters);

}  // namespace marrow
