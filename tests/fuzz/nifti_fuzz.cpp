// The NIfTI reader: header, voxels and labels. The first byte chooses how the rest is seen: as a
// file, as a file that is still to be packed (so that changed bytes come with a fitting checksum),
// or as the two files of a pair.

#include <memory>
#include <vector>

#include <libdeflate.h>

#include "io/nifti/nifti.h"
#include "io/nifti/nifti_decode.h"
#include "tests/fuzz/fuzz_input.h"

namespace marrow::fuzzing {
namespace {

constexpr std::uint64_t kMostBytes = std::uint64_t{64} << 20;

std::vector<std::byte> packed(std::span<const std::byte> plain) {
  static libdeflate_compressor* const compressor = libdeflate_alloc_compressor(1);
  std::vector<std::byte> bytes(libdeflate_gzip_compress_bound(compressor, plain.size()));
  bytes.resize(
      libdeflate_gzip_compress(compressor, plain.data(), plain.size(), bytes.data(), bytes.size()));
  return bytes;
}

void read_all(const NiftiBytes& given) {
  const GuardedCopy file(given.file);
  const GuardedCopy voxels(given.voxels);
  const NiftiBytes bytes{file.bytes(), voxels.bytes()};
  refusing([&] { static_cast<void>(decode_nifti_header(bytes, "x.nii")); });
  refusing([&] {
    const NiftiImage image = decode_nifti(bytes, "x.nii", 0, kMostBytes);
    MARROW_CHECK(image.volume.voxels.size() ==
                 static_cast<std::size_t>(image.volume.geometry.voxels()));
  });
  refusing([&] { static_cast<void>(decode_nifti(bytes, "x.nii", 1, kMostBytes)); });
  refusing([&] { static_cast<void>(decode_nifti_labels(bytes, "x.nii", kMostBytes)); });
}

}  // namespace
}  // namespace marrow::fuzzing

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace marrow;
  fuzzing::FuzzInput input(data, size);
  const unsigned way = input.take_byte() % 4;
  static_cast<void>(is_nifti(input.bytes()));
  if (way == 1) {
    const std::vector<std::byte> gzip = fuzzing::packed(input.bytes());
    static_cast<void>(is_nifti(gzip));
    fuzzing::read_all({gzip, {}});
  } else if (way == 2) {
    const std::size_t header = std::min<std::size_t>(input.bytes().size(), 348);
    fuzzing::read_all({input.bytes().first(header), input.bytes().subspan(header)});
  } else if (way == 3) {
    const std::vector<std::byte> first = fuzzing::packed(input.bytes());
    std::vector<std::byte> twice = first;
    twice.insert(twice.end(), first.begin(), first.end());
    fuzzing::read_all({twice, {}});
  } else {
    fuzzing::read_all({input.bytes(), {}});
  }
  return 0;
}
