// The packed lists of a catalogue that somebody else has written: what is let in packs again to
// lists that read the same.

#include <string>
#include <vector>

#include "io/catalogue/file_rows.h"
#include "io/catalogue/packed_stamps.h"
#include "tests/fuzz/fuzz_input.h"

namespace marrow::fuzzing {
namespace {

std::string packed_again(std::string_view stamps) {
  StampReader reader(stamps);
  StampPacker packer;
  while (reader.next()) {
    packer.add(reader.name(), reader.stamp());
  }
  return packer.bytes();
}

void read_part_as(const char* owner, std::string_view bytes) {
  const std::vector<PartFile> files = unpack_part(bytes, owner);
  for (const PartFile& file : files) {
    refusing_anyhow([&] { static_cast<void>(unpack_facts(file.facts, file.name)); });
  }
  const std::string again = pack_part(files);
  if (pack_part(unpack_part(again, owner)) != again) {
    __builtin_trap();
  }
}

}  // namespace
}  // namespace marrow::fuzzing

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace marrow;
  fuzzing::FuzzInput input(data, size);
  fuzzing::refusing_anyhow([&] {
    const std::string again = fuzzing::packed_again(input.text());
    if (fuzzing::packed_again(again) != again) {
      __builtin_trap();
    }
  });
  for (const char* const owner : {"d0123456789abcdef", "v", "x"}) {
    fuzzing::refusing_anyhow([&] { fuzzing::read_part_as(owner, input.text()); });
  }
  fuzzing::refusing_anyhow([&] {
    std::vector<DicomHeader> headers;
    append_headers(input.text(), "folder", headers);
  });
  return 0;
}
