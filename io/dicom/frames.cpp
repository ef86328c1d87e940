#include "io/dicom/frames.h"

#include <utility>

#include <fmt/format.h>

#include "core/error.h"
#include "core/text.h"

namespace marrow {

namespace {

std::int64_t frame_number(const DicomHeader& header, const char* name) {
  return static_cast<std::int64_t>(parse_decimal(named_text(header.traits, name)).value_or(0));
}

// One slice of `pixels` pixels out of a file whose pixel data hold `slices` of them: its bytes, as
// the checks of a file of one slice expect them. Where the sizes disagree, what the file has, so
// that those checks find it.
std::int64_t slice_bytes(const DicomHeader& file, std::int64_t pixels, std::int64_t slices) {
  const std::int64_t one = pixels * file.samples_per_pixel * (file.bits_allocated / 8);
  const std::int64_t all =
      slices * file.rows * file.columns * file.samples_per_pixel * (file.bits_allocated / 8);
  return file.pixel_bytes == all + all % 2 ? one + one % 2 : file.pixel_bytes;
}

void place_frame(const DicomHeader& file, std::int64_t number, DicomHeader& slice) {
  const DicomFrame& frame = file.frame_table[static_cast<std::size_t>(number)];
  slice.frame = number;
  slice.frames = 1;
  slice.position = frame.position;
  slice.orientation = frame.orientation;
  slice.pixel_spacing = frame.pixel_spacing;
  slice.slope = frame.slope;
  slice.intercept = frame.intercept;
}

void describe_frame(const DicomFrame& frame, DicomHeader& slice) {
  if (const std::string& type = named_text(frame.labels, "image type"); !type.empty()) {
    slice.image_type = split_words(type, '\\');
  }
  if (const std::string& part = named_text(frame.labels, "component"); !part.empty()) {
    slice.traits["component"] = part;
  }
  if (const std::string& time = named_text(frame.labels, "echo time"); !time.empty()) {
    slice.facts["te_ms"] = time;
  }
  if (const std::string& b = named_text(frame.labels, "b-value"); !b.empty()) {
    slice.b_value = b;
  }
  for (const auto& [name, value] : frame.labels) {
    slice.traits["frame " + name] = value;
  }
}

}  // namespace

std::vector<DicomHeader> slices_of_file(const DicomHeader& header) {
  if (header.frame_table.empty()) {
    return {header};
  }
  DicomHeader bare = header;
  bare.frame_table.clear();
  const auto count = static_cast<std::int64_t>(header.frame_table.size());
  const std::int64_t tile_rows = frame_number(header, "tile_rows");
  const std::int64_t tile_columns = frame_number(header, "tile_columns");
  const bool tiled = tile_rows > 0 && tile_columns > 0;
  std::vector<DicomHeader> slices;
  slices.reserve(header.frame_table.size());
  for (std::int64_t number = 0; number < count; ++number) {
    DicomHeader& slice = slices.emplace_back(bare);
    place_frame(header, number, slice);
    describe_frame(header.frame_table[static_cast<std::size_t>(number)], slice);
    if (tiled) {
      slice.rows = tile_rows;
      slice.columns = tile_columns;
    }
    if (header.pixel_bytes >= 0) {
      slice.pixel_bytes = slice_bytes(header, slice.rows * slice.columns, tiled ? 1 : count);
    }
    if (header.pixel_bytes >= 0 && !tiled) {
      slice.pixel_offset += number * header.rows * header.columns * header.samples_per_pixel *
                            (header.bits_allocated / 8);
    }
  }
  return slices;
}

SlicePlace slice_place(const DicomHeader& file, std::int64_t slice) {
  const std::int64_t tile_rows = frame_number(file, "tile_rows");
  const std::int64_t tile_columns = frame_number(file, "tile_columns");
  const std::int64_t count =
      file.frame_table.empty() ? 1 : static_cast<std::int64_t>(file.frame_table.size());
  if (slice >= count || (slice < 0) != file.frame_table.empty()) {
    throw Error(ErrorCode::kUnreadable,
                fmt::format("bad-pixels: {}: slice {} of {} was asked for; the file changed, scan "
                            "the archive again",
                            printable(file.file.string(), 300),
                            slice + 1,
                            count));
  }
  if (slice < 0) {
    return {0, 0, 0, file.rows, file.columns};
  }
  if (tile_rows <= 0 || tile_columns <= 0) {
    return {slice, 0, 0, file.rows, file.columns};
  }
  const std::int64_t across = file.columns / tile_columns;
  return {0, slice / across * tile_rows, slice % across * tile_columns, tile_rows, tile_columns};
}

}  // namespace marrow
