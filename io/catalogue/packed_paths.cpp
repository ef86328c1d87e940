#include "io/catalogue/packed_paths.h"

#include "io/byte_fields.h"
#include "io/catalogue/packed_stamps.h"

namespace marrow {

std::string pack_paths(const std::vector<std::filesystem::path>& paths) {
  std::string packed;
  std::string last;
  ByteWriter writer(packed);
  for (const std::filesystem::path& path : paths) {
    pack_name(writer, last, path.native());
  }
  return packed;
}

std::vector<std::filesystem::path> unpack_paths(std::string_view packed) {
  std::vector<std::filesystem::path> paths;
  std::string last;
  ByteReader reader(packed);
  while (!reader.rest().empty()) {
    unpack_name(reader, last);
    paths.emplace_back(last);
  }
  return paths;
}

}  // namespace marrow
