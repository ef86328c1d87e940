#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "core/volume.h"
#include "io/dicom/dicom_header.h"
#include "io/dicom/slice_values.h"
#include "io/dicom/stack_check.h"

namespace marrow {

// Where the pixels of one slice lie in its file, and how they become values.
struct PlainSlice {
  std::size_t file = 0;        // of the list of files
  std::int64_t offset = 0;     // of the first pixel, in bytes
  std::int64_t row_bytes = 0;  // from one row to the next: more than a row's own in a mosaic
  SliceCoding coding;

  friend bool operator==(const PlainSlice&, const PlainSlice&) = default;
};

// A stack whose pixels lie in its files as they are. All that is left to do is to read bytes and to
// scale numbers, which takes no parser: the limited child reads the headers and says where, and the
// program fills its volume straight from the files instead of having it sent over.
struct PlainStack {
  Geometry geometry;  // one slice a step along k, one pixel a step along i and j
  bool is_ct = false;
  std::vector<PlainSlice> slices;  // in the order of k
};

// Nothing where a slice is encoded in any way, needs a look-up table, is of big-endian bytes, or
// where the stack is sheared. `files`: the headers as read; `slices`: those of the stack, which
// `check` found usable.
[[nodiscard]] std::optional<PlainStack> plain_stack(std::span<const DicomHeader> files,
                                                    std::span<const DicomHeader> slices,
                                                    const StackCheck& check);

// Throws Error{kInternal} where the numbers of `stack` do not fit each other or `files`, FileError
// ("missing", "cut-short", ...) when a file does not hold its pixels any more.
[[nodiscard]] Volume read_plain_stack(const PlainStack& stack,
                                      std::span<const std::filesystem::path> files);

// read_dicom_stack (dicom_header.h) in two halves, of which the first is for the limited child:
// from the headers of its files, a volume only where the stack is not plain.
[[nodiscard]] std::variant<PlainStack, Volume> open_dicom_stack(
    std::span<const DicomHeader> headers, std::optional<std::int64_t> volume);

}  // namespace marrow
