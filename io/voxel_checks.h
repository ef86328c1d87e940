#pragma once

#include <string>
#include <vector>

#include "core/volume.h"
#include "io/nifti/nifti_voxels.h"

namespace marrow {

// What every reader does with the voxels of an image once it has them. Voxels that are NaN or
// infinite: up to one in a hundred become the mean of their finite face neighbours (the smallest
// finite voxel where there is none), with a warning; more are refused with
// FileError{kUnreadable, "non-finite"}. Integers that lose digits and images of one value are
// warned of.
void check_image_voxels(Volume& volume,
                        const VoxelCounts& counts,
                        const std::string& name,
                        std::vector<std::string>& warnings);

}  // namespace marrow
