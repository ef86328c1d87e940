#include "models/onnx/onnx_model.h"

#include <array>
#include <cstring>
#include <set>
#include <span>

#include <ATen/ops/empty.h>
#include <fmt/format.h>

#include "core/error.h"
#include "core/files.h"
#include "models/onnx/onnx.pb.h"

namespace marrow {

namespace {

constexpr std::int64_t kIrVersion = 8;  // the one that came with operators 17
constexpr std::uint64_t kMessageLimit = 0x7fffffff;
constexpr const char* kBatchName = "batch";

struct OnnxType {
  at::ScalarType ours;
  std::int32_t theirs;  // TensorProto.DataType
};

constexpr std::array<OnnxType, 9> kTypes = {{{at::kFloat, 1},
                                             {at::kByte, 2},
                                             {at::kChar, 3},
                                             {at::kShort, 5},
                                             {at::kInt, 6},
                                             {at::kLong, 7},
                                             {at::kBool, 9},
                                             {at::kHalf, 10},
                                             {at::kDouble, 11}}};

std::int32_t type_number(at::ScalarType type, const std::string& name) {
  for (const OnnxType& known : kTypes) {
    if (known.ours == type) {
      return known.theirs;
    }
  }
  throw Error(ErrorCode::kUnsupported,
              fmt::format("onnx: \"{}\" is of type {}, which is not written; convert the network "
                          "to float32 first",
                          name,
                          c10::toString(type)));
}

at::ScalarType type_of_number(std::int32_t number, const std::string& where) {
  for (const OnnxType& known : kTypes) {
    if (known.theirs == number) {
      return known.ours;
    }
  }
  throw Error(ErrorCode::kUnsupported,
              fmt::format("{} holds tensors of ONNX's type {}, which is not read", where, number));
}

void fill_value(onnx::ValueInfoProto& info, const OnnxValue& value) {
  info.set_name(value.name);
  onnx::TypeProto::Tensor* const tensor = info.mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(type_number(value.type, value.name));
  onnx::TensorShapeProto* const shape = tensor->mutable_shape();
  for (const std::int64_t size : value.size) {
    if (size < 0) {
      shape->add_dim()->set_dim_param(kBatchName);
    } else {
      shape->add_dim()->set_dim_value(size);
    }
  }
}

OnnxValue value_of(const onnx::ValueInfoProto& info, const std::string& where) {
  OnnxValue value;
  value.name = info.name();
  value.type = type_of_number(info.type().tensor_type().elem_type(), where);
  for (const auto& dimension : info.type().tensor_type().shape().dim()) {
    value.size.push_back(dimension.has_dim_value() ? dimension.dim_value() : -1);
  }
  return value;
}

void fill_attribute(onnx::AttributeProto& field, const OnnxAttribute& attribute) {
  if (const auto* const integer = std::get_if<std::int64_t>(&attribute)) {
    field.set_type(onnx::AttributeProto::INT);
    field.set_i(*integer);
  } else if (const auto* const number = std::get_if<float>(&attribute)) {
    field.set_type(onnx::AttributeProto::FLOAT);
    field.set_f(*number);
  } else if (const auto* const text = std::get_if<std::string>(&attribute)) {
    field.set_type(onnx::AttributeProto::STRING);
    field.set_s(*text);
  } else {
    field.set_type(onnx::AttributeProto::INTS);
    for (const std::int64_t item : std::get<std::vector<std::int64_t>>(attribute)) {
      field.add_ints(item);
    }
  }
}

OnnxAttribute attribute_of(const onnx::AttributeProto& field, const std::string& where) {
  switch (field.type()) {
    case onnx::AttributeProto::INT:
      return field.i();
    case onnx::AttributeProto::FLOAT:
      return field.f();
    case onnx::AttributeProto::STRING:
      return field.s();
    case onnx::AttributeProto::INTS:
      return std::vector<std::int64_t>(field.ints().begin(), field.ints().end());
    default:
      throw Error(ErrorCode::kUnsupported,
                  where + " holds the attribute \"" + field.name() +
                      "\" of a type that is not read: it was not written by this program");
  }
}

void fill_tensor(onnx::TensorProto& field, const std::string& name, const at::Tensor& tensor) {
  field.set_name(name);
  field.set_data_type(type_number(tensor.scalar_type(), name));
  for (const std::int64_t size : tensor.sizes()) {
    field.add_dims(size);
  }
  // raw_data is little-endian, as the processors are that this program is built for.
  const at::Tensor values = tensor.detach().to(at::kCPU).contiguous();
  field.set_raw_data(values.const_data_ptr(), values.nbytes());
}

at::Tensor tensor_of(const onnx::TensorProto& field, const std::string& where) {
  std::uint64_t count = 1;
  for (const std::int64_t size : field.dims()) {
    if (size < 0 || (size > 0 && count > kMessageLimit / static_cast<std::uint64_t>(size))) {
      throw Error(ErrorCode::kUnreadable,
                  where + ": the tensor \"" + field.name() + "\" has an impossible size");
    }
    count *= static_cast<std::uint64_t>(size);
  }
  const at::ScalarType type = type_of_number(field.data_type(), where);
  if (field.raw_data().size() != count * c10::elementSize(type)) {
    throw Error(ErrorCode::kUnreadable,
                fmt::format("{}: the tensor \"{}\" holds {} bytes where its size needs {}",
                            where,
                            field.name(),
                            field.raw_data().size(),
                            count * c10::elementSize(type)));
  }
  const at::Tensor tensor =
      at::empty(std::vector<std::int64_t>(field.dims().begin(), field.dims().end()), type);
  if (count > 0) {
    std::memcpy(tensor.mutable_data_ptr(), field.raw_data().data(), field.raw_data().size());
  }
  return tensor;
}

onnx::ModelProto message_of(const OnnxModel& model) {
  onnx::ModelProto message;
  message.set_ir_version(kIrVersion);
  message.set_producer_name("marrow");
  message.set_producer_version(MARROW_VERSION);
  message.add_opset_import()->set_version(kOnnxOperators);
  for (const auto& [key, value] : model.metadata) {
    onnx::StringStringEntryProto* const entry = message.add_metadata_props();
    entry->set_key(key);
    entry->set_value(value);
  }
  onnx::GraphProto& graph = *message.mutable_graph();
  graph.set_name(model.name);
  for (const OnnxValue& value : model.inputs) {
    fill_value(*graph.add_input(), value);
  }
  for (const OnnxValue& value : model.outputs) {
    fill_value(*graph.add_output(), value);
  }
  for (const OnnxNode& node : model.nodes) {
    onnx::NodeProto& field = *graph.add_node();
    field.set_op_type(node.op);
    field.set_name(node.name);
    for (const std::string& input : node.inputs) {
      field.add_input(input);
    }
    for (const std::string& output : node.outputs) {
      field.add_output(output);
    }
    for (const auto& [name, value] : node.attributes) {
      onnx::AttributeProto& attribute = *field.add_attribute();
      attribute.set_name(name);
      fill_attribute(attribute, value);
    }
  }
  for (const auto& [name, tensor] : model.initialisers) {
    fill_tensor(*graph.add_initializer(), name, tensor);
  }
  return message;
}

[[noreturn]] void too_large(const std::filesystem::path& file, std::uint64_t bytes) {
  throw Error(ErrorCode::kUnsupported,
              fmt::format("{}: the network's tensors take {:.1f} GB, but an ONNX file of one piece "
                          "holds 2 GB; export a smaller network",
                          file.string(),
                          static_cast<double>(bytes) / 1e9));
}

}  // namespace

void write_onnx(const std::filesystem::path& file, const OnnxModel& model) {
  check_onnx(model, file.string());
  std::uint64_t bytes = 0;
  for (const auto& item : model.initialisers) {
    bytes += static_cast<std::uint64_t>(item.second.numel()) * item.second.element_size();
  }
  if (bytes > kMessageLimit) {
    too_large(file, bytes);
  }
  const onnx::ModelProto message = message_of(model);
  if (message.ByteSizeLong() > kMessageLimit) {
    too_large(file, message.ByteSizeLong());
  }
  write_atomically(file, message.SerializeAsString());
}

OnnxModel read_onnx(const std::filesystem::path& file) {
  const std::string where = file.string();
  const std::vector<std::byte> bytes = read_bytes(file, kMessageLimit);
  onnx::ModelProto message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) ||
      message.graph().node_size() == 0) {
    throw Error(ErrorCode::kUnreadable, where + " is no ONNX model, or a damaged one");
  }
  if (message.ir_version() != kIrVersion || message.opset_import_size() != 1 ||
      !message.opset_import(0).domain().empty() ||
      message.opset_import(0).version() != kOnnxOperators) {
    throw Error(ErrorCode::kUnsupported,
                fmt::format("{} was not written by this program: expected an ONNX model of IR "
                            "version {} with the operators {} only",
                            where,
                            kIrVersion,
                            kOnnxOperators));
  }
  OnnxModel model;
  for (const onnx::StringStringEntryProto& entry : message.metadata_props()) {
    model.metadata[entry.key()] = entry.value();
  }
  const onnx::GraphProto& graph = message.graph();
  model.name = graph.name();
  for (const onnx::ValueInfoProto& info : graph.input()) {
    model.inputs.push_back(value_of(info, where));
  }
  for (const onnx::ValueInfoProto& info : graph.output()) {
    model.outputs.push_back(value_of(info, where));
  }
  for (const onnx::NodeProto& field : graph.node()) {
    OnnxNode node;
    node.op = field.op_type();
    node.name = field.name();
    node.inputs.assign(field.input().begin(), field.input().end());
    node.outputs.assign(field.output().begin(), field.output().end());
    for (const onnx::AttributeProto& attribute : field.attribute()) {
      node.attributes.emplace_back(attribute.name(), attribute_of(attribute, where));
    }
    model.nodes.push_back(std::move(node));
  }
  for (const onnx::TensorProto& field : graph.initializer()) {
    model.initialisers.emplace_back(field.name(), tensor_of(field, where));
  }
  check_onnx(model, where);
  return model;
}

void check_onnx(const OnnxModel& model, const std::string& where) {
  std::set<std::string> made;
  const auto make = [&](const std::string& name) {
    if (name.empty() || !made.insert(name).second) {
      throw Error(ErrorCode::kUnreadable,
                  where + ": the graph makes the value \"" + name + "\" twice, or without a name");
    }
  };
  for (const OnnxValue& input : model.inputs) {
    make(input.name);
  }
  for (const auto& item : model.initialisers) {
    make(item.first);
  }
  for (const OnnxNode& node : model.nodes) {
    for (const std::string& input : node.inputs) {
      if (!input.empty() && !made.contains(input)) {
        throw Error(
            ErrorCode::kUnreadable,
            where + ": the node \"" + node.name + "\" reads \"" + input + "\" before it is made");
      }
    }
    for (const std::string& output : node.outputs) {
      make(output);
    }
  }
  for (const OnnxValue& output : model.outputs) {
    if (!made.contains(output.name)) {
      throw Error(ErrorCode::kUnreadable,
                  where + ": the graph's output \"" + output.name + "\" is not made");
    }
  }
}

}  // namespace marrow
