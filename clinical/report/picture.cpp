#include "clinical/report/picture.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "clinical/report/number_text.h"
#include "core/error.h"

namespace marrow {

namespace {

constexpr std::int64_t kGreyLevels = 192;  // leaves room for outlines in a palette of 256
constexpr std::size_t kWindowSamples = 500000;
constexpr Rgb kOutside{0, 0, 0};

struct Tap {
  std::int64_t low = 0;
  std::int64_t high = 0;
  double part = 0;  // weight of `high`
};

Tap tap(double index, std::int64_t first, std::int64_t last) {
  const double inside = std::clamp(index, static_cast<double>(first), static_cast<double>(last));
  const auto low = static_cast<std::int64_t>(std::floor(inside));
  return {low, std::min(low + 1, last), inside - static_cast<double>(low)};
}

// Taps of every pixel column (or row), `samples` of them a pixel.
std::vector<Tap> axis_taps(const SliceRaster& raster, bool along_right, std::int64_t samples) {
  const std::int64_t count = along_right ? raster.content_width : raster.content_height;
  const std::int64_t start = along_right ? raster.left : raster.top;
  const auto axis = static_cast<std::size_t>(along_right ? raster.axes.right : raster.axes.down);
  std::vector<Tap> taps;
  taps.reserve(static_cast<std::size_t>(count * samples));
  for (std::int64_t i = 0; i < count * samples; ++i) {
    const double at =
        static_cast<double>(start) + (static_cast<double>(i) + 0.5) / static_cast<double>(samples);
    const double index = along_right ? raster.index_right(at) : raster.index_down(at);
    taps.push_back(tap(index, raster.box.first[axis], raster.box.last[axis]));
  }
  return taps;
}

std::int64_t samples_per_pixel(const SliceRaster& raster, int axis) {
  const double voxels = raster.pixel_mm / raster.geometry.spacing[axis];
  return std::clamp<std::int64_t>(static_cast<std::int64_t>(std::ceil(voxels - 0.01)), 1, 16);
}

Rgb grey(double value, const IntensityWindow& window) {
  const double part = std::clamp((value - window.low) / (window.high - window.low), 0.0, 1.0);
  const auto level = std::llround(part * static_cast<double>(kGreyLevels - 1));
  const auto byte = static_cast<std::uint8_t>(level * 255 / (kGreyLevels - 1));
  return {byte, byte, byte};
}

// Fine lines "/" on a middle tone: neither dark nor bright, and not grey.
Rgb hidden_colour(std::int64_t x, std::int64_t y) {
  return (x + y) % 8 < 3 ? Rgb{70, 84, 108} : Rgb{122, 138, 164};
}

}  // namespace

IntensityWindow robust_window(const Volume& volume) {
  const std::size_t stride = std::max<std::size_t>(1, volume.voxels.size() / kWindowSamples);
  std::vector<float> values;
  for (std::size_t i = 0; i < volume.voxels.size(); i += stride) {
    if (std::isfinite(volume.voxels[i])) {
      values.push_back(volume.voxels[i]);
    }
  }
  if (values.empty()) {
    return {};
  }
  const auto percentile = [&](double part) {
    const auto rank =
        static_cast<std::ptrdiff_t>(std::llround(part * static_cast<double>(values.size() - 1)));
    std::nth_element(values.begin(), values.begin() + rank, values.end());
    return static_cast<double>(values[static_cast<std::size_t>(rank)]);
  };
  IntensityWindow window{percentile(0.005), percentile(0.995), ""};
  if (window.high <= window.low) {
    window.high = window.low + 1;
  }
  return window;
}

IntensityWindow soft_tissue_window() {
  return {-160, 240, "soft tissue"};
}

std::string window_text(const IntensityWindow& window) {
  const std::array<double, 2> ends{window.low, window.high};
  const int decimals = window.high - window.low >= 20 ? 0 : column_decimals(ends);
  return (window.name.empty() ? "window " : window.name + " window ") +
         fixed_text(window.low, decimals) + " to " + fixed_text(window.high, decimals);
}

SliceBox whole_slice_box(const Geometry& geometry) {
  return {{0, 0, 0}, {geometry.size[0] - 1, geometry.size[1] - 1, geometry.size[2] - 1}};
}

double SliceRaster::index_right(double x) const {
  const auto axis = static_cast<std::size_t>(axes.right);
  const double voxels = (x - static_cast<double>(left)) / static_cast<double>(content_width) *
                        static_cast<double>(box.last[axis] - box.first[axis] + 1);
  return axes.flip_right ? static_cast<double>(box.last[axis]) + 0.5 - voxels
                         : static_cast<double>(box.first[axis]) - 0.5 + voxels;
}

double SliceRaster::index_down(double y) const {
  const auto axis = static_cast<std::size_t>(axes.down);
  const double voxels = (y - static_cast<double>(top)) / static_cast<double>(content_height) *
                        static_cast<double>(box.last[axis] - box.first[axis] + 1);
  return axes.flip_down ? static_cast<double>(box.last[axis]) + 0.5 - voxels
                        : static_cast<double>(box.first[axis]) - 0.5 + voxels;
}

SliceRaster slice_raster(const Geometry& geometry, const SliceView& view) {
  const bool axis_fits = view.normal >= 0 && view.normal < 3;
  if (!axis_fits || view.index < 0 ||
      view.index >= geometry.size[static_cast<std::size_t>(view.normal)] || view.longest_side < 1) {
    throw Error(ErrorCode::kInvalidArgument,
                "picture: expected a slice of the grid of " + describe(geometry) +
                    ", found slice " + std::to_string(view.index) + " across axis " +
                    std::to_string(view.normal));
  }
  SliceRaster raster;
  raster.geometry = geometry;
  raster.axes = slice_axes(geometry, view.normal);
  raster.index = view.index;
  raster.box = view.crop.value_or(whole_slice_box(geometry));
  for (std::size_t axis = 0; axis < 3; ++axis) {
    raster.box.first[axis] =
        std::clamp<std::int64_t>(raster.box.first[axis], 0, geometry.size[axis] - 1);
    raster.box.last[axis] = std::clamp<std::int64_t>(
        raster.box.last[axis], raster.box.first[axis], geometry.size[axis] - 1);
  }
  const auto extent_mm = [&](int axis) {
    const auto a = static_cast<std::size_t>(axis);
    return static_cast<double>(raster.box.last[a] - raster.box.first[a] + 1) *
           geometry.spacing[axis];
  };
  const double width_mm = extent_mm(raster.axes.right);
  const double height_mm = extent_mm(raster.axes.down);
  raster.pixel_mm = std::max(width_mm, height_mm) / static_cast<double>(view.longest_side);
  const auto pixels = [&](double mm) {
    return std::max<std::int64_t>(1, std::llround(mm / raster.pixel_mm));
  };
  raster.content_width = pixels(width_mm);
  raster.content_height = pixels(height_mm);
  // A very thin slab keeps room for its letters.
  raster.width = std::max(raster.content_width, view.longest_side / 3);
  raster.height = std::max(raster.content_height, view.longest_side / 3);
  raster.left = (raster.width - raster.content_width) / 2;
  raster.top = (raster.height - raster.content_height) / 2;
  return raster;
}

Picture render_slice(const Volume& volume, const SliceView& view, const IntensityWindow& window) {
  const SliceRaster raster = slice_raster(volume.geometry, view);
  const std::int64_t nx = samples_per_pixel(raster, raster.axes.right);
  const std::int64_t ny = samples_per_pixel(raster, raster.axes.down);
  const std::vector<Tap> across = axis_taps(raster, true, nx);
  const std::vector<Tap> downwards = axis_taps(raster, false, ny);
  Size3 voxel{0, 0, 0};
  voxel[static_cast<std::size_t>(raster.axes.normal)] = raster.index;
  const auto value = [&](std::int64_t right, std::int64_t down) {
    voxel[static_cast<std::size_t>(raster.axes.right)] = right;
    voxel[static_cast<std::size_t>(raster.axes.down)] = down;
    return static_cast<double>(volume.at(voxel[0], voxel[1], voxel[2]));
  };
  const auto sample = [&](const Tap& right, const Tap& down) {
    // Hidden voxels keep their edges: the nearest voxel decides.
    const double nearest =
        value(right.part < 0.5 ? right.low : right.high, down.part < 0.5 ? down.low : down.high);
    const double a = value(right.low, down.low);
    const double b = value(right.high, down.low);
    const double c = value(right.low, down.high);
    const double d = value(right.high, down.high);
    const double mean =
        (a + (b - a) * right.part) * (1 - down.part) + (c + (d - c) * right.part) * down.part;
    return std::isfinite(nearest) && !std::isfinite(mean) ? nearest
           : std::isfinite(nearest)                       ? mean
                                                          : nearest;
  };

  Picture picture = make_picture(raster.width, raster.height, kOutside);
  for (std::int64_t y = 0; y < raster.content_height; ++y) {
    for (std::int64_t x = 0; x < raster.content_width; ++x) {
      double sum = 0;
      for (std::int64_t sy = 0; sy < ny; ++sy) {
        for (std::int64_t sx = 0; sx < nx; ++sx) {
          sum += sample(across[static_cast<std::size_t>(x * nx + sx)],
                        downwards[static_cast<std::size_t>(y * ny + sy)]);
        }
      }
      const double mean = sum / static_cast<double>(nx * ny);
      picture.at(x + raster.left, y + raster.top) =
          std::isfinite(mean) ? grey(mean, window) : hidden_colour(x, y);
    }
  }
  return picture;
}

std::vector<Picture> three_planes(const Volume& volume,
                                  const Size3& centre,
                                  const IntensityWindow& window,
                                  std::int64_t longest_side) {
  std::vector<Picture> pictures;
  for (const Plane plane : {Plane::kAxial, Plane::kCoronal, Plane::kSagittal}) {
    SliceView view;
    view.normal = plane_normal(volume.geometry, plane);
    view.index = centre[static_cast<std::size_t>(view.normal)];
    view.longest_side = longest_side;
    pictures.push_back(render_slice(volume, view, window));
    draw_marks(pictures.back(), volume.geometry, view, SliceMarks::kLettersAndScale);
  }
  return pictures;
}

}  // namespace marrow
