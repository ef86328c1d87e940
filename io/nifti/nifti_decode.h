#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/volume.h"
#include "io/nifti/nifti.h"

namespace marrow {

// Wide enough for any product of header sizes.
__extension__ using WideInt = __int128;

// The bytes of a NIfTI image in memory, each part plain or gzip.
struct NiftiBytes {
  std::span<const std::byte> file;    // the .nii, or the .hdr of a pair
  std::span<const std::byte> voxels;  // the .img of a pair
};

struct NiftiImage {
  NiftiHeader header;  // with the warnings of the header
  Volume volume;
  std::vector<std::string> warnings;  // what reading the voxels brought up
};

// The header, checked against the real number of bytes as far as that is known without inflating
// all of them.
[[nodiscard]] NiftiHeader decode_nifti_header(const NiftiBytes& bytes, const std::string& name);

// All three read the data to their end, so that a cut or damaged file is never taken for a whole
// one. Voxels that are NaN or infinite: up to one in a hundred become the mean of their finite face
// neighbours (the smallest finite voxel where there is none), with a warning; more are refused.
// Throws Error{kUnreadable | kUnsupported}, Error{kResources} above `max_bytes`,
// Error{kInvalidArgument} for a volume index that the file does not have, Error{kRefused} for
// labels that are not integers in [0, 65535].
[[nodiscard]] NiftiImage decode_nifti(const NiftiBytes& bytes,
                                      const std::string& name,
                                      std::int64_t volume_index,
                                      std::uint64_t max_bytes);

struct NiftiLabels {
  LabelMap labels;
  std::vector<std::string> warnings;
};

[[nodiscard]] NiftiLabels decode_nifti_labels(const NiftiBytes& bytes,
                                              const std::string& name,
                                              std::uint64_t max_bytes);

// Walks the extensions between header and voxels as far as `bytes` reach. Throws Error{kUnreadable}
// for a broken chain.
void check_nifti_extensions(std::span<const std::byte> bytes,
                            const NiftiHeader& header,
                            const std::string& name,
                            std::vector<std::string>& warnings);

}  // namespace marrow
