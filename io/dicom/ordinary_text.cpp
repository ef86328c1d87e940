#include "io/dicom/ordinary_text.h"

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

template <class Word>
Word text_word(std::string_view bytes, std::size_t at) {
  Word word = 0;
  std::memcpy(&word, bytes.data() + at, sizeof word);
  return word;
}

// The bytes of a text shorter than a word, some of them twice, and blanks.
std::uint64_t short_word(std::string_view bytes) {
  constexpr std::uint64_t kBlanks = kEveryByte * ' ';
  if (bytes.size() >= sizeof(std::uint32_t)) {
    return text_word<std::uint32_t>(bytes, 0) |
           std::uint64_t{text_word<std::uint32_t>(bytes, bytes.size() - sizeof(std::uint32_t))}
               << 32;
  }
  std::uint64_t word = kBlanks;
  for (const char byte : bytes) {
    word = word << 8 | static_cast<unsigned char>(byte);
  }
  return word;
}

struct TextScan {
  std::uint64_t control = 0, high = 0, separator = 0;

  void add(std::uint64_t word) {
    control |= bytes_below(word, ' ') | bytes_equal(word, 0x7F);
    high |= word & kHighBits;
    separator |= bytes_equal(word, '\\');
  }
};

}  // namespace

TextContent text_content(std::string_view bytes) {
  while (!bytes.empty() && (bytes.back() == ' ' || bytes.back() == '\0')) {
    bytes.remove_suffix(1);
  }
  while (!bytes.empty() && bytes.front() == ' ') {
    bytes.remove_prefix(1);
  }
  TextScan scan;
  if (bytes.size() < sizeof(std::uint64_t)) {
    scan.add(short_word(bytes));
  } else {
    for (std::size_t at = 0; at + sizeof(std::uint64_t) <= bytes.size();
         at += sizeof(std::uint64_t)) {
      scan.add(text_word<std::uint64_t>(bytes, at));
    }
    scan.add(text_word<std::uint64_t>(bytes, bytes.size() - sizeof(std::uint64_t)));
  }
  return {scan.control != 0, scan.high != 0, scan.separator != 0, bytes};
}

bool blank_beside_separator(std::string_view text) {
  return text.find(" \\") != std::string_view::npos || text.find("\\ ") != std::string_view::npos;
}

}  // namespace marrow
