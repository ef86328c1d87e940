#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace marrow {

// How samples lie in the bytes of a frame.
struct PixelLayout {
  int bits_allocated = 0;  // 1, 8, 16, 32, or 32 and 64 for floating point
  int bits_stored = 0;
  int high_bit = 0;
  int samples = 1;  // per pixel
  bool is_signed = false;
  bool floating = false;
  bool big_endian = false;
  bool planar = false;  // all red samples of a frame, then all green ones, then all blue ones

  friend bool operator==(const PixelLayout&, const PixelLayout&) = default;
};

// Stored values that stand for "outside the picture".
struct PaddingRule {
  std::optional<std::int64_t> value;  // as written, not masked
  std::optional<std::int64_t> limit;  // the other end of a range

  friend bool operator==(const PaddingRule&, const PaddingRule&) = default;
};

// A Modality LUT: stored values -> real ones, in the place of slope and intercept.
struct ModalityLut {
  std::int64_t first = 0;       // the stored value that the first entry belongs to
  std::vector<double> entries;  // smaller and larger stored values take the first and the last
};

// What turns the stored values of one slice into those of a volume.
struct SliceScale {
  double slope = 1;
  double intercept = 0;
  bool inverted = false;  // MONOCHROME1: the largest stored value becomes the smallest

  friend bool operator==(const SliceScale&, const SliceScale&) = default;
};

// How the bytes of a grey slice become the values of a volume; all of it numbers, so that it can be
// handed to another process than the one that read the header.
struct SliceCoding {
  PixelLayout layout;
  PaddingRule padding;
  SliceScale scale;

  friend bool operator==(const SliceCoding&, const SliceCoding&) = default;
};

// Rows of a grey slice, or of a tile of a larger picture.
struct SliceRows {
  const std::byte* first = nullptr;  // of the first row
  std::int64_t rows = 0, columns = 0;
  std::int64_t bytes_a_row = 0;  // from one row to the next
};

// What the pixels outside the picture of a volume become: -1024 in CT; elsewhere 0, or the smallest
// real value where some real value is negative. That is known at the end only, so that until then
// they are NaN, which no pixel inside is.
class OutsidePixels {
 public:
  // `keep_apart`: they must be told from the others until the end, even in CT.
  explicit OutsidePixels(bool is_ct, bool keep_apart = false);

  float marker;        // of convert_rows
  bool found = false;  // by it, in any slice

  // Once every slice is there. Pixels that are NaN for another reason (unshear_slice) are outside
  // as well, if `found` says so.
  void settle(std::span<float> voxels) const;

 private:
  bool is_ct_;
};

// Whether the layout is one that convert_rows takes: one sample a pixel, integers of 8, 16 or 32
// bits whose stored bits lie within them, or floating point of 32 or 64.
[[nodiscard]] bool is_grey_layout(const PixelLayout& layout);

// The values of the rows -> `out` (rows x columns of them): stored bits masked and sign-extended,
// then the look-up table where there is one, else slope and intercept, in double precision. Pixels
// outside the picture, which hold the padding value or are no finite number, become `outside`.
// `past_caches`: for the slices of a large volume (stream_copy). Returns whether any pixel is
// outside. The layout must be a grey one.
[[nodiscard]] bool convert_rows(const SliceRows& rows,
                                const SliceCoding& coding,
                                const ModalityLut* lut,
                                float outside,
                                bool past_caches,
                                std::span<float> out);

// The stored values before any scaling, as convert_rows takes them from the bytes, one for each of
// `count` samples that lie one behind the other. Integer layouts only.
[[nodiscard]] std::vector<std::int64_t> stored_values(const std::byte* first,
                                                      std::int64_t count,
                                                      const PixelLayout& layout);

}  // namespace marrow
