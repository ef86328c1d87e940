#include <array>
#include <cmath>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "core/text.h"
#include "io/dicom/dicom_sequences.h"
#include "io/dicom/segmentation_object.h"
#include "io/dicom/stack_check.h"

namespace marrow {

namespace {

constexpr double kFrameOffsetMm = 0.01;

// Which voxels the pixels of a frame are: voxel(x, y) = first + x step_across + y step_down.
struct FramePlacement {
  std::int64_t first = 0, step_across = 0, step_down = 0;
  int normal_axis = 2;
  std::int64_t slice = 0;
};

// The grid axis that a frame's axis runs along, and which way.
struct FrameAxis {
  int axis = 0;
  int sign = 1;
  bool parallel = false;
};

FrameAxis frame_axis(const Eigen::Vector3d& step, const Geometry& grid) {
  const Eigen::Vector3d unit = step.normalized();
  const Eigen::Vector3d along = grid.direction.transpose() * unit;
  FrameAxis found;
  along.cwiseAbs().maxCoeff(&found.axis);
  found.sign = along[found.axis] < 0 ? -1 : 1;
  found.parallel = (unit - found.sign * grid.direction.col(found.axis)).cwiseAbs().maxCoeff() <=
                   kOrientationTolerance;
  return found;
}

std::string describe_segmentation_frame(const SegmentationHeader& header,
                                        const SegmentationFrame& frame) {
  const auto vector = [](const Eigen::Vector3d& v) {
    return fmt::format("({:.6g}, {:.6g}, {:.6g})", v[0], v[1], v[2]);
  };
  return fmt::format("{}x{} pixels of {:.6g}x{:.6g} mm at {} along {} and {}",
                     header.columns,
                     header.rows,
                     frame.across.norm(),
                     frame.down.norm(),
                     vector(frame.origin),
                     vector(frame.across.normalized()),
                     vector(frame.down.normalized()));
}

class FramePlacer {
 public:
  FramePlacer(const SegmentationObject& object, const Geometry& grid)
      : object_(object), grid_(grid) {}

  [[nodiscard]] FramePlacement place(std::size_t n) const {
    const SegmentationHeader& header = object_.header();
    const SegmentationFrame& frame = header.frames[n];
    const FrameAxis across = frame_axis(frame.across, grid_);
    const FrameAxis down = frame_axis(frame.down, grid_);
    if (!across.parallel || !down.parallel || across.axis == down.axis) {
      refuse(n, "its directions are not those of the grid within 1e-4");
    }
    if (header.columns != grid_.size[static_cast<std::size_t>(across.axis)] ||
        header.rows != grid_.size[static_cast<std::size_t>(down.axis)]) {
      refuse(n, "its columns and rows are not those of a slice");
    }
    if (!same_spacing(frame.across.norm(), across.axis) ||
        !same_spacing(frame.down.norm(), down.axis)) {
      refuse(n, "its pixel spacing is not that of the grid within 0.1 %");
    }
    // The pixel that falls on the slice's first voxel: comparing there and not at the frame's own
    // origin makes the rule the same for planes that run the other way.
    const Eigen::Vector3d corner =
        frame.origin +
        (across.sign < 0 ? static_cast<double>(header.columns - 1) : 0.0) * frame.across +
        (down.sign < 0 ? static_cast<double>(header.rows - 1) : 0.0) * frame.down;
    return at_corner(n, corner, across, down);
  }

 private:
  [[nodiscard]] bool same_spacing(double spacing, int axis) const {
    return std::abs(spacing - grid_.spacing[axis]) <=
           kSpacingToleranceRelative * grid_.spacing[axis];
  }

