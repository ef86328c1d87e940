// DICOM segmentations and structure sets, described and painted onto a small grid.

#include <filesystem>

#include "io/dicom/label_object.h"
#include "io/dicom/segmentation_object.h"
#include "io/dicom/structure_set.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/support/dicom_series.h"

namespace marrow::fuzzing {
namespace {

template <class Work>
void refusing(Work work) {
  try {
    work();
  } catch (const Error&) {
    return;
  }
}

void paint(const std::filesystem::path& file) {
  const LabelRequest request{testing::oblique_grid(), "1.2.9", {}};
  refusing([&] { static_cast<void>(read_label_object(file)); });
  refusing([&] {
    const PaintedLabels painted = segmentation_labels(SegmentationObject(file), request);
    MARROW_CHECK(painted.labels.geometry.size == request.grid.size);
  });
  refusing([&] {
    const PaintedLabels painted = structure_labels(read_structure_set(file), request);
    MARROW_CHECK(painted.labels.geometry.size == request.grid.size);
  });
}

}  // namespace
}  // namespace marrow::fuzzing

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const marrow::fuzzing::FuzzInput input(data, size);
  const marrow::fuzzing::MemoryFile file(input.bytes());
  marrow::fuzzing::paint(file.path());
  return 0;
}
