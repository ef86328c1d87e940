#include "io/dicom/ordinary_text.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace marrow {

namespace {

constexpr std::uint64_t kEveryByte = 0x0101010101010101U;
constexpr std::uint64_t kHighBits = 0x8080808080808080U;

// High bit set in (at least) the lowest byte of `word` that equals `byte`, no bit when there is
// none.
constexpr std::uint64_t bytes_equal(std::uint64_t word, unsigned char byte) {
  const std::uint64_t difference = word ^ kEveryByte * byte;
  return (difference - kEveryByte) & ~difference & kHighBits;
}

// The same for bytes below `limit` (at most 0x80).
constexpr std::uint64_t bytes_below(std::uint64_t word, unsigned char limit) {
  return (word - kEveryByte * limit) & ~word & kHighBits;
}

}  // namespace

TextContent text_content(std::string_view bytes) {
  while (!bytes.empty() && (bytes.back() == ' ' || bytes.back() == '\0')) {
    bytes.remove_suffix(1);
  }
  while (!bytes.empty() && bytes.front() == ' ') {
    bytes.remove_prefix(1);
  }
  std::uint64_t control = 0;
  std::uint64_t high = 0;
  std::uint64_t separator = 0;
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(std::uint64_t)) {
    std::uint64_t word = kEveryByte * ' ';
    std::memcpy(&word, bytes.data() + at, std::min(sizeof word, bytes.size() - at));
    control |= bytes_below(word, ' ') | bytes_equal(word, 0x7F);
    high |= word & kHighBits;
    separator |= bytes_equal(word, '\\');
  }
  return {control != 0, high != 0, separator != 0, bytes};
}

bool blank_beside_separator(std::string_view text) {
  return text.find(" \\") != std::string_view::npos || text.find("\\ ") != std::string_view::npos;
}

}  // namespace marrow
