#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "core/text.h"
#include "io/dicom/dicom_sequences.h"
#include "io/dicom/structure_set.h"

namespace marrow {

namespace {

constexpr double kPlanarSteps = 0.1;       // of a contour's points among themselves
constexpr double kSameHeightMm = 0.01;     // of the contours of one region in one slice ...
constexpr double kSameHeightSteps = 0.01;  // ... or this, whichever is larger
constexpr double kBorderVoxels = 1.0;      // that a contour may run beyond the picture
constexpr double kOnCentreVoxels = 1e-3;
constexpr std::size_t kLeastPoints = 3;

using SliceContour = std::vector<Eigen::Vector2d>;  // in-plane index coordinates

struct RegionSlice {
  double height = 0;  // index along k of the first contour
  std::vector<SliceContour> contours;
};

// Without the noise of arithmetic, which would decide about centres that lie on a border.
double snapped_index(double index) {
  constexpr double kParts = 65536;  // of a voxel
  return std::round(index * kParts) / kParts;
}

// Calls inside(i, j) for the voxels of a slice whose centres are inside by the even-odd rule.
template <class Inside>
void fill_even_odd(const std::vector<SliceContour>& contours, const Geometry& grid, Inside inside) {
  std::vector<std::vector<double>> crossings(static_cast<std::size_t>(grid.size[1]));
  const auto last_row = static_cast<double>(grid.size[1] - 1);
  for (const SliceContour& contour : contours) {
    for (std::size_t n = 0; n < contour.size(); ++n) {
      // From the lower end, so that an edge that two contours share gives both the same crossings.
      const Eigen::Vector2d& from = contour[n];
      const Eigen::Vector2d& to = contour[(n + 1) % contour.size()];
      const auto [low, high] = from[1] <= to[1] ? std::pair(from, to) : std::pair(to, from);
      const double end = std::min(last_row, high[1]);
      for (double j = std::max(0.0, std::ceil(low[1])); j <= end && j < high[1]; ++j) {
        crossings[static_cast<std::size_t>(j)].push_back(
            low[0] + (j - low[1]) * (high[0] - low[0]) / (high[1] - low[1]));
      }
    }
  }
  for (std::size_t j = 0; j < crossings.size(); ++j) {
    std::vector<double>& row = crossings[j];
    std::sort(row.begin(), row.end());
    for (std::size_t n = 0; n + 1 < row.size(); n += 2) {
      const double last = std::min(std::ceil(row[n + 1]), static_cast<double>(grid.size[0]));
      for (double i = std::max(0.0, std::ceil(row[n])); i < last; ++i) {
        inside(static_cast<std::int64_t>(i), static_cast<std::int64_t>(j));
      }
    }
  }
}

// Calls inside(i, j) for the voxels whose centres lie on contours with corners on centres.
template <class Inside>
void fill_traced_border(const std::vector<SliceContour>& contours,
                        const Geometry& grid,
                        Inside inside) {
  for (const SliceContour& contour : contours) {
    for (std::size_t n = 0; n < contour.size(); ++n) {
      const Eigen::Vector2d& from = contour[n];
      const Eigen::Vector2d way = contour[(n + 1) % contour.size()] - from;
      const auto steps = std::max<std::int64_t>(
          1, std::gcd(static_cast<std::int64_t>(way[0]), static_cast<std::int64_t>(way[1])));
      for (std::int64_t step = 0; step < steps; ++step) {
        const Eigen::Vector2d at =
            from + static_cast<double>(step) * way / static_cast<double>(steps);
        const auto i = std::llround(at[0]);
        const auto j = std::llround(at[1]);
        if (i >= 0 && j >= 0 && i < grid.size[0] && j < grid.size[1]) {
          inside(i, j);
        }
      }
    }
  }
}

// The contours of one region, sorted by the slices of a grid.
class RegionSlicer {
 public:
  RegionSlicer(const StructureSet& set, const RegionOfInterest& region, LabelPainter& painter)
      : set_(set), region_(region), painter_(painter), grid_(painter.request().grid) {}

