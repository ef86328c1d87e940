#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/geometry.h"

namespace marrow {

// What the header of a volume file that is neither DICOM nor NIfTI says, after every check of
// docs/formats/volumes.md. No voxel has been read.
struct VolumeFileHeader {
  std::string format;        // "nrrd" | "metaimage"
  Geometry geometry;         // LPS, mm
  std::int64_t volumes = 1;  // files with several are refused
  int datatype = 0;          // as NIfTI numbers the types
  bool big_endian = false;
  std::string encoding = "raw";   // "raw" | "gzip" | "zlib"
  std::string data_file;          // beside the header; empty: behind it in the same file
  std::int64_t data_offset = 0;   // in the file that holds the voxels; -1: they are its last bytes
  std::int64_t packed_bytes = 0;  // of zlib data; else 0
  bool segmentation = false;      // says of itself that it is an annotation
  std::vector<std::string> warnings;
};

enum class VolumeFileKind { kNone, kNrrd, kMetaImage };

// By content; `head`: the start of a file, of any length.
[[nodiscard]] VolumeFileKind volume_file_kind(std::span<const std::byte> head);

// Bytes of a header are looked at up to here; a longer header is refused.
inline constexpr std::size_t kLargestVolumeHeader = std::size_t{1} << 20;

// `bytes`: the whole file or its first kLargestVolumeHeader bytes; `name` names it in sentences.
// Throws FileError{kUnreadable | kUnsupported}.
[[nodiscard]] VolumeFileHeader parse_nrrd_header(std::span<const std::byte> bytes,
                                                 const std::string& name);
[[nodiscard]] VolumeFileHeader parse_metaimage_header(std::span<const std::byte> bytes,
                                                      const std::string& name);

// Bytes of one voxel as stored, and of all of them; geometry and datatype have been checked.
[[nodiscard]] std::int64_t stored_voxel_bytes(const VolumeFileHeader& header);
[[nodiscard]] std::uint64_t stored_volume_bytes(const VolumeFileHeader& header);

}  // namespace marrow
