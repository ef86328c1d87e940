#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace marrow {

// What the start of a NumPy .npy file says about the array in it, in C order.
struct NpyHeader {
  char kind = 'u';  // 'u', 'i' or 'b' (bool): whole numbers
  std::size_t item_bytes = 1;
  bool big_endian = false;
  std::vector<std::int64_t> shape;
  std::size_t start = 0;  // of the items in the file, in bytes

  bool operator==(const NpyHeader&) const = default;

  [[nodiscard]] std::int64_t items() const;  // of all axes
  // The `index`-th item of `bytes`, which are items from any first one on.
  [[nodiscard]] std::int64_t item(std::span<const std::byte> bytes, std::int64_t index) const;
};

// The longest header that is read.
inline constexpr std::size_t kMostNpyHeaderBytes = 65'536 + 12;

// Versions 1 to 3 of the format. `head` is the start of a file of `file_bytes` bytes, at least
// kMostNpyHeaderBytes of it or all. `name` is for messages. Throws FileError: "damaged-npy" when
// the header or the number of bytes is wrong, {kUnsupported, "unsupported-npy"} for other types of
// items and Fortran order.
[[nodiscard]] NpyHeader parse_npy_header(std::span<const std::byte> head,
                                         std::uint64_t file_bytes,
                                         const std::string& name);

struct NpyArray {
  NpyHeader header;
  std::vector<std::byte> bytes;  // all of the file

  [[nodiscard]] std::int64_t items() const { return header.items(); }

  [[nodiscard]] std::int64_t item(std::int64_t index) const {
    return header.item(std::span(bytes).subspan(header.start), index);
  }
};

// A whole file; as parse_npy_header.
[[nodiscard]] NpyArray parse_npy(std::vector<std::byte> bytes, const std::string& name);

}  // namespace marrow