  [[nodiscard]] std::map<std::int64_t, RegionSlice> slices() {
    traced_ = !region_.contours.empty() &&
              std::all_of(region_.contours.begin(), region_.contours.end(), [&](const Contour& c) {
                return runs_through_centres(c);
              });
    for (std::size_t n = 0; n < region_.contours.size(); ++n) {
      add(n);
    }
    if (outside_ > 0) {
      refuse("other-grid",
             fmt::format("{} of {} contours lie on slices that the image does not have ({}); give "
                         "the image that they were drawn on",
                         outside_,
                         region_.contours.size(),
                         describe(grid_)));
    }
    if (slices_.empty()) {
      refuse("no-contours",
             "expected closed planar contours, found none; leave the region out of the labels");
    }
    if (repeated_ > 0 || small_ > 0) {
      painter_.warn(set_.file,
                    fmt::format("region {}: left out {} contours that repeat another one and {} of "
                                "fewer than three points",
                                shown(),
                                repeated_,
                                small_));
    }
    if (traced_) {
      painter_.warn(set_.file,
                    fmt::format("region {}: all its contours run through the centres of pixels, as "
                                "tools trace them from labels, so the pixels on its borders are "
                                "taken as labelled",
                                shown()));
    }
    return std::move(slices_);
  }

  // Of slices(): whether all contours have their corners on centres.
  [[nodiscard]] bool traced() const { return traced_; }

 private:
  [[nodiscard]] std::string shown() const {
    return fmt::format("{} ({})", printable(region_.name, 64), region_.number);
  }

  [[noreturn]] void refuse(const std::string& reason_code, const std::string& sentence) const {
    refuse_label_object(
        ErrorCode::kRefused, reason_code, set_.file, "region " + shown() + ": " + sentence);
  }

  void add(std::size_t number) {
    const Contour& contour = region_.contours[number];
    SliceContour flat;
    flat.reserve(contour.size());
    double lowest = 0;
    double highest = 0;
    for (const Eigen::Vector3d& point : contour) {
      const Eigen::Vector3d index = grid_.to_index(point);
      lowest = flat.empty() ? index[2] : std::min(lowest, index[2]);
      highest = flat.empty() ? index[2] : std::max(highest, index[2]);
      flat.emplace_back(traced_ ? std::round(index[0]) : snapped_index(index[0]),
                        traced_ ? std::round(index[1]) : snapped_index(index[1]));
    }
    const double slice = std::floor((lowest + highest) / 2 + 0.5);
    // Written so that a coordinate that is no number is refused too.
    if (!(highest - lowest <= kPlanarSteps && slice - lowest <= 0.5 && highest - slice <= 0.5)) {
      refuse("off-plane",
             fmt::format("contour {} runs from {:.3f} to {:.3f} slices, which is in the plane of "
                         "no slice of the image; draw it on the image's own slices",
                         number + 1,
                         lowest,
                         highest));
    }
    if (slice < 0 || slice >= static_cast<double>(grid_.size[2])) {
      ++outside_;
    } else if (contour.size() < kLeastPoints && !traced_) {
      ++small_;
    } else {
      check_border(flat, number);
      keep(static_cast<std::int64_t>(slice), lowest, std::move(flat));
    }
  }

  void check_border(const SliceContour& flat, std::size_t number) const {
    for (const Eigen::Vector2d& point : flat) {
      for (int axis = 0; axis < 2; ++axis) {
        const auto last = static_cast<double>(grid_.size[static_cast<std::size_t>(axis)] - 1);
        if (!(point[axis] >= -0.5 - kBorderVoxels && point[axis] <= last + 0.5 + kBorderVoxels)) {
          refuse("other-grid",
                 fmt::format("contour {} runs beyond the border of the image ({}), to ({:.1f}, "
                             "{:.1f}) in its voxels; give the image that it was drawn on",
                             number + 1,
                             describe(grid_),
                             point[0],
                             point[1]));
        }
      }
    }
  }

