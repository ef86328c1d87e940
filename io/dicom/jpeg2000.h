#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace marrow {

// A decoded JPEG 2000 picture: samples of `bytes_a_sample` bytes, little endian, row by row,
// components interleaved.
struct Jpeg2000Picture {
  std::int64_t rows = 0, columns = 0, components = 0;
  int bits = 0;  // per sample, as the stream says
  bool is_signed = false;
  int bytes_a_sample = 0;  // 1, 2 or 4
  std::vector<std::byte> samples;
};

// One code stream or JP2 file -> its picture. For the limited child only. Throws Error{kUnreadable}
// ("bad-pixels: ") naming `name` where the stream is damaged, cut, or holds another number of rows
// and columns than the header says.
[[nodiscard]] Jpeg2000Picture decode_jpeg2000(std::span<const std::byte> stream,
                                              std::int64_t rows,
                                              std::int64_t columns,
                                              const std::string& name);

}  // namespace marrow
