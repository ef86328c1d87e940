#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace marrow {

// Limits of what a DICOM header may claim; a file beyond one of them is refused before DCMTK sees
// it.
inline constexpr int kMaxDicomNesting = 64;
inline constexpr std::int64_t kMaxDicomElements = 200'000;
inline constexpr std::int64_t kMaxDicomValueBytes = std::int64_t{16}
                                                    << 20;  // of one value other than pixels

// What a walk over the tags and lengths of a file tells, without interpreting any value.
struct DicomLayout {
  std::string transfer_syntax_uid;  // "" when the file has none
  std::string media_sop_class_uid;  // of the meta header; "" when absent
  std::int64_t dataset_offset = 0;  // of the first element behind the meta header
  bool big_endian = false;
  bool deflated = false;        // then nothing behind the meta header has been looked at
  bool has_pixel_data = false;  // Pixel Data, Float or Double Float Pixel Data at the top level
  bool float_pixels = false;
  bool encapsulated = false;
  bool words = false;  // Pixel Data is OW: 8-bit samples of a big-endian file come as swapped pairs
  std::int64_t pixel_offset = -1;  // of the pixel bytes, or of the first item when encapsulated
  std::int64_t pixel_bytes = -1;   // -1 when encapsulated
  std::int64_t fragments = 0;      // items of an encapsulated picture, the offset table included
  std::int64_t smallest_fragment = 0;  // bytes, the offset table left out
};

// Walks the element structure up to the end of the pixel data. Throws Error{kUnreadable}
// ("cut-short: ...", "damaged: ...") and Error{kUnsupported} ("too-deep: ...", "too-many-elements:
// ...", "oversized-element: ..."); `name` names the file in the sentence.
[[nodiscard]] DicomLayout prescan_dicom(std::span<const std::byte> file,
                                        const std::string& name,
                                        std::int64_t max_elements = kMaxDicomElements);

}  // namespace marrow
