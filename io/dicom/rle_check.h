#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace marrow {

// What is wrong with the first bad one of frames of RLE Lossless (PS3.5, annex G) that must hold
// `segments` segments of `pixels` bytes each; nothing when all hold them. DCMTK 3.6.7 reads past
// the end of some damaged frames, and takes others that end early for whole ones.
[[nodiscard]] std::optional<std::string> rle_frames_problem(
    std::span<const std::span<const std::byte>> frames, std::int64_t segments, std::int64_t pixels);

// The items of encapsulated pixel data behind the offset table; `first_item` is where that table
// lies in `file`, whose structure prescan_dicom has walked, and `items` counts it.
[[nodiscard]] std::vector<std::span<const std::byte>> pixel_fragments(
    std::span<const std::byte> file, std::int64_t first_item, std::int64_t items);

}  // namespace marrow
