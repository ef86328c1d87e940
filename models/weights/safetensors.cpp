#include "models/weights/safetensors.h"

#include <algorithm>
#include <cstring>
#include <set>

#include <ATen/ops/empty.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/digest.h"
#include "core/error.h"
#include "core/files.h"
#include "core/text.h"

namespace marrow {

namespace {

using Json = nlohmann::json;
using OrderedJson =
    nlohmann::ordered_json;  // looks every key up by walking: only for what we write

constexpr std::uint64_t kMaxHeader = 100'000'000;
constexpr const char* kChecksumKey = "marrow.data_xxh3";

struct DtypeName {
  at::ScalarType type;
  const char* name;
  std::int64_t bytes;
};

constexpr DtypeName kDtypes[] = {
    {at::kFloat, "F32", 4},
    {at::kDouble, "F64", 8},
    {at::kHalf, "F16", 2},
    {at::kBFloat16, "BF16", 2},
    {at::kLong, "I64", 8},
    {at::kInt, "I32", 4},
    {at::kShort, "I16", 2},
    {at::kChar, "I8", 1},
    {at::kByte, "U8", 1},
    {at::kBool, "BOOL", 1},
};

struct Entry {
  std::string name;
  const DtypeName* dtype = nullptr;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

struct ParsedHeader {
  std::vector<Entry> entries;  // by offset
  std::map<std::string, std::string> metadata;
  std::uint64_t data_start = 0;
};

[[noreturn]] void damaged_tensors(const std::filesystem::path& file, const std::string& what) {
  throw Error(ErrorCode::kUnreadable, file.string() + " is no valid safetensors file: " + what);
}

// A JSON parse that refuses duplicate keys, which nlohmann would silently merge.
Json parse_header_json(const std::string& text, const std::filesystem::path& file) {
  std::vector<std::set<std::string>> keys;
  std::string duplicate;
  const auto callback = [&](int, Json::parse_event_t event, Json& value) {
    if (event == Json::parse_event_t::object_start) {
      keys.emplace_back();
    } else if (event == Json::parse_event_t::object_end) {
      keys.pop_back();
    } else if (event == Json::parse_event_t::key &&
               !keys.back().insert(value.get<std::string>()).second) {
      duplicate = value.get<std::string>();
    }
    return true;
  };
  Json header;
  try {
    header = Json::parse(text, callback);
  } catch (const nlohmann::json::exception&) {
    damaged_tensors(file, "the header is not JSON");
  }
  if (!duplicate.empty()) {
    damaged_tensors(file, "the name \"" + printable(duplicate) + "\" stands twice in the header");
  }
  if (!header.is_object()) {
    damaged_tensors(file, "the header is not a JSON object");
  }
  return header;
}

Entry parse_entry(const std::string& name, const Json& value, const std::filesystem::path& file) {
  const std::string shown = "\"" + printable(name) + "\"";
  if (!value.is_object() || value.size() != 3 || !value.contains("dtype") ||
      !value.contains("shape") || !value.contains("data_offsets")) {
    damaged_tensors(file, "tensor " + shown + " needs exactly dtype, shape and data_offsets");
  }
  Entry entry;
  entry.name = name;
  if (!value["dtype"].is_string()) {
    damaged_tensors(file, "the dtype of " + shown + " is not text");
  }
  const auto dtype = value["dtype"].get<std::string>();
  for (const DtypeName& known : kDtypes) {
    if (dtype == known.name) {
      entry.dtype = &known;
    }
  }
  if (entry.dtype == nullptr) {
    throw Error(ErrorCode::kUnsupported,
                file.string() + ": tensor " + shown + " has the dtype \"" + printable(dtype) +
                    "\", which is not read");
  }
  const Json& offsets = value["data_offsets"];
  if (!value["shape"].is_array() || value["shape"].size() > 16 || !offsets.is_array() ||
      offsets.size() != 2 || !offsets[0].is_number_unsigned() || !offsets[1].is_number_unsigned()) {
    damaged_tensors(file, "shape or data_offsets of " + shown + " is malformed");
  }
  __extension__ using Wide = unsigned __int128;
  // An axis of size 0 shall not let the others be anything: LibTorch counts strides over all of
  // them.
  Wide extent = static_cast<Wide>(entry.dtype->bytes);
  Wide bytes = extent;
  for (const Json& size : value["shape"]) {
    if (!size.is_number_unsigned()) {
      damaged_tensors(file, "the shape of " + shown + " holds something that is no size");
    }
    const auto count = size.get<std::uint64_t>();
    bytes *= static_cast<Wide>(count);
    extent *= static_cast<Wide>(std::max<std::uint64_t>(count, 1));
    if (extent > (static_cast<Wide>(1) << 60)) {
      damaged_tensors(file, "tensor " + shown + " claims an absurd size");
    }
    entry.shape.push_back(static_cast<std::int64_t>(count));
  }
  entry.begin = offsets[0].get<std::uint64_t>();
  entry.end = offsets[1].get<std::uint64_t>();
  if (entry.end < entry.begin || static_cast<Wide>(entry.end - entry.begin) != bytes) {
    damaged_tensors(file, "tensor " + shown + " has offsets that do not match its dtype and shape");
  }
  return entry;
}

ParsedHeader parse_header(std::span<const std::byte> bytes, const std::filesystem::path& file) {
  std::uint64_t length = 0;
  if (bytes.size() < 8) {
    damaged_tensors(file, fmt::format("{} bytes are too few", bytes.size()));
  }
  std::memcpy(&length, bytes.data(), 8);
  if (length > kMaxHeader || length > bytes.size() - 8) {
    damaged_tensors(
        file, fmt::format("its header claims {} bytes where {} follow", length, bytes.size() - 8));
  }
  const Json header =
      parse_header_json({reinterpret_cast<const char*>(bytes.data()) + 8, length}, file);
  ParsedHeader parsed;
  parsed.data_start = 8 + length;
  for (const auto& [name, value] : header.items()) {
    if (name == "__metadata__") {
      if (!value.is_object()) {
        damaged_tensors(file, "__metadata__ is not an object");
      }
      for (const auto& [key, text] : value.items()) {
        if (!text.is_string()) {
          damaged_tensors(file, "__metadata__ holds a value that is not text");
        }
        parsed.metadata[key] = text.get<std::string>();
      }
    } else {
      parsed.entries.push_back(parse_entry(name, value, file));
    }
  }
  std::stable_sort(
      parsed.entries.begin(), parsed.entries.end(), [](const Entry& a, const Entry& b) {
        return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
      });
  std::uint64_t position = 0;
  for (const Entry& entry : parsed.entries) {
    if (entry.begin != position) {
      damaged_tensors(
          file,
          "the data of \"" + printable(entry.name) + "\" overlaps another tensor or leaves a gap");
    }
    position = entry.end;
  }
  if (position != bytes.size() - parsed.data_start) {
    damaged_tensors(file,
                    fmt::format("its tensors need {} bytes where {} follow the header (cut short, "
                                "or something after it)",
                                position,
                                bytes.size() - parsed.data_start));
  }
  return parsed;
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
  const auto dtype_of = [&](const at::Tensor& tensor) -> const DtypeName& {
    for (const DtypeName& known : kDtypes) {
      if (known.type == tensor.scalar_type()) {
        return known;
      }
    }
    throw Error(ErrorCode::kInvalidArgument, "safetensors: cannot write this tensor dtype");
  };
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
  const ParsedHeader header = parse_header(map.bytes(), file);
  const std::span<const std::byte> data = map.bytes().subspan(header.data_start);
  const auto checksum = header.metadata.find(kChecksumKey);
  if (checksum != header.metadata.end() && checksum->second != fmt::format("{:016x}", xxh3(data))) {
    damaged_tensors(file,
                    "its data does not match its checksum (a damaged disk or an edited file)");
  }
  TensorFile content;
  content.metadata = header.metadata;
  content.metadata.erase(kChecksumKey);
  for (const Entry& entry : header.entries) {
    at::Tensor tensor = at::empty(entry.shape, at::TensorOptions().dtype(entry.dtype->type));
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
  return parse_header(map.bytes(), file).metadata;
}

}  // namespace marrow
