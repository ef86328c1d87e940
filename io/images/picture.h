#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "core/volume.h"

namespace marrow {

enum class PictureKind { kNone, kPng, kJpeg };

// By content; `head`: the start of a file, of any length.
[[nodiscard]] PictureKind picture_kind(std::span<const std::byte> head);
[[nodiscard]] bool is_picture(const std::filesystem::path& file);

// What a picture's header says, after the checks of docs/formats/volumes.md.
struct PictureHeader {
  std::int64_t width = 0;
  std::int64_t height = 0;
  int channels = 1;      // 1 grey, 3 red, green, blue; transparency is no channel
  bool palette = false;  // colours by index
  int largest = 255;     // value of full brightness: 255, or 65535 for 16 bits
};

// A picture is a volume of one slice: i to the right, j down, 1 mm apart because no picture tells
// its spacing, with values from 0 to PictureHeader::largest. Transparent pictures are laid on
// black. `channel`: 0 for grey, 0 to 2 for red, green, blue; below 0: grey, of a coloured picture
// the luma 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601), which is the common value where all three
// are equal.
//
// For the parsing child only. `max_bytes` bounds what is allocated. Throws FileError for damaged,
// cut, too large and unsupported pictures, and {kInvalidArgument, "no-such-volume"} for a channel
// that the picture does not have.
[[nodiscard]] PictureHeader read_picture_header(const std::filesystem::path& file);
[[nodiscard]] Geometry picture_geometry(const PictureHeader& header);
[[nodiscard]] Volume read_picture(const std::filesystem::path& file,
                                  std::int64_t channel,
                                  std::uint64_t max_bytes);
// A grey PNG whose values are labels. Refuses colours, palettes, transparency and JPEG, whose
// values are not those that were stored.
[[nodiscard]] LabelMap read_picture_labels(const std::filesystem::path& file,
                                           std::uint64_t max_bytes);

// The luma of read_picture; values that are equal stay what they are.
[[nodiscard]] inline float grey_of_colour(float red, float green, float blue) {
  return red == green && red == blue ? red : 0.299F * red + 0.587F * green + 0.114F * blue;
}

}  // namespace marrow
