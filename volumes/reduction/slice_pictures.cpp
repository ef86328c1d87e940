#include "volumes/reduction/slice_pictures.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "core/error.h"
#include "volumes/preprocess/intensity.h"

namespace marrow {

namespace {

constexpr double kThickerSpacing = 1.2;
// Spacings are equal up to what files round, and unequal beyond what is noise of the steps.
constexpr double kEqualSpacing = 1e-3, kOtherSpacing = 1e-2;
constexpr double kLowPercentile = 0.5, kHighPercentile = 99.5;
constexpr float kOutsideField = -2000.0F;

struct Ends {
  double low = 0, high = 0;
};

Ends volume_ends(const Volume& volume, Modality modality, const PictureOptions& options) {
  if (modality == Modality::kCt) {
    return {options.low_hu, options.high_hu};
  }
  std::vector<float> finite;
  finite.reserve(volume.voxels.size());
  std::copy_if(
      volume.voxels.begin(), volume.voxels.end(), std::back_inserter(finite), [](float value) {
        return std::isfinite(value);
      });
  if (finite.empty()) {
    return {};
  }
  const double low = percentile(finite, kLowPercentile);
  return {low, percentile(finite, kHighPercentile)};
}

std::uint8_t grey(double value, const Ends& ends) {
  if (!(ends.high > ends.low) || !std::isfinite(value)) {
    return 0;
  }
  const double share = std::clamp((value - ends.low) / (ends.high - ends.low), 0.0, 1.0);
  return static_cast<std::uint8_t>(share * 255.0 + 0.5);
}

// One slice of a volume in canonical orientation.
class SliceView2D {
 public:
  SliceView2D(const Volume& volume, int plane) : volume_(volume), plane_(plane) {}

  [[nodiscard]] std::int64_t columns() const { return size(plane_ == 0 ? 1 : 0); }

  [[nodiscard]] std::int64_t rows() const { return size(plane_ == 2 ? 1 : 2); }

  [[nodiscard]] std::int64_t count() const { return size(plane_); }

  // Rows of sagittal and coronal pictures run from the head down.
  [[nodiscard]] float at(std::int64_t slice, std::int64_t row, std::int64_t column) const {
    const std::int64_t upward = size(2) - 1 - row;
    const std::int64_t i = plane_ == 0 ? slice : column;
    const std::int64_t j = plane_ == 0 ? column : plane_ == 1 ? slice : row;
    const std::int64_t k = plane_ == 2 ? slice : upward;
    return volume_.voxels[static_cast<std::size_t>(i + size(0) * (j + size(1) * k))];
  }

 private:
  [[nodiscard]] std::int64_t size(int axis) const {
    return volume_.geometry.size[static_cast<std::size_t>(axis)];
  }

  const Volume& volume_;
  int plane_;
};

// The axis whose spacing is unlike the other two, which are equal: pixels are square, and the steps
// between slices seldom as long as they.
std::optional<std::int64_t> odd_axis(const Eigen::Vector3d& spacing) {
  const auto differ = [](double a, double b) { return std::abs(a - b) / std::max(a, b); };
  for (Eigen::Index axis = 0; axis < 3; ++axis) {
    const double a = spacing[(axis + 1) % 3], b = spacing[(axis + 2) % 3];
    if (differ(a, b) <= kEqualSpacing && differ(spacing[axis], a) > kOtherSpacing &&
        differ(spacing[axis], b) > kOtherSpacing) {
      return axis;
    }
  }
  return std::nullopt;
}

}  // namespace

GreyPicture SlicePictures::picture(std::int64_t n) const {
  const auto size = static_cast<std::size_t>(rows * columns);
  return {std::span(pixels).subspan(static_cast<std::size_t>(n) * size, size), columns, rows};
}

std::int64_t slice_axis(const Geometry& geometry) {
  const Size3& size = geometry.size;
  if (std::count(size.begin(), size.end(), 1) == 1) {
    return std::find(size.begin(), size.end(), 1) - size.begin();
  }
  if (const std::optional<std::int64_t> odd = odd_axis(geometry.spacing)) {
    return *odd;
  }
  const auto largest = std::max_element(geometry.spacing.begin(), geometry.spacing.end());
  return *largest > kThickerSpacing * geometry.spacing[2] ? largest - geometry.spacing.begin() : 2;
}

SlicePictures slice_pictures(const Volume& volume,
                             Modality modality,
                             const PictureOptions& options) {
  const AxisMoves moves = canonical_moves(volume.geometry);
  return moves.nothing()
             ? slice_pictures(volume, volume.geometry, modality, options)
             : slice_pictures(reoriented(volume, moves), volume.geometry, modality, options);
}

SlicePictures slice_pictures(const Volume& canonical,
                             const Geometry& source,
                             Modality modality,
                             const PictureOptions& options) {
  SlicePictures pictures;
  pictures.axis = slice_axis(source);
  const AxisMoves moves = canonical_moves(source);
  const auto moved =
      std::find(moves.from.begin(), moves.from.end(), static_cast<std::size_t>(pictures.axis));
  pictures.plane = static_cast<int>(moved - moves.from.begin());
  const SliceView2D view(canonical, pictures.plane);
  pictures.columns = view.columns();
  pictures.rows = view.rows();
  pictures.count = view.count();
  const Eigen::Vector3d& spacing = canonical.geometry.spacing;
  pictures.column_mm = spacing[pictures.plane == 0 ? 1 : 0];
  pictures.row_mm = spacing[pictures.plane == 2 ? 1 : 2];
  const bool by_slice = options.scale == PictureScale::kSliceMinMax;
  const Ends whole = by_slice ? Ends{} : volume_ends(canonical, modality, options);
  pictures.pixels.reserve(canonical.voxels.size());
  const bool flipped = moves.flipped[static_cast<std::size_t>(pictures.plane)];
  for (std::int64_t n = 0; n < pictures.count; ++n) {
    pictures.source.push_back(flipped ? pictures.count - 1 - n : n);
    Ends found{INFINITY, -INFINITY};
    const auto value = [&](std::int64_t row, std::int64_t column) {
      const float read = view.at(n, row, column);
      return by_slice && read == kOutsideField ? 0.0F : read;
    };
    for (std::int64_t row = 0; row < pictures.rows; ++row) {
      for (std::int64_t column = 0; column < pictures.columns; ++column) {
        if (const float read = value(row, column); std::isfinite(read)) {
          found.low = std::min(found.low, static_cast<double>(read));
          found.high = std::max(found.high, static_cast<double>(read));
        }
      }
    }
    pictures.constant.push_back(!(found.high > found.low));
    const Ends ends = by_slice ? found : whole;
    for (std::int64_t row = 0; row < pictures.rows; ++row) {
      for (std::int64_t column = 0; column < pictures.columns; ++column) {
        pictures.pixels.push_back(grey(value(row, column), ends));
      }
    }
  }
  return pictures;
}

}  // namespace marrow