  [[nodiscard]] bool runs_through_centres(const Contour& contour) const {
    return std::all_of(contour.begin(), contour.end(), [&](const Eigen::Vector3d& point) {
      const Eigen::Vector3d index = grid_.to_index(point);
      return std::abs(index[0] - std::round(index[0])) <= kOnCentreVoxels &&
             std::abs(index[1] - std::round(index[1])) <= kOnCentreVoxels;
    });
  }

  void keep(std::int64_t slice, double height, SliceContour flat) {
    const auto [found, added] = slices_.try_emplace(slice, RegionSlice{height, {}});
    const double tolerance = std::max(kSameHeightSteps, kSameHeightMm / grid_.spacing[2]);
    if (!added && std::abs(found->second.height - height) > tolerance) {
      refuse("mixed-heights",
             fmt::format("its contours nearest to slice {} lie at {:.3f} and at {:.3f} slices, so "
                         "they were drawn for other slices; give the image that they were drawn on",
                         slice + 1,
                         found->second.height,
                         height));
    }
    std::vector<SliceContour>& contours = found->second.contours;
    if (std::find(contours.begin(), contours.end(), flat) != contours.end()) {
      ++repeated_;
      return;
    }
    contours.push_back(std::move(flat));
  }

  const StructureSet& set_;
  const RegionOfInterest& region_;
  LabelPainter& painter_;
  const Geometry& grid_;
  std::map<std::int64_t, RegionSlice> slices_;
  std::int64_t outside_ = 0;
  std::int64_t repeated_ = 0;
  std::int64_t small_ = 0;
  bool traced_ = false;
};

void warn_of_left_out(const StructureSet& set,
                      const RegionOfInterest& region,
                      LabelPainter& painter) {
  for (const auto& [type, count] : region.left_out) {
    painter.warn(set.file,
                 fmt::format("region {} ({}): left out {} contours of type {}, which bound no area",
                             printable(region.name, 64),
                             region.number,
                             count,
                             type));
  }
}

}  // namespace

void paint_structures(const StructureSet& structures, LabelPainter& painter) {
  const Geometry& grid = painter.request().grid;
  for (const RegionOfInterest& region : structures.regions) {
    // Without a choice, regions that nothing closed was drawn for (points, empty ones) are none.
    if (painter.request().values.empty() && region.contours.empty()) {
      warn_of_left_out(structures, region, painter);
      continue;
    }
    const auto value = painter.value_of(structures.file, region.name, region.number);
    if (!value) {
      continue;
    }
    // One of several classes that was prepared and not drawn; an only one is refused below.
    if (region.contours.empty() && painter.request().values.size() > 1) {
      painter.warn(structures.file,
                   fmt::format("region {} ({}): has no closed contours, so nothing is labelled",
                               printable(region.name, 64),
                               region.number));
      continue;
    }
    painter.check_space(structures.file,
                        fmt::format("region {}: it", region.number),
                        region.frame_of_reference_uid);
    warn_of_left_out(structures, region, painter);
    RegionSlicer slicer(structures, region, painter);
    for (const auto& [slice, drawn] : slicer.slices()) {
      const std::int64_t first = slice * grid.size[0] * grid.size[1];
      const auto paint = [&](std::int64_t i, std::int64_t j) {
        painter.paint(static_cast<std::size_t>(first + i + j * grid.size[0]), *value);
      };
      fill_even_odd(drawn.contours, grid, paint);
      if (slicer.traced()) {
        fill_traced_border(drawn.contours, grid, paint);
      }
    }
  }
}

PaintedLabels structure_labels(const StructureSet& structures, const LabelRequest& request) {
  LabelPainter painter(request);
  paint_structures(structures, painter);
  return painter.finish(structures.file);
}

}  // namespace marrow
