#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <Eigen/Core>

#include "io/dicom/label_painter.h"
#include "io/dicom/label_references.h"

namespace marrow {

// One closed planar contour of a region; the last point is joined to the first.
using Contour = std::vector<Eigen::Vector3d>;  // LPS mm

struct RegionOfInterest {
  std::int64_t number = 0;
  std::string name;  // "region 3" where the file gives none
  std::string type;  // RT ROI Interpreted Type: "ORGAN", "GTV", ...; may be empty
  std::string frame_of_reference_uid;
  std::vector<Contour> contours;                 // the closed planar ones
  std::map<std::string, std::int64_t> left_out;  // contours of other types ("POINT"), counted
};

// An RT Structure Set, read as a plain data set.
struct StructureSet {
  std::filesystem::path file;
  std::string study_uid, series_uid, instance_uid;
  std::vector<RegionOfInterest> regions;  // by number
  LabelReferences references;
};

// Runs inside the parsing child (io/worker). Contours of the types CLOSED_PLANAR and
// CLOSEDPLANAR_XOR are read, the open ones of the standard are counted. Throws FileError (or Error
// with the reason code as the first word): kUnreadable for damaged or contradicting files
// (cut-short, damaged, bad-attribute, bad-contour), kUnsupported for other objects
// (not-a-structure-set) and for more than 50 million points (too-large).
[[nodiscard]] StructureSet read_structure_set(const std::filesystem::path& file);

// Paints the regions that `painter` wants.
//
// A voxel is inside when its centre is, by the even-odd rule over all contours of the region in its
// slice: a contour inside another one is a hole, and a hole that is joined to its outline by a
// channel of no width (a keyhole) works as well. Centres on a border belong to the region whose
// inside is at higher i, or at higher j along a border that runs along i, so that regions that
// share a border share no voxel and leave none out. One exception: where all contours of a region
// have all their corners on centres (1e-3 of a voxel), as tools write that trace them from labels
// (rt-utils, all that use OpenCV), the centres on the borders belong to it, which gives those
// labels back; that is a warning.
//
// A contour belongs to the slice that it is nearest to: all its points lie within half a step of it
// and, among themselves, within a tenth of a step of one plane. All contours of a region in one
// slice lie at one height (0.01 mm or a hundredth of a step), since others were drawn for other
// slices. Nothing is filled in between slices that have contours. A contour that repeats another
// one point by point is left out with a warning, since both would cancel.
//
// Throws FileError{kRefused}: "off-plane", "other-grid" for contours on slices that the image does
// not have (with their number) or more than a voxel beyond its border, "mixed-heights",
// "other-frame-of-reference", "no-contours" for a wanted region without closed contours.
void paint_structures(const StructureSet& structures, LabelPainter& painter);

// The same for one file. Regions that share voxels are refused unless one of them is asked for.
[[nodiscard]] PaintedLabels structure_labels(const StructureSet& structures,
                                             const LabelRequest& request);

}  // namespace marrow
