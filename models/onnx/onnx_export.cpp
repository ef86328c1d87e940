#include "models/onnx/onnx_export.h"

#include <ATen/ops/equal.h>
#include <fmt/format.h>

#include "core/error.h"
#include "models/onnx/onnx_model.h"
#include "models/onnx/operators.h"

namespace marrow {

namespace {

const OperationWriters& operation_writers() {
  static const OperationWriters kWriters = [] {
    OperationWriters writers;
    add_layer_operators(writers);
    add_arithmetic_operators(writers);
    add_shape_operators(writers);
    return writers;
  }();
  return kWriters;
}

NamedTensors named_tensors(const torch::nn::Module& module) {
  NamedTensors tensors;
  for (const auto& item : module.named_parameters()) {
    tensors.emplace_back(item.key(), item.value());
  }
  for (const auto& item : module.named_buffers()) {
    tensors.emplace_back(item.key(), item.value());
  }
  for (const auto& [name, tensor] : tensors) {
    if (tensor.is_floating_point() && tensor.scalar_type() != at::kFloat) {
      throw Error(
          ErrorCode::kUnsupported,
          fmt::format("onnx: \"{}\" is of type {}, but only networks in float32 are exported",
                      name,
                      c10::toString(tensor.scalar_type())));
    }
  }
  return tensors;
}

// What the file holds is what was meant.
void verify(const std::filesystem::path& file, const OnnxModel& meant) {
  const OnnxModel read = read_onnx(file);
  bool same = read.nodes.size() == meant.nodes.size() &&
              read.initialisers.size() == meant.initialisers.size();
  for (std::size_t i = 0; same && i < meant.initialisers.size(); ++i) {
    const at::Tensor wanted = meant.initialisers[i].second.detach().to(at::kCPU);
    same = read.initialisers[i].first == meant.initialisers[i].first &&
           read.initialisers[i].second.sizes() == wanted.sizes() &&
           at::equal(read.initialisers[i].second, wanted);
  }
  if (!same) {
    throw Error(ErrorCode::kUnreadable,
                file.string() + " does not hold what was written to it; check the disk");
  }
}

}  // namespace

void export_onnx(torch::nn::Module& module,
                 const TensorForward& forward,
                 const at::Tensor& example,
                 const OnnxNames& names,
                 const std::filesystem::path& file) {
  module.eval();
  const NamedTensors parameters = named_tensors(module);
  const TracedGraph graph = trace_graph(forward, example, parameters);
  OnnxBuilder onnx(graph, names.input, parameters);
  for (const TracedNode& node : graph.nodes) {
    const std::string name = node.op.starts_with("aten::") ? node.op.substr(6) : "";
    const auto writer = operation_writers().find(name);
    if (writer == operation_writers().end()) {
      throw Error(ErrorCode::kUnsupported,
                  fmt::format("onnx: the network uses the operation {}, which has no counterpart "
                              "in the export; export another network or add it to "
                              "models/onnx/",
                              node.op));
    }
    writer->second(TracedOperation(onnx, node));
  }
  OnnxModel model = onnx.finished(names.outputs);
  model.name = names.graph;
  model.metadata = names.metadata;
  write_onnx(file, model);
  verify(file, model);
}

}  // namespace marrow
