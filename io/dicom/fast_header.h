#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "io/dicom/dicom_header.h"
#include "io/dicom/head_bytes.h"

namespace marrow {

// Reads the headers of ordinary files from their first bytes, with a walk of our own: one slice a
// file, little endian, no odd text, nothing that takes a second look. What it gives is what the
// reader of all files gives (read_dicom_header_with_dcmtk), field for field; where it could differ,
// or where the file is damaged in any way, it gives nothing and the other reader has the word.
//
// Files of these kinds are never ordinary: without a preamble or a meta header with its length, big
// endian or deflated; multi-frame objects and mosaics; PET (its SUV takes the injection); text with
// control characters, or beyond ASCII in a character set whose bytes are not those of the text;
// attributes of another value representation than the standard's, or that are not understood.
//
// Not thread-safe: one for each thread.
class FastHeaderReader {
 public:
  // `descriptor` is a regular file of `size` bytes, open for reading; it stays the caller's.
  // DicomHeader::file is left empty.
  [[nodiscard]] std::optional<DicomHeader> read(int descriptor, std::int64_t size);

  // The same in two steps: whether the file begins as DICOM files do, then what it says.
  [[nodiscard]] bool begins_as_dicom(int descriptor, std::int64_t size);
  [[nodiscard]] std::optional<DicomHeader> read_begun();

 private:
  HeadBytes head_;
};

// For one file. Nothing as well when it cannot be opened.
[[nodiscard]] std::optional<DicomHeader> read_ordinary_header(const std::filesystem::path& file);

}  // namespace marrow
