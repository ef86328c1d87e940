#pragma once

#include <memory>

#include "models/onnx/traced_graph.h"

namespace torch::jit {
struct Graph;
}

namespace marrow {

// LibTorch's own graph of `forward` on `example`: the first input is the example, the others the
// parameters. In-place operations are plain ones, constants are computed and nothing is computed
// twice. Throws as trace_graph.
[[nodiscard]] std::shared_ptr<torch::jit::Graph> recorded_graph(const TensorForward& forward,
                                                                const at::Tensor& example,
                                                                const NamedTensors& parameters);

// Runs the graph and the network on another input than the example's. Throws Error{kUnsupported}
// when they disagree by more than the order of sums can explain.
void check_recorded(const std::shared_ptr<torch::jit::Graph>& graph,
                    const TensorForward& forward,
                    const at::Tensor& example,
                    const NamedTensors& parameters);

}  // namespace marrow
