#include "models/weights/foreign_file.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "core/error.h"
#include "core/files.h"
#include "core/text.h"

namespace marrow {

namespace {

// PyTorch writes a zip archive around a pickle, and wrote bare pickles before 1.6; both begin so.
bool begins_as_pickle(std::span<const std::byte> bytes) {
  if (bytes.size() < 4) {
    return false;
  }
  const auto at = [&](std::size_t i) { return std::to_integer<int>(bytes[i]); };
  const bool zip = at(0) == 'P' && at(1) == 'K' && at(2) == 3 && at(3) == 4;
  // A safetensors file begins with the length of its header, whose upper bytes are 0: a pickle of
  // protocol 2 to 5 has an opcode there.
  const bool pickle = at(0) == 0x80 && at(1) >= 2 && at(1) <= 5 &&
                      !(bytes.size() > 8 && at(8) == '{' && at(6) == 0 && at(7) == 0);
  return zip || pickle;
}

}  // namespace

TensorFile read_foreign_weights(const std::filesystem::path& file) {
  static constexpr std::array<std::string_view, 6> kEndings = {
      ".pth", ".pt", ".ckpt", ".bin", ".pkl", ".tar"};
  const std::string ending = lower_case(file.extension().string());
  bool pickle = false;
  {
    const MappedFile map(file);
    pickle = begins_as_pickle(map.bytes()) ||
             (std::find(kEndings.begin(), kEndings.end(), ending) != kEndings.end() &&
              !(map.bytes().size() > 8 && std::to_integer<char>(map.bytes()[8]) == '{'));
  }
  if (pickle) {
    throw Error(ErrorCode::kUnsupported,
                file.string() +
                    " is no safetensors file but a Python pickle or archive, which can run code "
                    "when it is read; convert it with the lines of Python in "
                    "docs/formats/weights.md");
  }
  return read_safetensors(file);
}

}  // namespace marrow
