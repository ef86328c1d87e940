#include <algorithm>
#include <array>
#include <cmath>

#include "clinical/report/picture.h"
#include "core/error.h"

namespace marrow {

namespace {

constexpr std::array<Rgb, 7> kClassColours{Rgb{230, 159, 0},
                                           Rgb{86, 180, 233},
                                           Rgb{0, 200, 150},
                                           Rgb{240, 228, 66},
                                           Rgb{204, 121, 167},
                                           Rgb{213, 94, 0},
                                           Rgb{255, 255, 255}};
constexpr Rgb kReferenceOutline{255, 255, 255};
constexpr std::int64_t kHatch = 6;

// The class of every pixel of a picture; 0 beside the slice.
struct LabelRaster {
  std::int64_t width = 0;
  std::int64_t height = 0;
  std::vector<std::uint16_t> labels;

  [[nodiscard]] std::uint16_t at(std::int64_t x, std::int64_t y) const {
    return x < 0 || y < 0 || x >= width || y >= height
               ? std::uint16_t{0}
               : labels[static_cast<std::size_t>(x + width * y)];
  }
};

struct LabelTap {
  std::int64_t low = 0;
  std::int64_t high = 0;
  double part = 0;
};

LabelTap label_tap(double index, std::int64_t first, std::int64_t last) {
  const double inside = std::clamp(index, static_cast<double>(first), static_cast<double>(last));
  const auto low = static_cast<std::int64_t>(std::floor(inside));
  return {low, std::min(low + 1, last), inside - static_cast<double>(low)};
}

// The class with the largest bilinear weight; the nearest voxel's among equals.
std::uint16_t heaviest(const std::array<std::uint16_t, 4>& labels,
                       const std::array<double, 4>& weights) {
  std::uint16_t best = labels[0];
  double best_weight = -1;
  for (std::size_t i = 0; i < 4; ++i) {
    double sum = 0;
    for (std::size_t j = 0; j < 4; ++j) {
      sum += labels[j] == labels[i] ? weights[j] : 0;
    }
    // The own weight decides ties, so that the result does not depend on the order of the corners.
    if (sum + 1e-9 * weights[i] > best_weight) {
      best = labels[i];
      best_weight = sum + 1e-9 * weights[i];
    }
  }
  return best;
}

LabelRaster label_raster(const LabelMap& map, const SliceRaster& raster) {
  LabelRaster result{
      raster.width,
      raster.height,
      std::vector<std::uint16_t>(static_cast<std::size_t>(raster.width * raster.height), 0)};
  const auto right_axis = static_cast<std::size_t>(raster.axes.right);
  const auto down_axis = static_cast<std::size_t>(raster.axes.down);
  Size3 voxel{0, 0, 0};
  voxel[static_cast<std::size_t>(raster.axes.normal)] = raster.index;
  const auto label = [&](std::int64_t right, std::int64_t down) {
    voxel[right_axis] = right;
    voxel[down_axis] = down;
    return map.at(voxel[0], voxel[1], voxel[2]);
  };
  for (std::int64_t y = raster.top; y < raster.top + raster.content_height; ++y) {
    const LabelTap down = label_tap(raster.index_down(static_cast<double>(y) + 0.5),
                                    raster.box.first[down_axis],
                                    raster.box.last[down_axis]);
    for (std::int64_t x = raster.left; x < raster.left + raster.content_width; ++x) {
      const LabelTap right = label_tap(raster.index_right(static_cast<double>(x) + 0.5),
                                       raster.box.first[right_axis],
                                       raster.box.last[right_axis]);
      result.labels[static_cast<std::size_t>(x + raster.width * y)] =
          heaviest({label(right.low, down.low),
                    label(right.high, down.low),
                    label(right.low, down.high),
                    label(right.high, down.high)},
                   {(1 - right.part) * (1 - down.part),
                    right.part * (1 - down.part),
                    (1 - right.part) * down.part,
                    right.part * down.part});
    }
  }
  return result;
}

// Inside the border of its own class, within `reach` pixels of another one.
bool at_border(const LabelRaster& raster, std::int64_t x, std::int64_t y, std::int64_t reach) {
  const std::uint16_t own = raster.at(x, y);
  for (std::int64_t step = 1; step <= reach; ++step) {
    if (raster.at(x - step, y) != own || raster.at(x + step, y) != own ||
        raster.at(x, y - step) != own || raster.at(x, y + step) != own) {
      return true;
    }
  }
  return false;
}

// Solid, dashed, dotted in turn: classes differ also in grey.
bool pen_down(std::uint16_t label, std::int64_t x, std::int64_t y) {
  switch ((label - 1) % 3) {
    case 1:
      return (x / 7 + y / 7) % 2 == 0;
    case 2:
      return (x / 3 + y / 3) % 2 == 0;
    default:
      return true;
  }
}

void check_same_grid(const Picture& picture, const SliceRaster& raster) {
  MARROW_CHECK(picture.width == raster.width && picture.height == raster.height);
}

}  // namespace

Rgb class_colour(std::uint16_t label) {
  return kClassColours[static_cast<std::size_t>(label + kClassColours.size() - 1) %
                       kClassColours.size()];
}

void draw_outlines(Picture& picture, const LabelMap& labels, const SliceView& view) {
  const SliceRaster raster = slice_raster(labels.geometry, view);
  check_same_grid(picture, raster);
  const LabelRaster classes = label_raster(labels, raster);
  for (std::int64_t y = 0; y < raster.height; ++y) {
    for (std::int64_t x = 0; x < raster.width; ++x) {
      const std::uint16_t label = classes.at(x, y);
      if (label != 0 && at_border(classes, x, y, 2) && pen_down(label, x, y)) {
        picture.at(x, y) = class_colour(label);
      }
    }
  }
}

void draw_difference(Picture& picture,
                     const LabelMap& reference,
                     const LabelMap& prediction,
                     const SliceView& view) {
  const SliceRaster raster = slice_raster(reference.geometry, view);
  check_same_grid(picture, raster);
  MARROW_CHECK(reference.geometry.size == prediction.geometry.size);
  const LabelRaster expected = label_raster(reference, raster);
  const LabelRaster found = label_raster(prediction, raster);
  for (std::int64_t y = 0; y < raster.height; ++y) {
    for (std::int64_t x = 0; x < raster.width; ++x) {
      const std::uint16_t a = expected.at(x, y);
      const std::uint16_t b = found.at(x, y);
      if (a != 0 && b == 0 && (x + y) % kHatch < 3) {
        picture.at(x, y) = kMissedColour;
      } else if (a == 0 && b != 0 && (x - y + kHatch * raster.height) % kHatch < 3) {
        picture.at(x, y) = kExtraColour;
      } else if (a != 0 && b != 0 && a != b && x % 4 < 2 && y % 4 < 2) {
        picture.at(x, y) = kWrongClassColour;
      }
      if (a != 0 && at_border(expected, x, y, 1)) {
        picture.at(x, y) = kReferenceOutline;
      }
    }
  }
}

}  // namespace marrow
