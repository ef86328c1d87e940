#include "io/images/npy_array.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "core/text.h"
#include "io/file_error.h"

namespace marrow {

namespace {

constexpr std::string_view kNpyMagic("\x93NUMPY", 6);
constexpr std::size_t kMostAxes = 8;

[[noreturn]] void refuse_npy(const std::string& name, const std::string& what) {
  throw FileError(
      ErrorCode::kUnreadable, "damaged-npy", fmt::format("{}: {}; copy it again", name, what));
}

[[noreturn]] void unsupported_npy(const std::string& name, const std::string& what) {
  throw FileError(ErrorCode::kUnsupported, "unsupported-npy", name + ": " + what);
}

// The text behind "'key':" in the dictionary that describes an array.
std::string_view npy_entry(std::string_view header, std::string_view key, const std::string& name) {
  const std::string quoted = fmt::format("'{}':", key);
  const std::size_t at = header.find(quoted);
  if (at == std::string_view::npos || header.find(quoted, at + 1) != std::string_view::npos) {
    refuse_npy(name, fmt::format("expected one {} in the description of the array", quoted));
  }
  return trim(header.substr(at + quoted.size()));
}

std::vector<std::int64_t> npy_shape(std::string_view text, const std::string& name) {
  const std::size_t end = text.find(')');
  if (!text.starts_with('(') || end == std::string_view::npos) {
    refuse_npy(name, "expected a shape in brackets");
  }
  std::vector<std::int64_t> shape;
  for (const std::string& word : split_words(text.substr(1, end - 1), ',')) {
    const std::string_view digits = trim(word);
    if (digits.empty()) {
      continue;  // "(5,)"
    }
    std::int64_t axis = -1;
    const auto [rest, failure] =
        std::from_chars(digits.data(), digits.data() + digits.size(), axis);
    if (failure != std::errc{} || rest != digits.data() + digits.size() || axis < 0 ||
        shape.size() == kMostAxes) {
      refuse_npy(name, "expected whole numbers in the shape");
    }
    shape.push_back(axis);
  }
  return shape;
}

// Bytes of the items, or nothing when they are more than can be.
std::optional<std::uint64_t> npy_bytes(const std::vector<std::int64_t>& shape, std::size_t item) {
  std::uint64_t bytes = item;
  for (const std::int64_t axis : shape) {
    if (__builtin_mul_overflow(bytes, static_cast<std::uint64_t>(axis), &bytes)) {
      return std::nullopt;
    }
  }
  return bytes;
}

}  // namespace

std::int64_t NpyHeader::items() const {
  std::int64_t count = 1;
  for (const std::int64_t axis : shape) {
    count *= axis;  // parse_npy_header has seen that the bytes are there
  }
  return count;
}

std::int64_t NpyHeader::item(std::span<const std::byte> bytes, std::int64_t index) const {
  if (item_bytes == 1 && kind != 'i') {
    return std::to_integer<std::int64_t>(bytes[static_cast<std::size_t>(index)]);
  }
  std::uint64_t value = 0;
  const std::size_t at = static_cast<std::size_t>(index) * item_bytes;
  for (std::size_t n = 0; n < item_bytes; ++n) {
    const std::size_t place = big_endian ? n : item_bytes - 1 - n;
    value = value << 8U | std::to_integer<std::uint64_t>(bytes[at + place]);
  }
  if (kind == 'i' && item_bytes < sizeof value) {
    const std::uint64_t sign = std::uint64_t{1} << (8 * item_bytes - 1);
    value = (value ^ sign) - sign;
  }
  return static_cast<std::int64_t>(value);
}

NpyHeader parse_npy_header(std::span<const std::byte> head,
                           std::uint64_t file_bytes,
                           const std::string& name) {
  const std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
  if (!text.starts_with(kNpyMagic) || text.size() < 12) {
    refuse_npy(name, "expected a NumPy array");
  }
  const int version = text[6];
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  std::size_t first = 10;
  std::size_t length = byte(8) | static_cast<std::size_t>(byte(9)) << 8U;
  if (version == 2 || version == 3) {
    first = 12;
    length |= static_cast<std::size_t>(byte(10)) << 16U | static_cast<std::size_t>(byte(11)) << 24U;
  } else if (version != 1) {
    unsupported_npy(name, fmt::format("expected version 1 to 3 of the format, found {}", version));
  }
  if (length > kMostNpyHeaderBytes - 12 || length > text.size() - first) {
    refuse_npy(name, "the description of the array ends early");
  }
  const std::string_view header = text.substr(first, length);
  NpyHeader array;
  const std::string_view type = npy_entry(header, "descr", name);
  const bool plain = type.size() > 4 && type[0] == '\'' && type[4] == '\'' &&
                     std::string_view("|<>=").find(type[1]) != std::string_view::npos &&
                     std::string_view("uib").find(type[2]) != std::string_view::npos &&
                     std::string_view("1248").find(type[3]) != std::string_view::npos;
  if (!plain || (type[2] == 'b' && type[3] != '1')) {
    unsupported_npy(
        name,
        fmt::format("expected items that are whole numbers of up to 8 bytes, found {}; "
                    "save the array as uint8 or uint16",
                    printable(type.substr(0, std::min(type.find(','), type.size())), 24)));
  }
  array.kind = type[2];
  array.item_bytes = static_cast<std::size_t>(type[3] - '0');
  array.big_endian = type[1] == '>';
  if (!npy_entry(header, "fortran_order", name).starts_with("False")) {
    unsupported_npy(name, "expected the array in C order, found Fortran order; save it again");
  }
  array.shape = npy_shape(npy_entry(header, "shape", name), name);
  array.start = first + length;
  const std::optional<std::uint64_t> needed = npy_bytes(array.shape, array.item_bytes);
  if (!needed || *needed != file_bytes - array.start) {
    refuse_npy(name,
               fmt::format("its shape and its {} bytes do not agree", file_bytes - array.start));
  }
  return array;
}

NpyArray parse_npy(std::vector<std::byte> bytes, const std::string& name) {
  NpyHeader header = parse_npy_header(bytes, bytes.size(), name);
  return {std::move(header), std::move(bytes)};
}

}  // namespace marrow
