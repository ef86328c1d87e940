#include "io/catalogue/packed_paths.h"

#include <algorithm>
#include <cstdint>

#include "core/error.h"

namespace marrow {

namespace {

void append_leb128(std::string& bytes, std::size_t number) {
  while (number >= 0x80) {
    bytes += static_cast<char>((number & 0x7F) | 0x80);
    number >>= 7;
  }
  bytes += static_cast<char>(number);
}

[[noreturn]] void packed_paths_damaged() {
  throw Error(ErrorCode::kUnreadable,
              "catalogue: a packed list of files is damaged; run `marrow scan` again");
}

std::size_t take_leb128(std::string_view& bytes) {
  std::size_t number = 0;
  for (unsigned shift = 0; shift < 35; shift += 7) {
    if (bytes.empty()) {
      packed_paths_damaged();
    }
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    number |= static_cast<std::size_t>(byte & 0x7FU) << shift;
    if (byte < 0x80) {
      return number;
    }
  }
  packed_paths_damaged();
}

}  // namespace

std::string pack_paths(const std::vector<std::filesystem::path>& paths) {
  std::string packed;
  std::string last;
  for (const std::filesystem::path& path : paths) {
    const std::string& text = path.native();
    const auto shared = static_cast<std::size_t>(
        std::mismatch(text.begin(), text.end(), last.begin(), last.end()).first - text.begin());
    append_leb128(packed, shared);
    append_leb128(packed, text.size() - shared);
    packed.append(text, shared);
    last = text;
  }
  return packed;
}

std::vector<std::filesystem::path> unpack_paths(std::string_view packed) {
  std::vector<std::filesystem::path> paths;
  std::string last;
  while (!packed.empty()) {
    const std::size_t shared = take_leb128(packed);
    const std::size_t rest = take_leb128(packed);
    if (shared > last.size() || rest > packed.size()) {
      packed_paths_damaged();
    }
    last.resize(shared);
    last += packed.substr(0, rest);
    packed.remove_prefix(rest);
    paths.emplace_back(last);
  }
  return paths;
}

}  // namespace marrow
