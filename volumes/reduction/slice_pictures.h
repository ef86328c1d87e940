#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/records.h"
#include "core/volume.h"
#include "volumes/preprocess/orientation.h"
#include "volumes/reduction/slice_similarity.h"

namespace marrow {

// How voxels become grey values of 0 to 255.
enum class PictureScale {
  // CT: a fixed window in HU, so that grey values mean the same in every slice. Other modalities
  // have no unit: from the 0.5th to the 99.5th percentile of the volume's finite voxels.
  kWindow,
  // From the smallest to the largest value of each slice by itself, as the published pictures were
  // made; -2000 (outside the field of view of some scanners) counts as 0 before.
  kSliceMinMax,
};

struct PictureOptions {
  PictureScale scale = PictureScale::kWindow;
  double low_hu = -1000, high_hu = 1000;
};

// The slices of a volume as 8-bit pictures, in anatomical order: seen from the front, the side or
// the foot end as radiologists do, walking towards the left, the back or the head.
struct SlicePictures {
  std::int64_t columns = 0, rows = 0, count = 0;
  double column_mm = 1, row_mm = 1;
  std::vector<std::uint8_t> pixels;  // count x rows x columns
  std::int64_t axis = 2;             // of the source grid
  std::vector<std::int64_t> source;  // index along it, of each picture
  int plane = 2;                     // 0 sagittal, 1 coronal, 2 axial, as near as it is
  std::vector<bool> constant;        // all voxels of the slice are equal, or none is finite

  [[nodiscard]] GreyPicture picture(std::int64_t n) const;
};

// The axis that slices follow each other along: the one that is a single voxel long if only one is,
// the one whose spacing differs by more than 1 % from that of both others, which are equal within
// 0.1 %; the one whose spacing is the largest and more than 1.2 times that of k; else k. Up to
// there it does not depend on the order of axes, so that a scan that another program turned is cut
// along the same one; of three equal or three nearly equal spacings it does.
[[nodiscard]] std::int64_t slice_axis(const Geometry& geometry);

// Voxels that are not finite become the low end of the scale.
[[nodiscard]] SlicePictures slice_pictures(const Volume& volume,
                                           Modality modality,
                                           const PictureOptions& options);
// The same of a volume that lies in canonical orientation already; `source` is the grid it had
// before.
[[nodiscard]] SlicePictures slice_pictures(const Volume& canonical,
                                           const Geometry& source,
                                           Modality modality,
                                           const PictureOptions& options);

}  // namespace marrow
