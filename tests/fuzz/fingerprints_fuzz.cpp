// Fingerprints of volumes from the cache of `marrow reduce`. A checksum guards them, so that
// changed bytes would never get far: the first byte chooses whether it is made to fit.

#include <cstring>
#include <string>

#include "core/digest.h"
#include "tests/fuzz/fuzz_input.h"
#include "volumes/reduction/fingerprint_bytes.h"

namespace marrow::fuzzing {
namespace {

std::string with_checksum(std::string bytes) {
  const std::uint64_t sum = xxh3(std::as_bytes(std::span(bytes)));
  return bytes.append(reinterpret_cast<const char*>(&sum), sizeof sum);
}

void read_fingerprint(std::string_view text) {
  const GuardedCopy copy(std::as_bytes(std::span(text)));
  const std::string_view bytes(reinterpret_cast<const char*>(copy.bytes().data()), text.size());
  const std::optional<CaseFingerprint> made = fingerprint_from_bytes(bytes);
  if (!made) {
    return;
  }
  MARROW_CHECK(made->axis >= 0 && made->axis < 3 && made->size() > 0);
  for (const SliceFingerprint& slice : made->slices) {
    MARROW_CHECK(slice.source >= 0 && slice.source < made->size());
  }
  MARROW_CHECK(fingerprint_to_bytes(*made) == bytes);
}

}  // namespace
}  // namespace marrow::fuzzing

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace marrow::fuzzing;
  FuzzInput input(data, size);
  const bool repair = input.take_byte() % 2 == 1;
  read_fingerprint(repair ? with_checksum(std::string(input.text())) : std::string(input.text()));
  return 0;
}
