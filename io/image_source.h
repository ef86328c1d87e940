#pragma once

#include <cstdint>
#include <memory>

#include "core/volume_source.h"

namespace marrow {

struct SandboxLimits {
  std::uint64_t memory_bytes =
      std::uint64_t{4} << 30;  // address space of the child (512 MB plus the largest volume)
  std::int64_t seconds = 120;  // CPU time per request
};

// Reads NIfTI files and DICOM stacks in a limited child process (`marrow-worker`, beside the
// program). A death of the child is Error{kUnreadable} for that image, and the next request starts
// a new child. Not thread-safe: one per thread. Throws Error{kInternal} when the worker executable
// is missing.
[[nodiscard]] std::unique_ptr<VolumeSource> make_image_source(const SandboxLimits& limits = {});

}  // namespace marrow
