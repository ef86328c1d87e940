#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace marrow::testing {

enum class CsaLayout { kFirst, kSecond };

// A CSA header as Siemens scanners write it.
inline std::string csa_bytes(
    const std::vector<std::pair<std::string, std::vector<std::string>>>& fields, CsaLayout layout) {
  std::string bytes;
  const auto word = [&](std::uint32_t value) {
    for (int n = 0; n < 4; ++n, value >>= 8) {
      bytes += static_cast<char>(value & 0xFF);
    }
  };
  if (layout == CsaLayout::kSecond) {
    bytes += std::string("SV10\x04\x03\x02\x01", 8);
  }
  word(static_cast<std::uint32_t>(fields.size()));
  word(77);
  const auto items_of_first = static_cast<std::uint32_t>(fields.front().second.size());
  for (const auto& [name, values] : fields) {
    std::string padded = name;
    padded.resize(64, '\0');
    bytes += padded;
    word(static_cast<std::uint32_t>(values.size()));  // multiplicity
    bytes += std::string("FD\0\0", 4);
    word(4);
    word(static_cast<std::uint32_t>(values.size()));
    word(77);
    for (const std::string& value : values) {
      const auto size = static_cast<std::uint32_t>(value.size());
      // The first layout counts from the number of items of the first tag.
      word(layout == CsaLayout::kFirst ? size + items_of_first : size);
      word(size);
      word(77);
      word(size);
      bytes += value;
      bytes.resize(bytes.size() + (4 - value.size() % 4) % 4, '\0');
    }
  }
  return bytes;
}

}  // namespace marrow::testing
