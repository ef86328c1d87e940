#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace marrow {

struct SafetensorsDtype {
  std::string_view name;
  std::int64_t bytes;  // of a value
};

inline constexpr std::array<SafetensorsDtype, 10> kSafetensorsDtypes = {{{"F32", 4},
                                                                         {"F64", 8},
                                                                         {"F16", 2},
                                                                         {"BF16", 2},
                                                                         {"I64", 8},
                                                                         {"I32", 4},
                                                                         {"I16", 2},
                                                                         {"I8", 1},
                                                                         {"U8", 1},
                                                                         {"BOOL", 1}}};

struct SafetensorsEntry {
  std::string name;
  std::size_t dtype = 0;  // its place in kSafetensorsDtypes
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0;  // in the data, as the end; as many bytes as dtype and shape ask for
  std::uint64_t end = 0;
};

struct SafetensorsHeader {
  std::vector<SafetensorsEntry> entries;  // by offset: together all of the data, none twice
  std::map<std::string, std::string> metadata;
  std::uint64_t data_start = 0;
};

// What the bytes of a whole file say of themselves, as strict as read_safetensors() promises and
// with its errors; free of torch. `file` is for messages.
[[nodiscard]] SafetensorsHeader parse_safetensors_header(std::span<const std::byte> bytes,
                                                         const std::filesystem::path& file);

// Throws Error{kUnreadable}: no valid file, because of `what`.
[[noreturn]] void refuse_safetensors(const std::filesystem::path& file, const std::string& what);

}  // namespace marrow
