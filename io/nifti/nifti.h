#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "core/volume.h"

namespace marrow {

// What a NIfTI header says, after every check of docs/formats/nifti.md. No voxel has been read.
struct NiftiHeader {
  Geometry geometry;         // LPS; from sform, qform or pixdim by the stated policy
  std::int64_t volumes = 1;  // dim[4] (dim[5..7] must be 1)
  int datatype = 0;          // NIfTI code
  double slope = 1;          // 1 and 0 when the header asks for no scaling
  double intercept = 0;
  bool scaled = false;
  bool big_endian = false;
  int version = 1;  // 1 or 2
  std::int64_t data_offset = 0;
  std::string transform;  // "sform" | "qform" | "pixdim"
  std::vector<std::string> warnings;
};

// `bytes`: the start of the (inflated) file, at least 540 bytes for NIfTI-2, 348 for NIfTI-1.
// Throws Error{kUnreadable | kUnsupported}; `name` names the file in the sentence.
[[nodiscard]] NiftiHeader parse_nifti_header(std::span<const std::byte> bytes,
                                             const std::string& name);

[[nodiscard]] bool is_nifti(std::span<const std::byte> head);

// Reads files whole, in this process: callers outside the parsing child use ImageSource instead.
// `max_bytes` bounds the inflated size and the volume.
[[nodiscard]] NiftiHeader read_nifti_header(const std::filesystem::path& file);
[[nodiscard]] Volume read_nifti(const std::filesystem::path& file,
                                std::int64_t volume_index = 0,
                                std::uint64_t max_bytes = std::uint64_t{8} << 30);
[[nodiscard]] LabelMap read_nifti_labels(const std::filesystem::path& file,
                                         std::uint64_t max_bytes = std::uint64_t{8} << 30);

// .nii or .nii.gz by the name; NIfTI-1, sform and qform both set (code 1), atomically.
// Labels as uint8 when they fit, else uint16.
void write_nifti(const std::filesystem::path& file, const Volume& volume);
void write_nifti(const std::filesystem::path& file, const LabelMap& labels);
// CT and other integer data: int16, voxels must be integers in range.
void write_nifti_int16(const std::filesystem::path& file, const Volume& volume);

}  // namespace marrow
