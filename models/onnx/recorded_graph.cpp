// LibTorch's own tracer, which needs no Python: custom kernels must offer it their plain form (see
// norm_act).
#include "models/onnx/recorded_graph.h"

#include <algorithm>
#include <set>
#include <string_view>

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/flip.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/csrc/jit/frontend/tracer.h>
#include <torch/csrc/jit/ir/ir.h>
#include <torch/csrc/jit/passes/common_subexpression_elimination.h>
#include <torch/csrc/jit/passes/constant_propagation.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>
#include <torch/csrc/jit/runtime/interpreter.h>

#include "core/error.h"

namespace marrow {

namespace {

namespace jit = torch::jit;

// Float32 through tens of layers, by a fused kernel and by plain operations.
constexpr double kRecordedTolerance = 1e-3;

// Memory that is filled through a pointer has no recorded values.
void check_filled(const jit::Graph& graph) {
  static const std::set<std::string_view> kOverwrites = {"aten::full_like",
                                                         "aten::zeros_like",
                                                         "aten::ones_like",
                                                         "aten::empty_like",
                                                         "aten::fill",
                                                         "aten::zero"};
  for (const jit::Node* const node : graph.nodes()) {
    if (!std::string_view(node->kind().toQualString()).starts_with("aten::empty")) {
      continue;
    }
    for (const jit::Use& use : node->output()->uses()) {
      if (!kOverwrites.contains(use.user->kind().toQualString())) {
        throw Error(ErrorCode::kUnsupported,
                    fmt::format("onnx: the network gives {} a tensor that it fills by a kernel of "
                                "its own, which cannot be exported",
                                use.user->kind().toQualString()));
      }
    }
  }
}

}  // namespace

std::shared_ptr<jit::Graph> recorded_graph(const TensorForward& forward,
                                           const at::Tensor& example,
                                           const NamedTensors& parameters) {
  jit::Stack inputs = {example};
  for (const auto& item : parameters) {
    inputs.emplace_back(item.second);
  }
  std::shared_ptr<jit::Graph> graph;
  try {
    // Once before: a network may make tables for the size of its input by its own loops.
    static_cast<void>(forward(example));
    // In-place operations become plain ones: a value of ONNX is never changed.
    graph = jit::tracer::trace(
                inputs,
                [&](const jit::Stack& stack) {
                  const jit::tracer::NoWarn quiet;
                  const std::vector<at::Tensor> outputs = forward(stack.at(0).toTensor());
                  return jit::Stack(outputs.begin(), outputs.end());
                },
                [](const at::Tensor&) { return std::string(); },
                /*strict=*/true,
                /*force_outplace=*/true)
                .first->graph;
  } catch (const c10::Error& error) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("onnx: the network does not take an example of {}: {}",
                            fmt::join(example.sizes(), "x"),
                            error.what_without_backtrace()));
  }
  jit::EliminateDeadCode(graph);
  check_filled(*graph);
  jit::ConstantPropagation(graph);
  // An output that is computed again from the input, such as pooled features, is computed once.
  jit::EliminateCommonSubexpression(graph);
  jit::EliminateDeadCode(graph);
  return graph;
}

void check_recorded(const std::shared_ptr<jit::Graph>& graph,
                    const TensorForward& forward,
                    const at::Tensor& example,
                    const NamedTensors& parameters) {
  const at::Tensor other = at::flip(example, {-1}) * 0.75 + 0.125;
  jit::Stack stack = {other};
  for (const auto& item : parameters) {
    stack.emplace_back(item.second);
  }
  jit::InterpreterState(jit::Code(graph, "network")).run(stack);
  const std::vector<at::Tensor> wanted = forward(other);
  bool same = stack.size() == wanted.size();
  for (std::size_t i = 0; same && i < wanted.size(); ++i) {
    const at::Tensor& recorded = stack[i].toTensor();
    const double largest =
        wanted[i].numel() > 0 ? wanted[i].abs().max().to(at::kDouble).item<double>() : 0.0;
    same = recorded.sizes() == wanted[i].sizes() &&
           at::allclose(recorded.to(at::kDouble),
                        wanted[i].to(at::kDouble),
                        0.0,
                        kRecordedTolerance * std::max(1.0, largest),
                        true);
  }
  if (!same) {
    throw Error(ErrorCode::kUnsupported,
                "onnx: the recorded operations give other numbers than the network, so a part of "
                "it computes by a kernel of its own or decides by the values of its input; it "
                "cannot be exported");
  }
}

}  // namespace marrow
