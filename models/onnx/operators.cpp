#include "models/onnx/operators.h"

#include <set>

#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/tensor.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/error.h"
#include "core/text.h"

namespace marrow {

OnnxBuilder::OnnxBuilder(const TracedGraph& graph,
                         const std::string& input,
                         const NamedTensors& parameters)
    : graph_(graph) {
  const TracedValue& value = graph.values[static_cast<std::size_t>(graph.input)];
  example_batch_ = value.size[0];
  OnnxValue described{input, value.type, value.size};
  described.size[0] = -1;
  model_.inputs.push_back(described);
  names_[graph.input] = input;
  const std::map<std::string, at::Tensor> by_name(parameters.begin(), parameters.end());
  for (const auto& [name, index] : graph.parameters) {
    model_.initialisers.emplace_back(name, by_name.at(name));
    names_[index] = name;
  }
}

std::string OnnxBuilder::new_name(const std::string& stem) {
  return fmt::format("{}_{}", stem, counts_[stem]++);
}

std::string OnnxBuilder::add(const std::string& op,
                             const std::vector<std::string>& inputs,
                             OnnxAttributes attributes) {
  return add_several(op, inputs, 1, std::move(attributes))[0];
}

std::vector<std::string> OnnxBuilder::add_several(const std::string& op,
                                                  const std::vector<std::string>& inputs,
                                                  std::size_t outputs,
                                                  OnnxAttributes attributes) {
  OnnxNode node{op, new_name(op), inputs, {}, std::move(attributes)};
  while (!node.inputs.empty() && node.inputs.back().empty()) {
    node.inputs.pop_back();
  }
  for (std::size_t i = 0; i < outputs; ++i) {
    node.outputs.push_back(outputs == 1 ? node.name : fmt::format("{}_part{}", node.name, i));
  }
  model_.nodes.push_back(node);
  return node.outputs;
}

std::string OnnxBuilder::constant(const std::string& key, const at::Tensor& value) {
  const auto [place, added] = constants_.emplace(key, "");
  if (added) {
    place->second = tensor(value);
  }
  return place->second;
}

std::string OnnxBuilder::integers(const std::vector<std::int64_t>& values) {
  return constant(fmt::format("integers {}", fmt::join(values, ",")),
                  at::tensor(values, at::TensorOptions(at::kLong)));
}

std::string OnnxBuilder::number(double value, at::ScalarType type) {
  return constant(fmt::format("{} {}", c10::toString(type), value),
                  at::scalar_tensor(value, at::TensorOptions(type)));
}

std::string OnnxBuilder::tensor(const at::Tensor& value) {
  const std::string name = new_name("Constant");
  model_.initialisers.emplace_back(name, value);
  return name;
}

std::string OnnxBuilder::batch() {
  const auto [place, added] = constants_.emplace("batch", "");
  if (added) {
    place->second = add("Gather",
                        {add("Shape", {model_.inputs[0].name}), integers({0})},
                        {{"axis", std::int64_t{0}}});
  }
  return place->second;
}

std::string OnnxBuilder::name(std::int64_t value, const std::string& op) {
  if (const auto found = names_.find(value); found != names_.end()) {
    return found->second;
  }
  const TracedValue& traced = graph_.values.at(static_cast<std::size_t>(value));
  MARROW_CHECK(traced.constant.defined());
  if (traced.varies) {
    throw Error(ErrorCode::kUnsupported,
                fmt::format("onnx: {} reads a tensor that the network makes anew for every number "
                            "of samples, which cannot be exported",
                            op));
  }
  return names_[value] = tensor(traced.constant);
}

OnnxModel OnnxBuilder::finished(const std::vector<std::string>& outputs) {
  if (outputs.size() != graph_.outputs.size()) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("onnx: the network gives {} tensors, but {} names were given for them",
                            graph_.outputs.size(),
                            outputs.size()));
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const std::int64_t value = graph_.outputs[i];
    const TracedValue& traced = graph_.values.at(static_cast<std::size_t>(value));
    OnnxValue described{outputs[i], traced.type, traced.size};
    for (std::size_t axis = 0; axis < traced.size.size(); ++axis) {
      if (traced.follows_batch[axis]) {
        described.size[axis] = -1;
      }
    }
    model_.outputs.push_back(described);
    OnnxNode node{"Identity", "output_" + outputs[i], {name(value, "output")}, {outputs[i]}, {}};
    model_.nodes.push_back(std::move(node));
  }
  return std::move(model_);
}

