#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace marrow {

// Little-endian fields of a part of the file; reading past the end is damage.
class ZipFields {
 public:
  ZipFields(std::span<const std::byte> bytes, std::uint64_t at) {
    if (at <= bytes.size()) {
      left_ = bytes.subspan(static_cast<std::size_t>(at));
    } else {
      short_ = true;
    }
  }

  // 0 when there are too few bytes.
  template <class Integer>
  Integer integer() {
    Integer value = 0;
    const std::span<const std::byte> bytes = take(sizeof(Integer));
    for (std::size_t n = bytes.size(); n > 0; --n) {
      value = static_cast<Integer>(static_cast<std::uint64_t>(value) << 8U |
                                   std::to_integer<std::uint64_t>(bytes[n - 1]));
    }
    return value;
  }

  std::span<const std::byte> take(std::size_t count) {
    if (count > left_.size()) {
      short_ = true;
      left_ = {};
      return {};
    }
    const std::span<const std::byte> bytes = left_.first(count);
    left_ = left_.subspan(count);
    return bytes;
  }

  [[nodiscard]] bool ran_out() const { return short_; }

  [[nodiscard]] std::span<const std::byte> rest() const { return left_; }

 private:
  std::span<const std::byte> left_;
  bool short_ = false;
};

}  // namespace marrow
