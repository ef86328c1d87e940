// The DICOM reader: the walk over the elements, both readers of the header, the pixels of one
// slice, and the volume of a file that holds a whole one.

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "io/byte_fields.h"
#include "io/dicom/dicom_header.h"
#include "io/dicom/dicom_picture.h"
#include "io/dicom/dicom_pixels.h"
#include "io/dicom/dicom_prescan.h"
#include "io/dicom/fast_header.h"
#include "io/dicom/grouping.h"
#include "io/dicom/slice_checks.h"
#include "io/header_fields.h"
#include "tests/fuzz/fuzz_input.h"

namespace marrow::fuzzing {
namespace {

std::string header_bytes(const DicomHeader& header) {
  std::string bytes;
  ByteWriter writer(bytes);
  visit_dicom_fields(header, writer);
  return bytes;
}

// Where the reader of ordinary files answers, DCMTK's answer is the same; a refusal is none.
void compare_readers(const std::filesystem::path& file) {
  const std::optional<DicomHeader> ordinary = read_ordinary_header(file);
  if (!ordinary) {
    return;
  }
  std::string by_dcmtk;
  refusing([&] { by_dcmtk = header_bytes(read_dicom_header_with_dcmtk(file)); });
  if (by_dcmtk != header_bytes(*ordinary)) {
    __builtin_trap();
  }
}

void read_slice(std::span<const std::byte> bytes) {
  refusing([&] { static_cast<void>(prescan_dicom(bytes, "x.dcm")); });
  const MemoryFile file(bytes);
  compare_readers(file.path());
  refusing([&] {
    const DicomHeader header = read_dicom_header(file.path());
    const std::array headers{header};
    static_cast<void>(group_dicom({header}));
    static_cast<void>(excluded_slice(header));
    if (is_dicom_picture(header)) {
      refusing([&] {
        const Volume picture = read_dicom_picture(header, -1, std::uint64_t{1} << 28);
        MARROW_CHECK(picture.geometry.voxels() == header.rows * header.columns);
      });
    }
    if (!unusable_slice(header) && !header.traits.contains("float_pixels")) {
      refusing([&] { static_cast<void>(dicom_stack_geometry(headers)); });
      const std::vector<std::int64_t> values = read_stored_values(header);
      MARROW_CHECK(values.size() == static_cast<std::size_t>(header.rows * header.columns));
    }
  });
  refusing([&] {
    const std::array files{file.path()};
    const Volume volume = read_dicom_stack(files);
    MARROW_CHECK(volume.voxels.size() == static_cast<std::size_t>(volume.geometry.voxels()));
  });
}

}  // namespace
}  // namespace marrow::fuzzing

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  marrow::fuzzing::read_slice(std::as_bytes(std::span(data, size)));
  return 0;
}
