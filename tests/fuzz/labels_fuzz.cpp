// Label objects: the description of a segmentation or structure set, and its labels painted on a
// small grid.

#include <cstdint>
#include <span>

#include "io/dicom/label_object.h"
#include "io/dicom/segmentation_object.h"
#include "io/dicom/structure_set.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/support/label_grid.h"

namespace marrow::fuzzing {
namespace {

void read_labels(std::span<const std::byte> bytes) {
  const MemoryFile file(bytes);
  refusing([&] { static_cast<void>(read_label_object(file.path())); });
  const LabelRequest request{testing::label_grid(), "1.2.9", {}};
  const auto check = [&](const PaintedLabels& painted) {
    MARROW_CHECK(painted.labels.geometry.size == request.grid.size);
    MARROW_CHECK(painted.labels.voxels.size() == static_cast<std::size_t>(request.grid.voxels()));
  };
  refusing([&] { check(segmentation_labels(SegmentationObject(file.path()), request)); });
  refusing([&] { check(structure_labels(read_structure_set(file.path()), request)); });
}

}  // namespace
}  // namespace marrow::fuzzing

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  marrow::fuzzing::read_labels(std::as_bytes(std::span(data, size)));
  return 0;
}
