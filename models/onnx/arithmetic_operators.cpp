// Arithmetic per value, activations, products of matrices and reductions.
#include <cmath>
#include <limits>
#include <numbers>

#include "models/onnx/operators.h"

namespace marrow {

namespace {

using Sizes = std::vector<std::int64_t>;

// One tensor in, one out, by an operator without attributes.
OperationWriter plain(const std::string& op, const std::string& argument = "self") {
  return [op, argument](const TracedOperation& operation) {
    operation.set(operation.onnx().add(op, {operation.tensor(argument)}));
  };
}

// self op other * alpha, with numbers as tensors and one type for both.
OperationWriter pair(const std::string& op, bool swapped = false) {
  return [op, swapped](const TracedOperation& operation) {
    OnnxBuilder& onnx = operation.onnx();
    if (operation.has("rounding_mode")) {
      operation.refuse("with rounding");
    }
    const at::ScalarType type = operation.result().type;
    const std::string self = operation.operand("self", type);
    std::string other = operation.operand("other", type);
    if (operation.has("alpha") && operation.number("alpha") != 1.0) {
      other = onnx.add("Mul", {other, onnx.number(operation.number("alpha"), type)});
    }
    operation.set(swapped ? onnx.add(op, {other, self}) : onnx.add(op, {self, other}));
  };
}

OperationWriter comparison(const std::string& op) {
  return [op](const TracedOperation& operation) {
    const at::ScalarType type = operation.value("self").type;
    operation.set(
        operation.onnx().add(op, {operation.tensor("self"), operation.operand("other", type)}));
  };
}

// self - alpha * other, the other way round.
void reversed_sub(const TracedOperation& operation) {
  OnnxBuilder& onnx = operation.onnx();
  const at::ScalarType type = operation.result().type;
  std::string self = operation.operand("self", type);
  if (operation.has("alpha") && operation.number("alpha") != 1.0) {
    self = onnx.add("Mul", {self, onnx.number(operation.number("alpha"), type)});
  }
  operation.set(onnx.add("Sub", {operation.operand("other", type), self}));
}

void power(const TracedOperation& operation) {
  const at::ScalarType type = operation.result().type;
  operation.set(operation.onnx().add(
      "Pow", {operation.operand("self", type), operation.operand("exponent", type)}));
}

void reciprocal_root(const TracedOperation& operation) {
  OnnxBuilder& onnx = operation.onnx();
  operation.set(onnx.add("Reciprocal", {onnx.add("Sqrt", {operation.tensor("self")})}));
}

OperationWriter clip(const std::string& low, const std::string& high) {
  return [low, high](const TracedOperation& operation) {
    const at::ScalarType type = operation.result().type;
    const auto bound = [&](const std::string& name) {
      return operation.has(name) ? operation.operand(name, type) : std::string();
    };
    operation.set(
        operation.onnx().add("Clip", {operation.tensor_as("self", type), bound(low), bound(high)}));
  };
}

void leaky_relu_operator(const TracedOperation& operation) {
  const double slope = operation.number("negative_slope");
  operation.set(slope == 0.0 ? operation.onnx().add("Relu", {operation.tensor("self")})
                             : operation.onnx().add("LeakyRelu",
                                                    {operation.tensor("self")},
                                                    {{"alpha", static_cast<float>(slope)}}));
}

// x * Phi(x), by erf or by the usual approximation with tanh.
void gelu_operator(const TracedOperation& operation) {
  OnnxBuilder& onnx = operation.onnx();
  const at::ScalarType type = operation.result().type;
  const std::string x = operation.tensor("self");
  const auto constant = [&](double value) { return onnx.number(value, type); };
  std::string bent;
  if (operation.text("approximate") == "tanh") {
    const std::string cube = onnx.add("Mul", {onnx.add("Mul", {x, x}), x});
    const std::string sum = onnx.add("Add", {x, onnx.add("Mul", {cube, constant(0.044715)})});
    bent =
        onnx.add("Tanh", {onnx.add("Mul", {sum, constant(std::sqrt(2.0 * std::numbers::inv_pi))})});
  } else {
    bent = onnx.add("Erf", {onnx.add("Div", {x, constant(std::numbers::sqrt2)})});
  }
  const std::string half = onnx.add("Mul", {x, constant(0.5)});
  operation.set(onnx.add("Mul", {half, onnx.add("Add", {bent, constant(1.0)})}));
}

void silu(const TracedOperation& operation) {
  OnnxBuilder& onnx = operation.onnx();
  const std::string x = operation.tensor("self");
  operation.set(onnx.add("Mul", {x, onnx.add("Sigmoid", {x})}));
}

OperationWriter product(const std::string& other) {
  return [other](const TracedOperation& operation) {
    operation.set(
        operation.onnx().add("MatMul", {operation.tensor("self"), operation.tensor(other)}));
  };
}

// x weight^T + bias over the last axis.
void linear(const TracedOperation& operation) {
  OnnxBuilder& onnx = operation.onnx();
  if (operation.rank("input") == 2) {
    operation.set(
        onnx.add("Gemm",
                 {operation.tensor("input"), operation.tensor("weight"), operation.tensor("bias")},
                 {{"transB", std::int64_t{1}}}));
    return;
  }
  const std::string turned =
      onnx.add("Transpose", {operation.tensor("weight")}, {{"perm", Sizes{1, 0}}});
  const std::string y = onnx.add("MatMul", {operation.tensor("input"), turned});
  operation.set(operation.has("bias") ? onnx.add("Add", {y, operation.tensor("bias")}) : y);
}

void affine_product(const TracedOperation& operation) {
  operation.set(operation.onnx().add(
      "Gemm",
      {operation.tensor("mat1"), operation.tensor("mat2"), operation.tensor("self")},
      {{"alpha", static_cast<float>(operation.number("alpha"))},
       {"beta", static_cast<float>(operation.number("beta"))}}));
}

// The axes from `dim`; all of them where it was left out.
Sizes reduced_axes(const TracedOperation& operation) {
  Sizes axes = operation.has("dim") ? operation.integers("dim") : Sizes{};
  if (axes.empty()) {
    for (std::int64_t axis = 0; axis < operation.rank("self"); ++axis) {
      axes.push_back(axis);
    }
  }
  return axes;
}

OperationWriter reduction(const std::string& op) {
  return [op](const TracedOperation& operation) {
    OnnxBuilder& onnx = operation.onnx();
    const std::int64_t keep = operation.has("keepdim") ? operation.integer("keepdim") : 0;
    const Sizes axes = reduced_axes(operation);
    const std::string x = operation.tensor_as("self", operation.result().type);
    // Of operators 17 the sum alone takes its axes as an input.
    operation.set(op == "ReduceSum" ? onnx.add(op, {x, onnx.integers(axes)}, {{"keepdims", keep}})
                                    : onnx.add(op, {x}, {{"axes", axes}, {"keepdims", keep}}));
  };
}

// The Euclidean length; other norms are refused.
OperationWriter length(const std::string& order) {
  return [order](const TracedOperation& operation) {
    if (operation.has(order) && operation.number(order) != 2.0) {
      operation.refuse("of another order than 2");
    }
    reduction("ReduceL2")(operation);
  };
}

void softmax_operator(const TracedOperation& operation) {
  operation.set(operation.onnx().add("Softmax",
                                     {operation.tensor_as("self", operation.result().type)},
                                     {{"axis", operation.axis("dim", "self")}}));
}

void choice(const TracedOperation& operation) {
  const at::ScalarType type = operation.result().type;
  operation.set(operation.onnx().add("Where",
                                     {operation.tensor("condition"),
                                      operation.operand("self", type),
                                      operation.operand("other", type)}));
}

void masked_fill_operator(const TracedOperation& operation) {
  const at::ScalarType type = operation.result().type;
  operation.set(operation.onnx().add(
      "Where",
      {operation.tensor("mask"), operation.operand("value", type), operation.tensor("self")}));
}

}  // namespace

void add_arithmetic_operators(OperationWriters& writers) {
  for (const auto& [name, op] : {std::pair{"relu", "Relu"},
                                 std::pair{"sigmoid", "Sigmoid"},
                                 std::pair{"tanh", "Tanh"},
                                 std::pair{"exp", "Exp"},
                                 std::pair{"log", "Log"},
                                 std::pair{"sqrt", "Sqrt"},
                                 std::pair{"neg", "Neg"},
                                 std::pair{"abs", "Abs"},
                                 std::pair{"erf", "Erf"},
                                 std::pair{"reciprocal", "Reciprocal"},
                                 std::pair{"logical_not", "Not"}}) {
    writers[name] = plain(op);
  }
  for (const auto& [name, op] : {std::pair{"add", "Add"},
                                 std::pair{"sub", "Sub"},
                                 std::pair{"mul", "Mul"},
                                 std::pair{"div", "Div"},
                                 std::pair{"maximum", "Max"},
                                 std::pair{"minimum", "Min"}}) {
    writers[name] = pair(op);
  }
  for (const auto& [name, op] : {std::pair{"eq", "Equal"},
                                 std::pair{"gt", "Greater"},
                                 std::pair{"lt", "Less"},
                                 std::pair{"ge", "GreaterOrEqual"},
                                 std::pair{"le", "LessOrEqual"}}) {
    writers[name] = comparison(op);
  }
  for (const auto& [name, op] : {std::pair{"mean", "ReduceMean"},
                                 std::pair{"sum", "ReduceSum"},
                                 std::pair{"amax", "ReduceMax"},
                                 std::pair{"amin", "ReduceMin"}}) {
    writers[name] = reduction(op);
  }
  writers["rsub"] = reversed_sub;
  writers["pow"] = power;
  writers["rsqrt"] = reciprocal_root;
  writers["clamp"] = clip("min", "max");
  writers["clamp_min"] = clip("min", "");
  writers["clamp_max"] = clip("", "max");
  writers["hardtanh"] = clip("min_val", "max_val");
  writers["leaky_relu"] = leaky_relu_operator;
  writers["gelu"] = gelu_operator;
  writers["silu"] = silu;
  writers["matmul"] = product("other");
  writers["mm"] = product("mat2");
  writers["bmm"] = product("mat2");
  writers["linear"] = linear;
  writers["addmm"] = affine_product;
  writers["linalg_vector_norm"] = length("ord");
  writers["norm"] = length("p");
  writers["softmax"] = softmax_operator;
  writers["_softmax"] = softmax_operator;
  writers["where"] = choice;
  writers["masked_fill"] = masked_fill_operator;
}

}  // namespace marrow
