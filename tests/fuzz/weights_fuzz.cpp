// Headers of safetensors files, whose values are read by what the header says of them.

#include "core/error.h"
#include "models/weights/safetensors_header.h"
#include "tests/fuzz/fuzz_input.h"

namespace marrow::fuzzing {
namespace {

void read_header(std::span<const std::byte> bytes) {
  const SafetensorsHeader header = parse_safetensors_header(bytes, "x.safetensors");
  std::uint64_t at = 0;
  for (const SafetensorsEntry& entry : header.entries) {
    std::uint64_t wanted = static_cast<std::uint64_t>(kSafetensorsDtypes.at(entry.dtype).bytes);
    for (const std::int64_t size : entry.shape) {
      MARROW_CHECK(size >= 0);
      wanted *= static_cast<std::uint64_t>(size);
    }
    MARROW_CHECK(entry.begin == at && entry.end - entry.begin == wanted);
    at = entry.end;
  }
  MARROW_CHECK(header.data_start + at == bytes.size());
}

}  // namespace
}  // namespace marrow::fuzzing

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const marrow::fuzzing::GuardedCopy copy(std::as_bytes(std::span(data, size)));
  marrow::fuzzing::refusing([&] { marrow::fuzzing::read_header(copy.bytes()); });
  return 0;
}
