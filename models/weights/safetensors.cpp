#include "models/weights/safetensors.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <set>

#include <ATen/ops/empty.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/digest.h"
#include "core/error.h"
#include "core/files.h"
#include "core/text.h"
#include "models/weights/safetensors_header.h"

namespace marrow {

namespace {

using OrderedJson = nlohmann::ordered_json;

constexpr const char* kChecksumKey = "marrow.data_xxh3";

// In the order of kSafetensorsDtypes.
constexpr std::array<at::ScalarType, kSafetensorsDtypes.size()> kScalarTypes = {at::kFloat,
                                                                                at::kDouble,
                                                                                at::kHalf,
                                                                                at::kBFloat16,
                                                                                at::kLong,
                                                                                at::kInt,
                                                                                at::kShort,
                                                                                at::kChar,
                                                                                at::kByte,
                                                                                at::kBool};

const SafetensorsDtype& dtype_of(const at::Tensor& tensor) {
  const auto* const found =
      std::find(kScalarTypes.begin(), kScalarTypes.end(), tensor.scalar_type());
  if (found == kScalarTypes.end()) {
    throw Error(ErrorCode::kInvalidArgument, "safetensors: cannot write this tensor dtype");
  }
  return kSafetensorsDtypes.at(static_cast<std::size_t>(found - kScalarTypes.begin()));
}

}  // namespace

at::Tensor TensorFile::find(const std::string& name) const {
  for (const auto& [key, tensor] : tensors) {
    if (key == name) {
      return tensor;
    }
  }
  return {};
}

void write_safetensors(const std::filesystem::path& file, const TensorFile& content) {
  std::vector<std::pair<std::string, at::Tensor>> sorted;
  std::set<std::string> names;
  for (const auto& [name, tensor] : content.tensors) {
    if (name.empty() || name == "__metadata__" || !names.insert(name).second) {
      throw Error(ErrorCode::kInvalidArgument,
                  "safetensors: the tensor name \"" + printable(name) +
                      "\" is empty, reserved or given twice");
    }
    sorted.emplace_back(name, tensor.detach().to(at::kCPU).contiguous());
  }
  std::stable_sort(sorted.begin(), sorted.end(), [&](const auto& a, const auto& b) {
    return std::pair(-dtype_of(a.second).bytes, a.first) <
           std::pair(-dtype_of(b.second).bytes, b.first);
  });
  std::vector<std::byte> data;
  std::uint64_t total = 0;
  for (const auto& entry : sorted) {
    total += entry.second.nbytes();
  }
  data.reserve(total);
  OrderedJson header = OrderedJson::object();
  OrderedJson metadata = OrderedJson::object();
  OrderedJson tensors = OrderedJson::object();
  for (const auto& [name, tensor] : sorted) {
    const std::uint64_t begin = data.size();
    const auto* const start = static_cast<const std::byte*>(tensor.const_data_ptr());
    data.insert(data.end(), start, start + tensor.nbytes());
    tensors[name] = {{"dtype", dtype_of(tensor).name},
                     {"shape", tensor.sizes().vec()},
                     {"data_offsets", {begin, data.size()}}};
  }
  for (const auto& [key, text] : content.metadata) {
    metadata[key] = text;
  }
  metadata[kChecksumKey] = fmt::format("{:016x}", xxh3(data));
  header["__metadata__"] = metadata;
  header.update(tensors);
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');
  const std::uint64_t length = text.size();
  AtomicFile out(file);
  out.write(std::as_bytes(std::span(&length, 1)));
  out.write(std::as_bytes(std::span(text.data(), text.size())));
  out.write(data);
  out.commit();
}

TensorFile read_safetensors(const std::filesystem::path& file) {
  const MappedFile map(file);
  const SafetensorsHeader header = parse_safetensors_header(map.bytes(), file);
  const std::span<const std::byte> data = map.bytes().subspan(header.data_start);
  const auto checksum = header.metadata.find(kChecksumKey);
  if (checksum != header.metadata.end() && checksum->second != fmt::format("{:016x}", xxh3(data))) {
    refuse_safetensors(file,
                       "its data does not match its checksum (a damaged disk or an edited file)");
  }
  TensorFile content;
  content.metadata = header.metadata;
  content.metadata.erase(kChecksumKey);
  for (const SafetensorsEntry& entry : header.entries) {
    at::Tensor tensor =
        at::empty(entry.shape, at::TensorOptions().dtype(kScalarTypes.at(entry.dtype)));
    const std::span<const std::byte> bytes = data.subspan(entry.begin, entry.end - entry.begin);
    if (!bytes.empty()) {
      std::memcpy(tensor.mutable_data_ptr(), bytes.data(), bytes.size());
    }
    content.tensors.emplace_back(entry.name, std::move(tensor));
  }
  return content;
}

std::map<std::string, std::string> read_safetensors_metadata(const std::filesystem::path& file) {
  const MappedFile map(file);
  return parse_safetensors_header(map.bytes(), file).metadata;
}

}  // namespace marrow
