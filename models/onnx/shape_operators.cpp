// What moves values without changing them.
#include <algorithm>

#include "models/onnx/operators.h"

namespace marrow {

namespace {

using Sizes = std::vector<std::int64_t>;

void same(const TracedOperation& operation) {
  operation.set(operation.tensor("self"));
}

void converted(const TracedOperation& operation) {
  operation.set(operation.tensor_as("self", operation.result().type));
}

void dropout(const TracedOperation& operation) {
  if (operation.flag("train")) {
    operation.refuse("in training mode");
  }
  operation.set(operation.tensor("input"));
}

void reshape(const TracedOperation& operation) {
  operation.set(reshaped(operation, operation.tensor("self"), operation.result()));
}

void transposed_by(const TracedOperation& operation, const Sizes& order) {
  operation.set(operation.onnx().add("Transpose", {operation.tensor("self")}, {{"perm", order}}));
}

Sizes axes_in_order(std::int64_t rank) {
  Sizes order;
  for (std::int64_t axis = 0; axis < rank; ++axis) {
    order.push_back(axis);
  }
  return order;
}

void permute(const TracedOperation& operation) {
  Sizes order = operation.integers("dims");
  for (std::int64_t& axis : order) {
    axis += axis < 0 ? std::ssize(order) : 0;
  }
  transposed_by(operation, order);
}

void transpose(const TracedOperation& operation) {
  Sizes order = axes_in_order(operation.rank("self"));
  std::swap(order[static_cast<std::size_t>(operation.axis("dim0", "self"))],
            order[static_cast<std::size_t>(operation.axis("dim1", "self"))]);
  transposed_by(operation, order);
}

void matrix_transpose(const TracedOperation& operation) {
  Sizes order = axes_in_order(operation.rank("self"));
  std::reverse(order.begin(), order.end());
  transposed_by(operation, order);
}

std::string sliced(const TracedOperation& operation,
                   std::int64_t axis,
                   std::int64_t start,
                   std::int64_t end,
                   std::int64_t step) {
  OnnxBuilder& onnx = operation.onnx();
  return onnx.add("Slice",
                  {operation.tensor("self"),
                   onnx.integers({start}),
                   onnx.integers({end}),
                   onnx.integers({axis}),
                   onnx.integers({step})});
}

void slice(const TracedOperation& operation) {
  const std::int64_t start = operation.has("start") ? operation.integer("start") : 0;
  const std::int64_t end = operation.has("end") ? operation.integer("end") : INT64_MAX;
  operation.set(
      sliced(operation, operation.axis("dim", "self"), start, end, operation.integer("step")));
}

void narrow(const TracedOperation& operation) {
  const std::int64_t axis = operation.axis("dim", "self");
  const TracedValue& from = operation.value("self");
  std::int64_t start = operation.integer("start");
  if (start < 0) {
    if (from.follows_batch[static_cast<std::size_t>(axis)]) {
      operation.refuse("counted from the end of the batch");
    }
    start += from.size[static_cast<std::size_t>(axis)];
  }
  operation.set(sliced(operation, axis, start, start + operation.integer("length"), 1));
}

// One position along an axis, which goes away.
void select(const TracedOperation& operation) {
  OnnxBuilder& onnx = operation.onnx();
  operation.set(onnx.add("Gather",
                         {operation.tensor("self"),
                          onnx.number(static_cast<double>(operation.integer("index")), at::kLong)},
                         {{"axis", operation.axis("dim", "self")}}));
}

std::vector<std::string> names_of(const TracedOperation& operation, const std::string& list) {
  std::vector<std::string> names;
  for (const std::int64_t value : operation.tensors(list)) {
    names.push_back(operation.onnx().name(value, "a list"));
  }
  return names;
}

std::int64_t result_axis(const TracedOperation& operation) {
  const std::int64_t axis = operation.integer("dim");
  return axis < 0 ? axis + std::ssize(operation.result().size) : axis;
}

void concatenation(const TracedOperation& operation) {
  operation.set(operation.onnx().add(
      "Concat", names_of(operation, "tensors"), {{"axis", result_axis(operation)}}));
}

void stack_operator(const TracedOperation& operation) {
  OnnxBuilder& onnx = operation.onnx();
  const std::int64_t axis = result_axis(operation);
  std::vector<std::string> parts = names_of(operation, "tensors");
  for (std::string& part : parts) {
    part = onnx.add("Unsqueeze", {part, onnx.integers({axis})});
  }
  operation.set(onnx.add("Concat", parts, {{"axis", axis}}));
}

// Parts along one axis; `squeezed`: of one position each, without the axis.
OperationWriter parts(bool squeezed) {
  return [squeezed](const TracedOperation& operation) {
    OnnxBuilder& onnx = operation.onnx();
    const std::int64_t axis = operation.axis("dim", "self");
    Sizes sizes;
    for (std::size_t i = 0; i < operation.results(); ++i) {
      const TracedValue& part = operation.result(i);
      if (!squeezed && part.follows_batch[static_cast<std::size_t>(axis)]) {
        operation.refuse("along the batch");
      }
      sizes.push_back(squeezed ? 1 : part.size[static_cast<std::size_t>(axis)]);
    }
    const std::vector<std::string> made =
        onnx.add_several("Split",
                         {operation.tensor("self"), onnx.integers(sizes)},
                         operation.results(),
                         {{"axis", axis}});
    for (std::size_t i = 0; i < made.size(); ++i) {
      operation.set(squeezed ? onnx.add("Squeeze", {made[i], onnx.integers({axis})}) : made[i], i);
    }
  };
}

// Repeats axes of one; the batch's own number is asked of the input while the network runs.
void expand(const TracedOperation& operation) {
  OnnxBuilder& onnx = operation.onnx();
  const TracedValue& from = operation.value("self");
  const TracedValue& to = operation.result();
  const std::size_t added = to.size.size() - from.size.size();
  std::vector<std::string> shape;
  bool asked = false;
  Sizes fixed;
  for (std::size_t axis = 0; axis < to.size.size(); ++axis) {
    const bool given = axis >= added && from.size[axis - added] == to.size[axis] &&
                       (!to.follows_batch[axis] || from.follows_batch[axis - added]);
    if (given || !to.follows_batch[axis]) {
      fixed.push_back(given ? 1 : to.size[axis]);
      continue;
    }
    if (to.size[axis] != onnx.example_batch()) {
      operation.refuse("to a multiple of the number of samples");
    }
    if (!fixed.empty()) {
      shape.push_back(onnx.integers(fixed));
      fixed.clear();
    }
    shape.push_back(onnx.batch());
    asked = true;
  }
  if (!fixed.empty()) {
    shape.push_back(onnx.integers(fixed));
  }
  const std::string wanted =
      asked && shape.size() > 1 ? onnx.add("Concat", shape, {{"axis", std::int64_t{0}}}) : shape[0];
  operation.set(onnx.add("Expand", {operation.tensor("self"), wanted}));
}

// x[:, indices]: one list of positions along one axis.
void indexed(const TracedOperation& operation) {
  const std::vector<std::int64_t>& indices = operation.tensors("indices");
  const auto given = std::find_if(indices.begin(), indices.end(), [](auto i) { return i >= 0; });
  if (given == indices.end() ||
      std::any_of(given + 1, indices.end(), [](auto i) { return i >= 0; }) ||
      operation.onnx().graph().values[static_cast<std::size_t>(*given)].type != at::kLong) {
    operation.refuse("with masks, or along several axes at once");
  }
  operation.set(
      operation.onnx().add("Gather",
                           {operation.tensor("self"), operation.onnx().name(*given, "aten::index")},
                           {{"axis", static_cast<std::int64_t>(given - indices.begin())}}));
}

OperationWriter gathered(const std::string& op) {
  return [op](const TracedOperation& operation) {
    operation.set(operation.onnx().add(op,
                                       {operation.tensor("self"), operation.tensor("index")},
                                       {{"axis", operation.axis("dim", "self")}}));
  };
}

void padded(const TracedOperation& operation, const std::string& mode, double value) {
  OnnxBuilder& onnx = operation.onnx();
  const Sizes amounts = operation.integers(operation.has("pad") ? "pad" : "padding");
  const auto rank = static_cast<std::size_t>(operation.rank("self"));
  // LibTorch names the last axis first, each with both of its ends.
  Sizes pads(2 * rank, 0);
  for (std::size_t i = 0; i < amounts.size() / 2; ++i) {
    pads[rank - 1 - i] = amounts[2 * i];
    pads[2 * rank - 1 - i] = amounts[2 * i + 1];
  }
  std::vector<std::string> inputs = {operation.tensor("self"), onnx.integers(pads)};
  if (mode == "constant") {
    inputs.push_back(onnx.number(value, operation.result().type));
  }
  operation.set(onnx.add("Pad", inputs, {{"mode", mode}}));
}

void pad_any(const TracedOperation& operation) {
  const std::string mode = operation.has("mode") ? operation.text("mode") : "constant";
  const double value = operation.has("value") ? operation.number("value") : 0.0;
  if (mode == "circular") {
    operation.refuse("that wraps around");
  }
  padded(operation, mode == "replicate" ? "edge" : mode, value);
}

}  // namespace

void add_shape_operators(OperationWriters& writers) {
  for (const char* const name : {"contiguous", "clone", "detach", "alias", "lift_fresh"}) {
    writers[name] = same;
  }
  for (const char* const name : {"to", "type_as", "_to_copy"}) {
    writers[name] = converted;
  }
  writers["dropout"] = dropout;
  for (const char* const name : {"reshape",
                                 "reshape_as",
                                 "view",
                                 "view_as",
                                 "_unsafe_view",
                                 "flatten",
                                 "unflatten",
                                 "unsqueeze",
                                 "squeeze"}) {
    writers[name] = reshape;
  }
  writers["permute"] = permute;
  writers["transpose"] = transpose;
  writers["t"] = matrix_transpose;
  writers["slice"] = slice;
  writers["narrow"] = narrow;
  writers["select"] = select;
  writers["cat"] = concatenation;
  writers["concat"] = concatenation;
  writers["stack"] = stack_operator;
  for (const char* const name : {"chunk", "split", "split_with_sizes", "tensor_split"}) {
    writers[name] = parts(false);
  }
  writers["unbind"] = parts(true);
  for (const char* const name : {"expand", "expand_as", "broadcast_to"}) {
    writers[name] = expand;
  }
  writers["index"] = indexed;
  writers["index_select"] = gathered("Gather");
  writers["gather"] = gathered("GatherElements");
  writers["pad"] = pad_any;
  writers["constant_pad_nd"] = pad_any;
  for (const char* const rank : {"1d", "2d", "3d"}) {
    writers[std::string("replication_pad") + rank] = [](const TracedOperation& operation) {
      padded(operation, "edge", 0.0);
    };
  }
}

}  // namespace marrow
