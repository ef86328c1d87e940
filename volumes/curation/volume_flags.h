#pragma once

#include <string>
#include <string_view>

#include "core/records.h"
#include "core/volume.h"

namespace marrow {

// Signs that a volume is no image of a patient. Each is one phrase with the figures that decided,
// or empty.
struct VolumeFlags {
  std::string blank, scout, phantom;
};

// From voxels and grid. They are hints for a list that somebody reads. Voxels that are not finite
// are left out.
//
// blank: the shortest interval that holds 99.9 % of the voxels is no wider than 1 % of the larger
// magnitude of its ends (or no voxel is finite). So a few odd voxels, however bright, hide no empty
// volume, and no small structure above 0.1 % of the voxels is overlooked. Limit: an image that
// varies by less than 1 % around a large offset counts as blank.
//
// scout: fewer than 4 voxels or an extent (size x spacing) below 5 mm along any axis, or a largest
// spacing above 40 times the smallest. Ordinary series of thick slices reach 30 times (10 mm over
// 0.35 mm).
//
// phantom: CT voxels as of one body of water or plastic in air. Of the voxels above -300 HU
// ("object"): they are at least 0.1 % of the volume, fill at least half of their bounding box, more
// than 90 % of them lie within +-40 HU of one value, and less than 1 % above 200 HU; and at least
// 5 % of the volume is below -500 HU. Limits: phantoms with more than a tenth of inserts, or so
// noisy (sd above about 24 HU) that fewer than 90 % lie within, are missed; a heavy table seen in
// full may hide one. Bones keep patients out, and the share of air crops from inside a body.
//
// Memory: up to 4 bytes a voxel. Throws Error{kInvalidArgument} for a volume without voxels, or
// with another number of them than its grid has.
[[nodiscard]] VolumeFlags volume_flags(const Volume& volume, Modality modality);

// The sign of a phantom in words of the header, of any modality: phantom, qc, qa, "quality
// control", "quality assurance" as whole words. Empty when there is none.
[[nodiscard]] std::string phantom_in_words(std::string_view header_words);

}  // namespace marrow
