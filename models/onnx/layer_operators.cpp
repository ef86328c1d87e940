// Convolutions, norms, pools, resampling and attention.
#include <cmath>

#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include "models/onnx/operators.h"

namespace marrow {

namespace {

using Sizes = std::vector<std::int64_t>;

// The same at both ends, as ONNX wants them: all beginnings, then all ends.
Sizes both_ends(Sizes padding) {
  const Sizes ends = padding;
  padding.insert(padding.end(), ends.begin(), ends.end());
  return padding;
}

void convolution(const TracedOperation& operation) {
  const std::size_t axes = operation.value("weight").size.size() - 2;
  const Sizes& weight = operation.value("weight").size;
  OnnxAttributes attributes = {{"kernel_shape", Sizes(weight.begin() + 2, weight.end())},
                               {"strides", operation.integers("stride", axes)},
                               {"pads", both_ends(operation.integers("padding", axes))},
                               {"dilations", operation.integers("dilation", axes)},
                               {"group", operation.integer("groups")}};
  const bool transposed = operation.flag("transposed");
  if (transposed) {
    attributes.emplace_back("output_padding", operation.integers("output_padding", axes));
  }
  operation.set(operation.onnx().add(
      transposed ? "ConvTranspose" : "Conv",
      {operation.tensor("input"), operation.tensor("weight"), operation.tensor("bias")},
      std::move(attributes)));
}

// The argument, or as many ones or zeros where it was left out.
std::string weight_or(const TracedOperation& operation,
                      const std::string& argument,
                      at::Tensor other) {
  return operation.has(argument) ? operation.tensor(argument) : operation.onnx().tensor(other);
}

void batch_norm(const TracedOperation& operation) {
  if (operation.flag("training")) {
    operation.refuse("in training mode");
  }
  const Sizes channels = {operation.value("input").size[1]};
  operation.set(operation.onnx().add("BatchNormalization",
                                     {operation.tensor("input"),
                                      weight_or(operation, "weight", at::ones(channels)),
                                      weight_or(operation, "bias", at::zeros(channels)),
                                      operation.tensor("running_mean"),
                                      operation.tensor("running_var")},
                                     {{"epsilon", static_cast<float>(operation.number("eps"))}}));
}

void instance_norm(const TracedOperation& operation) {
  if (!operation.flag("use_input_stats")) {
    operation.refuse("with kept statistics");
  }
  const Sizes channels = {operation.value("input").size[1]};
  operation.set(operation.onnx().add("InstanceNormalization",
                                     {operation.tensor("input"),
                                      weight_or(operation, "weight", at::ones(channels)),
                                      weight_or(operation, "bias", at::zeros(channels))},
                                     {{"epsilon", static_cast<float>(operation.number("eps"))}}));
}

void layer_norm(const TracedOperation& operation) {
  const Sizes shape = operation.integers("normalized_shape");
  operation.set(operation.onnx().add(
      "LayerNormalization",
      {operation.tensor("input"),
       weight_or(operation, "weight", at::ones(shape)),
       operation.tensor("bias")},
      {{"axis", -std::ssize(shape)}, {"epsilon", static_cast<float>(operation.number("eps"))}}));
}

// An instance norm whose channels are the groups, then each channel's own scale and shift.
void group_norm(const TracedOperation& operation) {
  OnnxBuilder& onnx = operation.onnx();
  const std::int64_t groups = operation.integer("num_groups");
  const TracedValue& x = operation.value("input");
  const std::string grouped =
      onnx.add("Reshape", {operation.tensor("input"), onnx.integers({0, groups, -1})});
  const std::string norm =
      onnx.add("InstanceNormalization",
               {grouped, onnx.tensor(at::ones({groups})), onnx.tensor(at::zeros({groups}))},
               {{"epsilon", static_cast<float>(operation.number("eps"))}});
  std::string y = reshaped(operation, norm, x);
  Sizes per_channel(x.size.size() - 1, 1);
  per_channel[0] = x.size[1];
  if (operation.has("weight")) {
    y = onnx.add(
        "Mul", {y, onnx.add("Reshape", {operation.tensor("weight"), onnx.integers(per_channel)})});
  }
  if (operation.has("bias")) {
    y = onnx.add("Add",
                 {y, onnx.add("Reshape", {operation.tensor("bias"), onnx.integers(per_channel)})});
  }
  operation.set(y);
}

// kernel, stride, padding; a stride that was left out is the kernel.
OnnxAttributes pool_attributes(const TracedOperation& operation) {
  const std::size_t axes = operation.result().size.size() - 2;
  const Sizes kernel = operation.integers("kernel_size", axes);
  const Sizes stride = operation.integers("stride");
  return {{"kernel_shape", kernel},
          {"strides", stride.empty() ? kernel : operation.integers("stride", axes)},
          {"pads", both_ends(operation.integers("padding", axes))},
          {"ceil_mode", operation.integer("ceil_mode")}};
}

void max_pool(const TracedOperation& operation) {
  OnnxAttributes attributes = pool_attributes(operation);
  attributes.emplace_back("dilations",
                          operation.integers("dilation", operation.result().size.size() - 2));
  operation.set(operation.onnx().add("MaxPool", {operation.tensor("self")}, std::move(attributes)));
}

void average_pool_operator(const TracedOperation& operation) {
  if (operation.has("divisor_override")) {
    operation.refuse("with another divisor");
  }
  OnnxAttributes attributes = pool_attributes(operation);
  attributes.emplace_back("count_include_pad", operation.integer("count_include_pad"));
  operation.set(
      operation.onnx().add("AveragePool", {operation.tensor("self")}, std::move(attributes)));
}

// Cells of one size, where the output's size divides the input's.
void adaptive_average_pool(const TracedOperation& operation) {
  const Sizes& from = operation.value("self").size;
  const Sizes& to = operation.result().size;
  Sizes kernel;
  for (std::size_t axis = 2; axis < to.size(); ++axis) {
    if (from[axis] % to[axis] != 0) {
      operation.refuse("to a size that does not divide the input's");
    }
    kernel.push_back(from[axis] / to[axis]);
  }
  operation.set(operation.onnx().add(
      "AveragePool", {operation.tensor("self")}, {{"kernel_shape", kernel}, {"strides", kernel}}));
}

OperationWriter upsample(const std::string& mode) {
  return [mode](const TracedOperation& operation) {
    OnnxBuilder& onnx = operation.onnx();
    const bool nearest = mode == "nearest";
    const bool corners = !nearest && operation.flag("align_corners");
    // Scales, since the sizes of `sizes` would include the batch.
    std::vector<float> scales = {1, 1};
    const Sizes& from = operation.value(operation.has("self") ? "self" : "input").size;
    const Sizes& to = operation.result().size;
    for (std::size_t axis = 2; axis < to.size(); ++axis) {
      scales.push_back(static_cast<float>(to[axis]) / static_cast<float>(from[axis]));
      const float made = std::floor(static_cast<float>(from[axis]) * scales.back());
      if (static_cast<std::int64_t>(made) != to[axis]) {
        operation.refuse("to a size that no scale gives exactly");
      }
    }
    const at::Tensor scale = at::ones({std::ssize(scales)});
    std::copy(scales.begin(), scales.end(), scale.mutable_data_ptr<float>());
    OnnxAttributes attributes = {{"mode", mode},
                                 {"coordinate_transformation_mode",
                                  std::string(nearest   ? "asymmetric"
                                              : corners ? "align_corners"
                                                        : "pytorch_half_pixel")}};
    if (nearest) {
      attributes.emplace_back("nearest_mode", std::string("floor"));
    }
    if (mode == "cubic") {
      attributes.emplace_back("cubic_coeff_a", -0.75F);  // LibTorch's
    }
    operation.set(onnx.add(
        "Resize",
        {operation.tensor(operation.has("self") ? "self" : "input"), "", onnx.tensor(scale)},
        std::move(attributes)));
  };
}

// softmax(q k^T * scale + mask) v, where a mask of bool says which keys are seen.
void attention(const TracedOperation& operation) {
  OnnxBuilder& onnx = operation.onnx();
  if (operation.flag("is_causal") || operation.number("dropout_p") != 0.0 ||
      (operation.has("enable_gqa") && operation.flag("enable_gqa"))) {
    operation.refuse("causal, with dropout or with grouped queries");
  }
  const TracedValue& query = operation.value("query");
  const auto rank = std::ssize(query.size);
  Sizes order;
  for (std::int64_t axis = 0; axis < rank; ++axis) {
    order.push_back(axis < rank - 2 ? axis : 2 * rank - 3 - axis);
  }
  const double scale = operation.has("scale")
                           ? operation.number("scale")
                           : 1.0 / std::sqrt(static_cast<double>(query.size.back()));
  // The query is scaled before the product, where there are fewer values.
  const std::string scaled =
      onnx.add("Mul", {operation.tensor("query"), onnx.number(scale, query.type)});
  const std::string key = onnx.add("Transpose", {operation.tensor("key")}, {{"perm", order}});
  std::string weights = onnx.add("MatMul", {scaled, key});
  if (operation.has("attn_mask")) {
    if (operation.value("attn_mask").type == at::kBool) {
      weights = onnx.add("Where",
                         {operation.tensor("attn_mask"),
                          weights,
                          onnx.number(-std::numeric_limits<double>::infinity(), query.type)});
    } else {
      weights = onnx.add("Add", {weights, operation.tensor("attn_mask")});
    }
  }
  weights = onnx.add("Softmax", {weights}, {{"axis", std::int64_t{-1}}});
  operation.set(onnx.add("MatMul", {weights, operation.tensor("value")}));
}

}  // namespace

void add_layer_operators(OperationWriters& writers) {
  writers["_convolution"] = convolution;
  writers["convolution"] = convolution;
  writers["batch_norm"] = batch_norm;
  writers["instance_norm"] = instance_norm;
  writers["layer_norm"] = layer_norm;
  writers["group_norm"] = group_norm;
  writers["scaled_dot_product_attention"] = attention;
  for (const char* const rank : {"1d", "2d", "3d"}) {
    writers[std::string("max_pool") + rank] = max_pool;
    writers[std::string("avg_pool") + rank] = average_pool_operator;
    writers[std::string("adaptive_avg_pool") + rank] = adaptive_average_pool;
    writers[std::string("upsample_nearest") + rank] = upsample("nearest");
  }
  for (const char* const kind : {"linear1d", "bilinear2d", "trilinear3d"}) {
    writers[std::string("upsample_") + kind] = upsample("linear");
  }
  writers["upsample_bicubic2d"] = upsample("cubic");
}

}  // namespace marrow
