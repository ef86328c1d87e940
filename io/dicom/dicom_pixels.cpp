#include "io/dicom/dicom_pixels.h"

#include <cstddef>

#include "core/error.h"
#include "core/text.h"

namespace marrow {

std::vector<std::int64_t> read_stored_values(const DicomHeader& header) {
  PixelFile file(header);
  std::vector<std::int64_t> values;
  const auto pixels = static_cast<std::size_t>(header.rows * header.columns);
  for (std::int64_t frame = 0; frame < file.frames(); ++frame) {
    const std::span<const std::byte> bytes = file.frame(frame);
    const PixelLayout& layout = file.layout();
    const auto samples = static_cast<std::size_t>(layout.samples);
    const std::vector<std::int64_t> stored =
        stored_values(bytes.data(), header.rows * header.columns * layout.samples, layout);
    const std::size_t start = values.size();
    values.resize(start + stored.size());
    for (std::size_t n = 0; n < stored.size(); ++n) {
      values[start + (layout.planar ? n % pixels * samples + n / pixels : n)] = stored[n];
    }
  }
  return values;
}

SliceScale slice_scale(const DicomHeader& slice) {
  const double suv = slice.modality == "PT"
                         ? parse_decimal(named_text(slice.traits, "suv_factor")).value_or(1)
                         : 1;
  return {slice.slope * suv,
          slice.intercept * suv,
          slice.photometric == "MONOCHROME1" && slice.modality == "MR"};
}

bool read_slice_values(PixelFile& file,
                       const SlicePlace& place,
                       std::int64_t columns_of_file,
                       const SliceScale& scale,
                       float outside,
                       std::span<float> out) {
  const std::span<const std::byte> frame = file.frame(place.frame);
  const PixelLayout& layout = file.layout();
  if (!is_grey_layout(layout)) {
    throw Error(ErrorCode::kUnreadable, "bad-pixels: expected grey samples of 8 bits or more");
  }
  const std::int64_t bytes = layout.bits_allocated / 8;
  const SliceRows rows{
      frame.data() + (place.first_row * columns_of_file + place.first_column) * bytes,
      place.rows,
      place.columns,
      columns_of_file * bytes};
  const std::optional<ModalityLut>& lut = file.modality_lut();
  return convert_rows(
      rows, {layout, file.padding(), scale}, lut ? &*lut : nullptr, outside, false, out);
}

}  // namespace marrow
