#pragma once

#include <string>
#include <vector>

#include "core/geometry.h"
#include "io/nifti/nifti_fields.h"

namespace marrow {

struct NiftiPlacement {
  Geometry geometry;      // LPS, mm
  std::string transform;  // "sform" | "qform" | "pixdim"
};

// Chooses between sform, qform and pixdim by the policy of docs/formats/nifti.md and turns the
// header's RAS transform into an LPS grid. Doubts are appended to `warnings`. Throws
// Error{kUnreadable} for transforms that are not finite or absurd, Error{kUnsupported} for sheared
// ones.
[[nodiscard]] NiftiPlacement place_nifti_grid(const NiftiFields& fields,
                                              const Size3& size,
                                              const std::string& name,
                                              std::vector<std::string>& warnings);

}  // namespace marrow
