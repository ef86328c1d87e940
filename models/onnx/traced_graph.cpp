// LibTorch's own tracer, which needs no Python: custom kernels must offer it their plain form (see
// norm_act).
#include "models/onnx/traced_graph.h"

#include <sstream>
#include <unordered_map>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/csrc/jit/frontend/tracer.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/ir/ir.h>
#include <torch/csrc/jit/passes/common_subexpression_elimination.h>
#include <torch/csrc/jit/passes/constant_propagation.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>

#include "core/error.h"

namespace marrow {

namespace {

namespace jit = torch::jit;

std::shared_ptr<jit::Graph> traced(const TensorForward& forward,
                                   const at::Tensor& example,
                                   const NamedTensors& parameters) {
  jit::Stack inputs = {example};
  for (const auto& item : parameters) {
    inputs.emplace_back(item.second);
  }
  std::shared_ptr<jit::Graph> graph;
  try {
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
  jit::ConstantPropagation(graph);
  // An output that is computed again from the input, such as pooled features, is computed once.
  jit::EliminateCommonSubexpression(graph);
  jit::EliminateDeadCode(graph);
  return graph;
}

// Both graphs side by side, node by node.
class Pairing {
 public:
  Pairing(const jit::Graph& one, const jit::Graph& more, const NamedTensors& parameters)
      : one_(one), more_(more) {
    check(one.inputs().size() == more.inputs().size() &&
          one.outputs().size() == more.outputs().size());
    graph_.input = add(one.inputs()[0], more.inputs()[0]);
    for (std::size_t p = 0; p < parameters.size(); ++p) {
      if (one.inputs()[p + 1]->hasUses()) {
        graph_.parameters.emplace_back(parameters[p].first,
                                       add(one.inputs()[p + 1], more.inputs()[p + 1]));
      }
    }
  }

  TracedGraph graph() {
    auto other = more_.nodes().begin();
    for (const jit::Node* const node : one_.nodes()) {
      // Constants are looked at where they are used; their order may differ.
      if (node->kind() == c10::prim::Constant) {
        continue;
      }
      while (other != more_.nodes().end() && other->kind() == c10::prim::Constant) {
        ++other;
      }
      check(other != more_.nodes().end() && other->kind() == node->kind() &&
            other->inputs().size() == node->inputs().size() &&
            other->outputs().size() == node->outputs().size());
      add_node(*node, **other);
      ++other;
    }
    // Several outputs come as a tuple's parts or as the graph's own.
    for (std::size_t i = 0; i < one_.outputs().size(); ++i) {
      for (const std::int64_t value : tensors(one_.outputs()[i], more_.outputs()[i])) {
        graph_.outputs.push_back(value);
      }
    }
    return std::move(graph_);
  }

 private:
  static void check(bool alike) {
    if (!alike) {
      throw Error(ErrorCode::kUnsupported,
                  "onnx: the network takes other steps for another number of samples, which a file "
                  "for any number cannot hold");
    }
  }

  std::int64_t add(const jit::Value* value, const jit::Value* other) {
    const auto type = value->type()->cast<c10::TensorType>();
    const auto other_type = other->type()->cast<c10::TensorType>();
    check(type != nullptr && other_type != nullptr);
    const auto size = type->sizes().concrete_sizes();
    const auto other_size = other_type->sizes().concrete_sizes();
    check(size.has_value() && other_size.has_value() && size->size() == other_size->size() &&
          type->scalarType().has_value());
    TracedValue made;
    made.size = *size;
    made.type = *type->scalarType();
    for (std::size_t axis = 0; axis < size->size(); ++axis) {
      made.follows_batch.push_back((*size)[axis] != (*other_size)[axis]);
    }
    return keep(value, std::move(made));
  }

  std::int64_t keep(const jit::Value* value, TracedValue made) {
    const auto index = static_cast<std::int64_t>(graph_.values.size());
    graph_.values.push_back(std::move(made));
    known_[value] = {index};
    return index;
  }

  std::int64_t add_constant(const jit::Value* value,
                            const at::Tensor& tensor,
                            const at::Tensor& other) {
    TracedValue made;
    made.size = tensor.sizes().vec();
    made.follows_batch.assign(made.size.size(), false);
    made.type = tensor.scalar_type();
    made.constant = tensor;
    made.varies = tensor.sizes() != other.sizes() || tensor.scalar_type() != other.scalar_type() ||
                  !at::equal(tensor, other);
    return keep(value, std::move(made));
  }

  // The tensors behind a value: one, or those of a list.
  std::vector<std::int64_t> tensors(const jit::Value* value, const jit::Value* other) {
    if (const auto found = known_.find(value); found != known_.end()) {
      return found->second;
    }
    if (value->node()->kind() == c10::prim::Constant) {
      const std::optional<c10::IValue> constant = jit::toIValue(value);
      const std::optional<c10::IValue> changed = jit::toIValue(other);
      check(constant.has_value() && changed.has_value());
      if (constant->isTensor()) {
        check(changed->isTensor());
        return {add_constant(value, constant->toTensor(), changed->toTensor())};
      }
      if (constant->isList()) {
        std::vector<std::int64_t> list;
        const auto items = constant->toListRef();
        const auto changed_items = changed->toListRef();
        check(items.size() == changed_items.size());
        for (std::size_t i = 0; i < items.size(); ++i) {
          list.push_back(items[i].isTensor()
                             ? add_constant(value, items[i].toTensor(), changed_items[i].toTensor())
                             : -1);
        }
        known_[value] = list;
        return list;
      }
    }
    return {-1};
  }

  static bool holds_tensors(const c10::TypePtr& type) {
    if (const auto optional = type->cast<c10::OptionalType>()) {
      return holds_tensors(optional->getElementType());
    }
    if (const auto list = type->cast<c10::ListType>()) {
      return holds_tensors(list->getElementType());
    }
    return type->isSubtypeOf(*c10::TensorType::get());
  }

  TracedArgument argument(const jit::Value* value, const jit::Value* other) {
    TracedArgument made;
    if (holds_tensors(value->type())) {
      made.tensors = tensors(value, other);
      return made;
    }
    const std::optional<c10::IValue> constant = jit::toIValue(value);
    const std::optional<c10::IValue> changed = jit::toIValue(other);
    if (!constant.has_value() || !changed.has_value()) {
      throw Error(ErrorCode::kUnsupported,
                  fmt::format("onnx: the network computes an argument from its input by {}, which "
                              "cannot be exported",
                              value->node()->kind().toQualString()));
    }
    made.constant = *constant;
    made.follows_batch = text(*constant) != text(*changed);
    return made;
  }

  static std::string text(const c10::IValue& value) {
    std::ostringstream stream;
    stream << value;
    return stream.str();
  }

  void add_node(const jit::Node& node, const jit::Node& other) {
    if (node.kind() == c10::prim::ListConstruct || node.kind() == c10::prim::TupleConstruct) {
      std::vector<std::int64_t> list;
      for (std::size_t i = 0; i < node.inputs().size(); ++i) {
        const auto item = tensors(node.inputs()[i], other.inputs()[i]);
        list.insert(list.end(), item.begin(), item.end());
      }
      known_[node.output()] = list;
      return;
    }
    if (node.kind() == c10::prim::ListUnpack) {
      // The operation before made the list; its tensors become known here.
      const auto source = lists_.find(node.input());
      MARROW_CHECK(source != lists_.end());
      for (std::size_t i = 0; i < node.outputs().size(); ++i) {
        graph_.nodes[source->second].results.push_back(add(node.outputs()[i], other.outputs()[i]));
      }
      return;
    }
    const c10::FunctionSchema* const schema = node.maybeSchema();
    if (schema == nullptr) {
      throw Error(ErrorCode::kUnsupported,
                  fmt::format("onnx: the network uses {}, which cannot be exported",
                              node.kind().toQualString()));
    }
    TracedNode made;
    made.op = node.kind().toQualString();
    for (std::size_t i = 0; i < node.inputs().size(); ++i) {
      made.arguments[schema->arguments().at(i).name()] =
          argument(node.inputs()[i], other.inputs()[i]);
    }
    for (std::size_t i = 0; i < node.outputs().size(); ++i) {
      if (node.outputs()[i]->type()->kind() == c10::TypeKind::ListType) {
        lists_[node.outputs()[i]] = graph_.nodes.size();
      } else {
        made.results.push_back(add(node.outputs()[i], other.outputs()[i]));
      }
    }
    graph_.nodes.push_back(std::move(made));
  }

  const jit::Graph& one_;
  const jit::Graph& more_;
  TracedGraph graph_;
  std::unordered_map<const jit::Value*, std::vector<std::int64_t>> known_;
  std::unordered_map<const jit::Value*, std::size_t> lists_;  // to the node that makes it
};

}  // namespace

TracedGraph trace_graph(const TensorForward& forward,
                        const at::Tensor& example,
                        const NamedTensors& parameters) {
  if (example.dim() < 2 || example.size(0) < 1) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("onnx: expected an example [B, C, ...] of at least one sample, found "
                            "{}",
                            fmt::join(example.sizes(), "x")));
  }
  const at::NoGradGuard no_grad;
  const std::shared_ptr<jit::Graph> one = traced(forward, example, parameters);
  const std::shared_ptr<jit::Graph> more =
      traced(forward, at::cat({example, example.narrow(0, 0, 1)}), parameters);
  return Pairing(*one, *more, parameters).graph();
}

}  // namespace marrow
