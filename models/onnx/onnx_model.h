#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <ATen/core/Tensor.h>

namespace marrow {

// The version of ONNX's set of operators that is written.
inline constexpr std::int64_t kOnnxOperators = 17;

using OnnxAttribute = std::variant<std::int64_t, float, std::string, std::vector<std::int64_t>>;

struct OnnxNode {
  std::string op;  // "Conv"
  std::string name;
  std::vector<std::string> inputs;  // "" leaves out an optional one
  std::vector<std::string> outputs;
  std::vector<std::pair<std::string, OnnxAttribute>> attributes;
};

// What enters or leaves the graph.
struct OnnxValue {
  std::string name;
  at::ScalarType type = at::kFloat;
  std::vector<std::int64_t> size;  // -1: the batch, any number
};

// An ONNX model of one graph without control flow.
struct OnnxModel {
  std::string name;
  std::vector<OnnxValue> inputs;
  std::vector<OnnxValue> outputs;
  std::vector<OnnxNode> nodes;                                   // each after what it reads
  std::vector<std::pair<std::string, at::Tensor>> initialisers;  // parameters and constants
  std::map<std::string, std::string> metadata;
};

// Writes atomically. Throws Error{kUnsupported} when the tensors are larger than the 2 GB of one
// protobuf message or of a type without a counterpart (bfloat16 among them), Error{kResources} when
// the disk is full.
void write_onnx(const std::filesystem::path& file, const OnnxModel& model);

// A file that write_onnx wrote, checked by check_onnx. Throws Error{kUnreadable} where it is
// damaged, Error{kUnsupported} where it holds what we do not write.
[[nodiscard]] OnnxModel read_onnx(const std::filesystem::path& file);

// Throws Error{kUnreadable}, beginning with `where`, unless every name is made once, every input of
// a node is made before it and every output of the graph is made.
void check_onnx(const OnnxModel& model, const std::string& where);

}  // namespace marrow
