// The headers of NRRD and MetaImage files: which of the two the first bytes say, then all of it.

#include "io/volume_files/volume_header.h"
#include "tests/fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace marrow;
  fuzzing::FuzzInput input(data, size);
  const fuzzing::GuardedCopy copy(input.bytes());
  static_cast<void>(volume_file_kind(copy.bytes()));
  fuzzing::refusing([&] {
    const VolumeFileHeader header = parse_nrrd_header(copy.bytes(), "x.nrrd");
    MARROW_CHECK(stored_volume_bytes(header) > 0 && header.data_offset >= -1);
  });
  fuzzing::refusing([&] {
    const VolumeFileHeader header = parse_metaimage_header(copy.bytes(), "x.mha");
    MARROW_CHECK(stored_volume_bytes(header) > 0 && header.data_offset >= -1);
  });
  return 0;
}
