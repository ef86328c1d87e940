#include "models/weights/safetensors_header.h"

#include <algorithm>
#include <cstring>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/text.h"

namespace marrow {

namespace {

using Json = nlohmann::json;

constexpr std::uint64_t kMaxHeader = 100'000'000;

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
    refuse_safetensors(file, "the header is not JSON");
  }
  if (!duplicate.empty()) {
    refuse_safetensors(file,
                       "the name \"" + printable(duplicate) + "\" stands twice in the header");
  }
  if (!header.is_object()) {
    refuse_safetensors(file, "the header is not a JSON object");
  }
  return header;
}

SafetensorsEntry parse_entry(const std::string& name,
                             const Json& value,
                             const std::filesystem::path& file) {
  const std::string shown = "\"" + printable(name) + "\"";
  if (!value.is_object() || value.size() != 3 || !value.contains("dtype") ||
      !value.contains("shape") || !value.contains("data_offsets")) {
    refuse_safetensors(file, "tensor " + shown + " needs exactly dtype, shape and data_offsets");
  }
  SafetensorsEntry entry;
  entry.name = name;
  if (!value["dtype"].is_string()) {
    refuse_safetensors(file, "the dtype of " + shown + " is not text");
  }
  const auto dtype = value["dtype"].get<std::string>();
  const auto* const known = std::find_if(
      kSafetensorsDtypes.begin(), kSafetensorsDtypes.end(), [&](const SafetensorsDtype& one) {
        return one.name == dtype;
      });
  if (known == kSafetensorsDtypes.end()) {
    throw Error(ErrorCode::kUnsupported,
                file.string() + ": tensor " + shown + " has the dtype \"" + printable(dtype) +
                    "\", which is not read");
  }
  entry.dtype = static_cast<std::size_t>(known - kSafetensorsDtypes.begin());
  const Json& offsets = value["data_offsets"];
  if (!value["shape"].is_array() || value["shape"].size() > 16 || !offsets.is_array() ||
      offsets.size() != 2 || !offsets[0].is_number_unsigned() || !offsets[1].is_number_unsigned()) {
    refuse_safetensors(file, "shape or data_offsets of " + shown + " is malformed");
  }
  __extension__ using Wide = unsigned __int128;
  // An axis of size 0 shall not let the others be anything: LibTorch counts strides over all of
  // them.
  Wide extent = static_cast<Wide>(known->bytes);
  Wide bytes = extent;
  for (const Json& size : value["shape"]) {
    if (!size.is_number_unsigned()) {
      refuse_safetensors(file, "the shape of " + shown + " holds something that is no size");
    }
    const auto count = size.get<std::uint64_t>();
    bytes *= static_cast<Wide>(count);
    extent *= static_cast<Wide>(std::max<std::uint64_t>(count, 1));
    if (extent > (static_cast<Wide>(1) << 60)) {
      refuse_safetensors(file, "tensor " + shown + " claims an absurd size");
    }
    entry.shape.push_back(static_cast<std::int64_t>(count));
  }
  entry.begin = offsets[0].get<std::uint64_t>();
  entry.end = offsets[1].get<std::uint64_t>();
  if (entry.end < entry.begin || static_cast<Wide>(entry.end - entry.begin) != bytes) {
    refuse_safetensors(file,
                       "tensor " + shown + " has offsets that do not match its dtype and shape");
  }
  return entry;
}

}  // namespace

void refuse_safetensors(const std::filesystem::path& file, const std::string& what) {
  throw Error(ErrorCode::kUnreadable, file.string() + " is no valid safetensors file: " + what);
}

SafetensorsHeader parse_safetensors_header(std::span<const std::byte> bytes,
                                           const std::filesystem::path& file) {
  std::uint64_t length = 0;
  if (bytes.size() < 8) {
    refuse_safetensors(file, fmt::format("{} bytes are too few", bytes.size()));
  }
  std::memcpy(&length, bytes.data(), 8);
  if (length > kMaxHeader || length > bytes.size() - 8) {
    refuse_safetensors(
        file, fmt::format("its header claims {} bytes where {} follow", length, bytes.size() - 8));
  }
  const Json header =
      parse_header_json({reinterpret_cast<const char*>(bytes.data()) + 8, length}, file);
  SafetensorsHeader parsed;
  parsed.data_start = 8 + length;
  for (const auto& [name, value] : header.items()) {
    if (name == "__metadata__") {
      if (!value.is_object()) {
        refuse_safetensors(file, "__metadata__ is not an object");
      }
      for (const auto& [key, text] : value.items()) {
        if (!text.is_string()) {
          refuse_safetensors(file, "__metadata__ holds a value that is not text");
        }
        parsed.metadata[key] = text.get<std::string>();
      }
    } else {
      parsed.entries.push_back(parse_entry(name, value, file));
    }
  }
  std::stable_sort(parsed.entries.begin(),
                   parsed.entries.end(),
                   [](const SafetensorsEntry& a, const SafetensorsEntry& b) {
                     return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
                   });
  std::uint64_t position = 0;
  for (const SafetensorsEntry& entry : parsed.entries) {
    if (entry.begin != position) {
      refuse_safetensors(
          file,
          "the data of \"" + printable(entry.name) + "\" overlaps another tensor or leaves a gap");
    }
    position = entry.end;
  }
  if (position != bytes.size() - parsed.data_start) {
    refuse_safetensors(
        file,
        fmt::format("its tensors need {} bytes where {} follow the header (cut short, "
                    "or something after it)",
                    position,
                    bytes.size() - parsed.data_start));
  }
  return parsed;
}

}  // namespace marrow