  [[nodiscard]] FramePlacement at_corner(std::size_t n,
                                         const Eigen::Vector3d& corner,
                                         const FrameAxis& across,
                                         const FrameAxis& down) const {
    const Eigen::Vector3d index = grid_.to_index(corner);
    FramePlacement placement;
    placement.normal_axis = 3 - across.axis - down.axis;
    const double slice = std::round(index[placement.normal_axis]);
    Eigen::Vector3d nearest(0, 0, 0);
    nearest[placement.normal_axis] = slice;
    const double distance = (grid_.to_physical(nearest) - corner).norm();
    const auto slices = grid_.size[static_cast<std::size_t>(placement.normal_axis)];
    if (!(distance <= kFrameOffsetMm)) {
      refuse(n, fmt::format("it lies {:.3g} mm from the nearest slice's place", distance));
    }
    if (slice < 0 || slice >= static_cast<double>(slices)) {
      refuse(n, "it lies on a slice that the image does not have");
    }
    placement.slice = static_cast<std::int64_t>(slice);
    const std::array<std::int64_t, 3> stride{1, grid_.size[0], grid_.size[0] * grid_.size[1]};
    const auto stride_of = [&](int axis) { return stride[static_cast<std::size_t>(axis)]; };
    placement.step_across = across.sign * stride_of(across.axis);
    placement.step_down = down.sign * stride_of(down.axis);
    placement.first = placement.slice * stride_of(placement.normal_axis);
    if (across.sign < 0) {
      placement.first += (object_.header().columns - 1) * stride_of(across.axis);
    }
    if (down.sign < 0) {
      placement.first += (object_.header().rows - 1) * stride_of(down.axis);
    }
    return placement;
  }

  [[noreturn]] void refuse(std::size_t n, const std::string& what) const {
    const SegmentationHeader& header = object_.header();
    refuse_label_object(
        ErrorCode::kRefused,
        "other-grid",
        object_.file(),
        fmt::format("frame {} is not on the image's grid: {}; the frame has {}, the image {}; make "
                    "the segmentation on the image's own grid",
                    n + 1,
                    what,
                    describe_segmentation_frame(header, header.frames[n]),
                    describe(grid_)));
  }

  const SegmentationObject& object_;
  const Geometry& grid_;
};

// The value that each segment's voxels get; 0 for those that are not wanted.
std::map<std::int64_t, std::uint16_t> wanted_segments(const SegmentationObject& object,
                                                      LabelPainter& painter) {
  std::map<std::int64_t, std::uint16_t> values{{0, 0}};
  for (const Segment& segment : object.header().segments) {
    values[segment.number] =
        painter.value_of(object.file(), segment.label, segment.number).value_or(0);
  }
  return values;
}

}  // namespace

void paint_segmentation(const SegmentationObject& object, LabelPainter& painter) {
  const SegmentationHeader& header = object.header();
  painter.check_space(object.file(), "the segmentation", header.frame_of_reference_uid);
  const std::map<std::int64_t, std::uint16_t> value_of = wanted_segments(object, painter);
  const FramePlacer placer(object, painter.request().grid);
  std::set<std::tuple<std::int64_t, int, std::int64_t>> seen;
  for (std::size_t n = 0; n < header.frames.size(); ++n) {
    const std::int64_t segment = header.frames[n].segment;
    // Also frames that are not wanted: a segmentation that is partly elsewhere is not this image's.
    const FramePlacement place = placer.place(n);
    if (!seen.emplace(segment, place.normal_axis, place.slice).second) {
      refuse_label_object(
          ErrorCode::kRefused,
          "repeated-frames",
          object.file(),
          fmt::format("frame {} shows the same segment on the same slice as an earlier one; export "
                      "the segmentation again",
                      n + 1));
    }
    const std::uint16_t of_frame = value_of.at(segment);
    if (header.type != SegmentationType::kLabelMap && of_frame == 0) {
      continue;
    }
    const std::vector<std::uint16_t> pixels = object.frame_values(static_cast<std::int64_t>(n));
    for (std::int64_t y = 0; y < header.rows; ++y) {
      const std::uint16_t* const row = pixels.data() + y * header.columns;
      const std::int64_t start = place.first + y * place.step_down;
      for (std::int64_t x = 0; x < header.columns; ++x) {
        if (row[x] == 0) {
          continue;
        }
        const std::uint16_t value =
            header.type == SegmentationType::kLabelMap ? value_of.at(row[x]) : of_frame;
        if (value != 0) {
          painter.paint(static_cast<std::size_t>(start + x * place.step_across), value);
        }
      }
    }
  }
}

PaintedLabels segmentation_labels(const SegmentationObject& object, const LabelRequest& request) {
  LabelPainter painter(request);
  paint_segmentation(object, painter);
  return painter.finish(object.file());
}

}  // namespace marrow
