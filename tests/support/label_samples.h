#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "tests/support/label_grid.h"
#include "tests/support/label_objects.h"

// Small valid label objects of two labels.
namespace marrow::testing {

inline const std::map<int, std::string> kSampleOrgans{{1, "liver"}, {2, "spleen"}};

// Both labels on each of the first three slices, which are all that label_grid() has.
inline LabelMap sample_labels(const Geometry& grid = label_grid()) {
  LabelMap labels = make_grid<std::uint16_t>(grid);
  const auto filled = static_cast<std::size_t>(grid.size[0] * grid.size[1] * 3);
  for (std::size_t n = 0; n < filled; ++n) {
    labels.voxels[n] = static_cast<std::uint16_t>((n * 7 + n / 5) % 3);
  }
  return labels;
}

// "BINARY", "FRACTIONAL" or "LABELMAP".
inline MadeSegmentation sample_segmentation(const std::string& type,
                                            const Geometry& grid = label_grid()) {
  const LabelMap labels = sample_labels(grid);
  if (type == "BINARY") {
    return segmentation_of(labels, kSampleOrgans);
  }
  MadeSegmentation made;
  made.type = type;
  made.rows = static_cast<int>(grid.size[1]);
  made.columns = static_cast<int>(grid.size[0]);
  made.bits = 8;
  made.segments = kSampleOrgans;
  for (std::int64_t k = 0; k < 3; ++k) {
    if (type == "FRACTIONAL") {
      made.frames.push_back(frame_of(labels, k, 1, 200));
      made.frames.push_back(frame_of(labels, k, 2, 250));
      continue;
    }
    MadeFrame frame = frame_of(labels, k, 1);
    const MadeFrame other = frame_of(labels, k, 2, 2);
    for (std::size_t n = 0; n < frame.pixels.size(); ++n) {
      frame.pixels[n] = static_cast<std::uint16_t>(frame.pixels[n] | other.pixels[n]);
    }
    made.frames.push_back(frame);
  }
  return made;
}

// Two boxes through the first three slices.
inline MadeStructureSet sample_structures(const Geometry& grid = label_grid()) {
  MadeStructureSet made;
  for (int number = 1; number <= 2; ++number) {
    MadeRegion region{number, kSampleOrgans.at(number), {}};
    for (int k = 0; k < 3; ++k) {
      const double left = number == 1 ? -0.25 : 2.75;
      MadeContour contour;
      for (const auto& [i, j] :
           {std::pair(left, 0.25), {left + 1.5, 0.25}, {left + 1.5, 2.75}, {left, 2.75}}) {
        contour.points.push_back(grid.to_physical({i, j, static_cast<double>(k)}));
      }
      region.contours.push_back(contour);
    }
    made.regions.push_back(region);
  }
  return made;
}

}  // namespace marrow::testing
