#pragma once

#include <string>

#include "core/volume.h"

namespace marrow {

// The three middle planes of a volume (axial, coronal, sagittal, seen as radiologists do) side by
// side in letters, for a terminal: `rows` lines of at most 100 columns. The grey scale runs from
// the 1st to the 99th percentile.
[[nodiscard]] std::string thumbnail_text(const Volume& volume, int rows = 18);

}  // namespace marrow
