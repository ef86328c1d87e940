#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "io/dicom/dicom_header.h"
#include "io/dicom/slice_values.h"

namespace marrow {

[[nodiscard]] PaddingRule stated_padding(const DicomHeader& header);

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
  // Photometric Interpretation: decoders turn some colours into others.
  [[nodiscard]] const std::string& photometric() const;

  // rows x columns x samples of frame `frame` (from 0), valid until the next call. One-bit samples
  // are packed, lowest bit first, and run on over the borders of frames: only frame 0 of a file of
  // one frame can be had then.
  [[nodiscard]] std::span<const std::byte> frame(std::int64_t frame);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace marrow
