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

// Both labels on every slice.
inline LabelMap sample_labels() {
  LabelMap labels = make_grid<std::uint16_t>(label_grid());
  for (std::size_t n = 0; n < labels.voxels.size(); ++n) {
    labels.voxels[n] = static_cast<std::uint16_t>((n * 7 + n / 5) % 3);
  }
  return labels;
}

// "BINARY", "FRACTIONAL" or "LABELMAP".
inline MadeSegmentation sample_segmentation(const std::string& type) {
  if (type == "BINARY") {
    return segmentation_of(sample_labels(), kSampleOrgans);
  }
  MadeSegmentation made;
  made.type = type;
  made.rows = 4;
  made.columns = 5;
  made.bits = 8;
  made.segments = kSampleOrgans;
  const LabelMap labels = sample_labels();
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

// Two boxes through all slices.
inline MadeStructureSet sample_structures() {
  MadeStructureSet made;
  const Geometry grid = label_grid();
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
