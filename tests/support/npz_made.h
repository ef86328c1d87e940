#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <libdeflate.h>

namespace marrow::testing {

// A .npy of items of one byte. `shape` as Python prints it: "(2, 3)".
inline std::string npy(const std::string& shape,
                       const std::string& items,
                       const std::string& type = "|u1") {
  std::string header =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}", type, shape);
  header += std::string(64 - (10 + header.size() + 1) % 64, ' ') + "\n";
  const auto length = header.size();
  return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(length & 0xFF) +
         static_cast<char>(length >> 8) + header + items;
}

// A zip of these members, as NumPy writes it: local headers that say in a zip64 field what the
// directory says plainly.
inline std::string zip(const std::vector<std::pair<std::string, std::string>>& members,
                       bool deflated) {
  std::string bytes;
  std::string directory;
  const auto put = [](std::string& to, std::uint64_t value, int count) {
    for (int n = 0; n < count; ++n) {
      to += static_cast<char>(value >> (8 * n) & 0xFF);
    }
  };
  for (const auto& [name, data] : members) {
    std::string packed = data;
    if (deflated) {
      libdeflate_compressor* const compressor = libdeflate_alloc_compressor(6);
      packed.resize(libdeflate_deflate_compress_bound(compressor, data.size()));
      packed.resize(libdeflate_deflate_compress(
          compressor, data.data(), data.size(), packed.data(), packed.size()));
      libdeflate_free_compressor(compressor);
    }
    const std::uint32_t crc = libdeflate_crc32(0, data.data(), data.size());
    const std::size_t place = bytes.size();
    put(bytes, 0x04034b50, 4);
    put(bytes, 45, 2);
    put(bytes, 0, 2);
    put(bytes, deflated ? 8 : 0, 2);
    put(bytes, 0x00210000, 4);
    put(bytes, crc, 4);
    put(bytes, 0xFFFFFFFF, 4);
    put(bytes, 0xFFFFFFFF, 4);
    put(bytes, name.size(), 2);
    put(bytes, 20, 2);
    bytes += name;
    put(bytes, 1, 2);
    put(bytes, 16, 2);
    put(bytes, data.size(), 8);
    put(bytes, packed.size(), 8);
    bytes += packed;

    put(directory, 0x02014b50, 4);
    put(directory, 0x002d002d, 4);
    put(directory, 0, 2);
    put(directory, deflated ? 8 : 0, 2);
    put(directory, 0x00210000, 4);
    put(directory, crc, 4);
    put(directory, packed.size(), 4);
    put(directory, data.size(), 4);
    put(directory, name.size(), 2);
    put(directory, 0, 8);  // extra and comment, disk, attributes
    put(directory, 0, 4);
    put(directory, place, 4);
    directory += name;
  }
  const std::size_t start = bytes.size();
  bytes += directory;
  put(bytes, 0x06054b50, 4);
  put(bytes, 0, 4);
  put(bytes, members.size(), 2);
  put(bytes, members.size(), 2);
  put(bytes, directory.size(), 4);
  put(bytes, start, 4);
  put(bytes, 0, 2);
  return bytes;
}

// Items 0, 1, 2, ... (modulo 251).
inline std::string counted_items(std::size_t count) {
  std::string items;
  for (std::size_t n = 0; n < count; ++n) {
    items += static_cast<char>(n % 251);
  }
  return items;
}

}  // namespace marrow::testing
