#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "models/onnx/onnx_model.h"
#include "models/onnx/traced_graph.h"

namespace marrow {

using OnnxAttributes = std::vector<std::pair<std::string, OnnxAttribute>>;

// Throws Error{kUnsupported}: the operation, used in this way, cannot be exported.
[[noreturn]] void refuse_operation(const std::string& op, const std::string& way);

// An ONNX graph under construction from a traced one.
class OnnxBuilder {
 public:
  // Names the input and the parameters.
  OnnxBuilder(const TracedGraph& graph, const std::string& input, const NamedTensors& parameters);

  // Appends a node and returns the name of its one output.
  std::string add(const std::string& op,
                  const std::vector<std::string>& inputs,
                  OnnxAttributes attributes = {});
  std::vector<std::string> add_several(const std::string& op,
                                       const std::vector<std::string>& inputs,
                                       std::size_t outputs,
                                       OnnxAttributes attributes = {});
  // An initialiser; equal lists and numbers are kept once.
  std::string integers(const std::vector<std::int64_t>& values);
  std::string number(double value, at::ScalarType type);
  std::string tensor(const at::Tensor& value);
  // x of the size `from` with its axes of one repeated to that of `to`; the number of samples is
  // asked of the input while the network runs. Throws Error{kUnsupported}, naming `op`, where an
  // axis follows the batch and is not the batch itself.
  std::string expanded(const std::string& x,
                       const TracedValue& from,
                       const TracedValue& to,
                       const std::string& op);

  // The name of a traced value. Throws Error{kUnsupported}, naming `op`, for a constant that
  // changes with the batch.
  std::string name(std::int64_t value, const std::string& op);

  void set(std::int64_t value, const std::string& name) { names_[value] = name; }

  [[nodiscard]] const TracedGraph& graph() const { return graph_; }

  // The graph with its outputs under the given names.
  [[nodiscard]] OnnxModel finished(const std::vector<std::string>& outputs);

 private:
  std::string constant(const std::string& key, const at::Tensor& value);
  std::string new_name(const std::string& stem);
  std::string batch();  // the number of samples, [1] int64

  const TracedGraph& graph_;
  OnnxModel model_;
  std::int64_t example_batch_ = 0;
  std::map<std::int64_t, std::string> names_;
  std::map<std::string, std::string> constants_;
  std::map<std::string, std::int64_t> counts_;
};

// One traced operation while it is written.
class TracedOperation {
 public:
  TracedOperation(OnnxBuilder& builder, const TracedNode& node) : builder_(builder), node_(node) {}

  [[nodiscard]] OnnxBuilder& onnx() const { return builder_; }

  // Whether the argument was given.
  [[nodiscard]] bool has(const std::string& argument) const;
  [[nodiscard]] bool is_tensor(const std::string& argument) const;
  // The ONNX name of a tensor; "" where it was left out.
  [[nodiscard]] std::string tensor(const std::string& argument) const;
  // The same, converted where it is of another type.
  [[nodiscard]] std::string tensor_as(const std::string& argument, at::ScalarType type) const;
  // A tensor, or a number as one.
  [[nodiscard]] std::string operand(const std::string& argument, at::ScalarType type) const;
  // Indices of a list's tensors, -1 for none, and their names.
  [[nodiscard]] const std::vector<std::int64_t>& tensors(const std::string& argument) const;
  [[nodiscard]] std::vector<std::string> names(const std::string& argument) const;
  [[nodiscard]] const TracedValue& value(const std::string& argument) const;
  [[nodiscard]] std::int64_t rank(const std::string& argument) const;

  [[nodiscard]] std::int64_t integer(const std::string& argument) const;
  [[nodiscard]] double number(const std::string& argument) const;
  [[nodiscard]] bool flag(const std::string& argument) const;
  [[nodiscard]] std::string text(const std::string& argument) const;
  [[nodiscard]] std::vector<std::int64_t> integers(const std::string& argument) const;
  // One per axis; a single one stands for all.
  [[nodiscard]] std::vector<std::int64_t> integers(const std::string& argument,
                                                   std::size_t count) const;
  // An axis of the tensor `of`, counted from the front.
  [[nodiscard]] std::int64_t axis(const std::string& argument, const std::string& of) const;

  [[nodiscard]] const TracedValue& result(std::size_t index = 0) const;

  [[nodiscard]] std::size_t results() const { return node_.results.size(); }

  void set(const std::string& name, std::size_t index = 0) const;

  [[noreturn]] void refuse(const std::string& way) const;

 private:
  [[nodiscard]] const TracedArgument& argument(const std::string& name) const;
  [[nodiscard]] const c10::IValue& constant(const std::string& name) const;

  OnnxBuilder& builder_;
  const TracedNode& node_;
};

using OperationWriter = std::function<void(const TracedOperation&)>;
using OperationWriters = std::map<std::string, OperationWriter, std::less<>>;

// By LibTorch's name without "aten::". The layers, arithmetic and moving of values.
void add_layer_operators(OperationWriters& writers);
void add_arithmetic_operators(OperationWriters& writers);
void add_shape_operators(OperationWriters& writers);

// x in another shape, that of `like`: at most one axis may follow the batch.
[[nodiscard]] std::string reshaped(const TracedOperation& operation,
                                   const std::string& x,
                                   const TracedValue& like);

}  // namespace marrow