const TracedArgument& TracedOperation::argument(const std::string& name) const {
  static const TracedArgument kNone;
  const auto found = node_.arguments.find(name);
  return found == node_.arguments.end() ? kNone : found->second;
}

const c10::IValue& TracedOperation::constant(const std::string& name) const {
  const TracedArgument& found = argument(name);
  if (found.constant.isNone()) {
    refuse("without a fixed \"" + name + "\"");
  }
  if (found.follows_batch) {
    refuse("with a \"" + name + "\" that depends on the number of samples");
  }
  return found.constant;
}

bool TracedOperation::has(const std::string& name) const {
  const TracedArgument& found = argument(name);
  return !found.constant.isNone() || is_tensor(name);
}

bool TracedOperation::is_tensor(const std::string& name) const {
  const TracedArgument& found = argument(name);
  return !found.tensors.empty() && found.tensors[0] >= 0;
}

std::string TracedOperation::tensor(const std::string& name) const {
  return is_tensor(name) ? builder_.name(argument(name).tensors[0], node_.op) : "";
}

std::string TracedOperation::tensor_as(const std::string& name, at::ScalarType type) const {
  const std::string x = tensor(name);
  if (value(name).type == type) {
    return x;
  }
  static const std::map<at::ScalarType, std::int64_t> kCast = {{at::kFloat, 1},
                                                               {at::kInt, 6},
                                                               {at::kLong, 7},
                                                               {at::kBool, 9},
                                                               {at::kHalf, 10},
                                                               {at::kDouble, 11}};
  const auto number = kCast.find(type);
  if (number == kCast.end()) {
    refuse(std::string("with values of type ") + c10::toString(type));
  }
  return builder_.add("Cast", {x}, {{"to", number->second}});
}

std::string TracedOperation::operand(const std::string& name, at::ScalarType type) const {
  return is_tensor(name) ? tensor_as(name, type) : builder_.number(number(name), type);
}

const std::vector<std::int64_t>& TracedOperation::tensors(const std::string& name) const {
  return argument(name).tensors;
}

const TracedValue& TracedOperation::value(const std::string& name) const {
  MARROW_CHECK(is_tensor(name));
  return builder_.graph().values.at(static_cast<std::size_t>(argument(name).tensors[0]));
}

std::int64_t TracedOperation::rank(const std::string& name) const {
  return std::ssize(value(name).size);
}

std::int64_t TracedOperation::integer(const std::string& name) const {
  const c10::IValue& found = constant(name);
  return found.isBool() ? static_cast<std::int64_t>(found.toBool()) : found.toScalar().toLong();
}

double TracedOperation::number(const std::string& name) const {
  return constant(name).toScalar().toDouble();
}

bool TracedOperation::flag(const std::string& name) const {
  return constant(name).toBool();
}

std::string TracedOperation::text(const std::string& name) const {
  return constant(name).toStringRef();
}

std::vector<std::int64_t> TracedOperation::integers(const std::string& name) const {
  const c10::IValue& found = constant(name);
  return found.isInt() ? std::vector<std::int64_t>{found.toInt()} : found.toIntVector();
}

std::vector<std::int64_t> TracedOperation::integers(const std::string& name,
                                                    std::size_t count) const {
  std::vector<std::int64_t> values = integers(name);
  if (values.size() == 1) {
    values.resize(count, values[0]);
  }
  MARROW_CHECK(values.size() == count);
  return values;
}

std::int64_t TracedOperation::axis(const std::string& name, const std::string& of) const {
  const std::int64_t given = integer(name);
  return given < 0 ? given + rank(of) : given;
}

const TracedValue& TracedOperation::result(std::size_t index) const {
  return builder_.graph().values.at(static_cast<std::size_t>(node_.results.at(index)));
}

void TracedOperation::set(const std::string& name, std::size_t index) const {
  builder_.set(node_.results.at(index), name);
}

void TracedOperation::refuse(const std::string& way) const {
  throw Error(ErrorCode::kUnsupported,
              fmt::format("onnx: the network uses {} {}, which cannot be exported", node_.op, way));
}

std::string reshaped(const TracedOperation& operation,
                     const std::string& x,
                     const TracedValue& like) {
  std::vector<std::int64_t> size = like.size;
  std::int64_t following = 0;
  for (std::size_t axis = 0; axis < size.size(); ++axis) {
    if (like.follows_batch[axis]) {
      size[axis] = -1;
      ++following;
    }
  }
  if (following > 1) {
    operation.refuse("with several axes that depend on the number of samples");
  }
  return operation.onnx().add("Reshape", {x, operation.onnx().integers(size)});
}

}  // namespace marrow
