#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace marrow {

// The first bytes of an open file, read in few calls and kept in one block that grows as more is
// asked for. The block stays for the next file.
class HeadBytes {
 public:
  // More than this of one file is never held.
  static constexpr std::int64_t kMost = std::int64_t{1} << 20;

  // Starts with another file, of `size` bytes; false when nothing can be read. The descriptor stays
  // the caller's and open as long as bytes are asked for.
  [[nodiscard]] bool open(int descriptor, std::int64_t size);

  // Whether the first `count` bytes are here (reads them where they are not).
  [[nodiscard]] bool has(std::int64_t count) { return count <= held_ || grow(count); }

  // How long the first read of the next file shall be.
  void expect(std::int64_t count);

  // Reads bytes somewhere in the file without keeping them; false when it has not that many.
  [[nodiscard]] bool peek(std::int64_t at, void* bytes, std::size_t count) const;

  [[nodiscard]] std::int64_t size() const { return size_; }

  // How many bytes are here.
  [[nodiscard]] std::int64_t held() const { return held_; }

  // The rest is for places inside the bytes that are here.
  [[nodiscard]] const std::uint8_t* at(std::int64_t place) const { return bytes_.data() + place; }

  [[nodiscard]] std::uint32_t u16(std::int64_t place) const {
    const std::uint8_t* const byte = at(place);
    return static_cast<std::uint32_t>(byte[0] | byte[1] << 8);
  }

  [[nodiscard]] std::uint32_t u32(std::int64_t place) const {
    return u16(place) | u16(place + 2) << 16;
  }

  [[nodiscard]] std::string_view text(std::int64_t place, std::size_t count) const {
    return {reinterpret_cast<const char*>(at(place)), count};
  }

 private:
  [[nodiscard]] bool grow(std::int64_t count);
  [[nodiscard]] bool read_to(std::int64_t end);

  std::vector<std::uint8_t> bytes_;
  int descriptor_ = -1;
  std::int64_t size_ = 0;
  std::int64_t held_ = 0;
  std::int64_t first_read_ = 8192;  // bytes
};

}  // namespace marrow
