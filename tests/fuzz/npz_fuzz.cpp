// MedMNIST archives, from the zip directory to images and labels; and the description of one array.

#include "io/images/npz_file.h"
#include "tests/fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace marrow;
  constexpr std::uint64_t kMemory = std::uint64_t{1} << 24;
  fuzzing::FuzzInput input(data, size);
  const bool one_array = input.take_byte() % 2 == 1;
  try {
    if (one_array) {
      const NpyArray array = parse_npy({input.bytes().begin(), input.bytes().end()}, "x");
      for (std::int64_t n = 0; n < std::min<std::int64_t>(array.items(), 16); ++n) {
        static_cast<void>(array.item(array.items() - 1 - n));
      }
      return 0;
    }
    const fuzzing::MemoryFile file(input.bytes());
    NpzFile npz(file.path(), kMemory);
    for (std::int64_t index : {0, 1, 5}) {
      static_cast<void>(npz.image(index));
    }
    for (int part = 0; part < NpzFile::kParts; ++part) {
      static_cast<void>(npz.labels(part));
    }
  } catch (const Error&) {
    return 0;
  }
  return 0;
}
