#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "core/error.h"

namespace marrow {

// Hashes of `width` words of 64 bits each (1 for a slice, 3 for a volume), one behind the other;
// borrowed. Positions in it fit in 32 bits.
class HashList {
 public:
  // Throws Error{kInvalidArgument} unless `words` are whole hashes, fewer than 2^32 - 1.
  HashList(std::span<const std::uint64_t> words, std::size_t width) : words_(words), width_(width) {
    if (width == 0 || words.size() % width != 0 || words.size() / width >= 0xffffffffU) {
      throw Error(ErrorCode::kInvalidArgument,
                  "hashes: expected fewer than 2^32 - 1 hashes of whole words, found " +
                      std::to_string(words.size()) + " words for hashes of " +
                      std::to_string(width));
    }
  }

  [[nodiscard]] std::size_t size() const { return words_.size() / width_; }

  [[nodiscard]] std::size_t width() const { return width_; }

  [[nodiscard]] const std::uint64_t* operator[](std::size_t position) const {
    return words_.data() + position * width_;
  }

  [[nodiscard]] std::span<const std::uint64_t> words() const { return words_; }

 private:
  std::span<const std::uint64_t> words_;
  std::size_t width_;
};

}  // namespace marrow
