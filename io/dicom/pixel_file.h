#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "io/dicom/dicom_header.h"

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
};

// Stored values that stand for "outside the picture".
struct PaddingRule {
  std::optional<std::int64_t> value;  // as written, not masked
  std::optional<std::int64_t> limit;  // the other end of a range
};

// A Modality LUT: stored values -> real ones.
struct ModalityLut {
  std::int64_t first = 0;       // the stored value that the first entry belongs to
  std::vector<double> entries;  // smaller and larger stored values take the first and the last
};

// The pixels of one file, frame by frame, as its codec gives them and before any rescale. In the
// limited child only.
class PixelFile {
 public:
  // `header`: what read_dicom_header made of this file. Throws Error{kUnreadable} ("bad-pixels: ")
  // when the pixels are not all there or their codec fails, Error{kUnsupported}
  // ("unsupported-syntax: ").
  explicit PixelFile(const DicomHeader& header);
  ~PixelFile();
  PixelFile(PixelFile&&) noexcept;
  PixelFile& operator=(PixelFile&&) noexcept;

  // What the codec says replaces what the header says.
  [[nodiscard]] const PixelLayout& layout() const;
  [[nodiscard]] const PaddingRule& padding() const;
  [[nodiscard]] const std::optional<ModalityLut>& modality_lut() const;
  [[nodiscard]] std::int64_t frames() const;

  // rows x columns x samples of frame `frame` (from 0), valid until the next call. One-bit samples
  // are packed, lowest bit first, and run on over the borders of frames: only frame 0 of a file of
  // one frame can be had then.
  [[nodiscard]] std::span<const std::byte> frame(std::int64_t frame);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace marrow
