// The DICOM reader: the walk over the elements, the header and the pixels of one slice.

#include <array>
#include <cstdint>
#include <vector>

#include "io/dicom/dicom_header.h"
#include "io/dicom/dicom_pixels.h"
#include "io/dicom/dicom_prescan.h"
#include "io/dicom/grouping.h"
#include "io/dicom/slice_checks.h"
#include "tests/fuzz/fuzz_input.h"

namespace marrow::fuzzing {
namespace {

void read_slice(std::span<const std::byte> bytes) {
  refusing([&] { static_cast<void>(prescan_dicom(bytes, "x.dcm")); });
  const MemoryFile file(bytes);
  refusing([&] {
    const DicomHeader header = read_dicom_header(file.path());
    const std::array headers{header};
    static_cast<void>(group_dicom({header}));
    static_cast<void>(excluded_slice(header));
    if (!unusable_slice(header) && !header.traits.contains("float_pixels")) {
      refusing([&] { static_cast<void>(dicom_stack_geometry(headers)); });
      const std::vector<std::int64_t> values = read_stored_values(header);
      MARROW_CHECK(values.size() == static_cast<std::size_t>(header.rows * header.columns));
    }
  });
}

}  // namespace
}  // namespace marrow::fuzzing

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  marrow::fuzzing::read_slice(std::as_bytes(std::span(data, size)));
  return 0;
}
