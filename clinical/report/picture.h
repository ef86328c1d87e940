#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "clinical/report/png.h"
#include "clinical/report/slice_axes.h"
#include "core/volume.h"

namespace marrow {

// Slices of volumes as pictures: square in mm, hung by the radiological convention, with outlines
// of label maps.

// What is black and what is white.
struct IntensityWindow {
  double low = 0;
  double high = 1;
  std::string name;  // "soft tissue"; may be empty
};

// From the 0.5th to the 99.5th percentile of the finite values.
[[nodiscard]] IntensityWindow robust_window(const Volume& volume);
// Level 40, width 400 HU.
[[nodiscard]] IntensityWindow soft_tissue_window();
// "window 12 to 871", "soft tissue window −160 to 240".
[[nodiscard]] std::string window_text(const IntensityWindow& window);

// Voxels [first, last] along i, j, k.
struct SliceBox {
  Size3 first{0, 0, 0};
  Size3 last{0, 0, 0};
};

[[nodiscard]] SliceBox whole_slice_box(const Geometry& geometry);

// One slice, and how it is drawn. Pictures made with the same geometry and view match pixel by
// pixel.
struct SliceView {
  int normal = 2;                   // grid axis across the slice
  std::int64_t index = 0;           // slice number along it
  std::optional<SliceBox> crop;     // what to show; its range along `normal` is ignored
  std::int64_t longest_side = 360;  // pixels
};

// Where the pixels of such a picture lie in the grid.
struct SliceRaster {
  SliceAxes axes;
  std::int64_t width = 0;  // of the picture; the slice may be narrower (black beside it)
  std::int64_t height = 0;
  std::int64_t content_width = 0;
  std::int64_t content_height = 0;
  std::int64_t left = 0;  // first pixel of the slice
  std::int64_t top = 0;
  double pixel_mm = 1;
  Geometry geometry;
  SliceBox box;
  std::int64_t index = 0;

  // Continuous index along the grid axes `axes.right` and `axes.down` of a point of the picture, in
  // pixels from its top left corner (pixel centres lie at .5).
  [[nodiscard]] double index_right(double x) const;
  [[nodiscard]] double index_down(double y) const;
};

// Throws Error{kInvalidArgument} for a slice outside the grid.
[[nodiscard]] SliceRaster slice_raster(const Geometry& geometry, const SliceView& view);

// The slice in grey: bilinear between voxels, area means where it is drawn smaller than it is. NaN
// (hidden voxels) is hatched in two bluish greys, which no tissue is.
[[nodiscard]] Picture render_slice(const Volume& volume,
                                   const SliceView& view,
                                   const IntensityWindow& window);

// Colours of classes 1, 2, ... over a grey picture; they repeat after seven with another line.
[[nodiscard]] Rgb class_colour(std::uint16_t label);

inline constexpr Rgb kMissedColour{213, 94, 0};
inline constexpr Rgb kExtraColour{86, 180, 233};
inline constexpr Rgb kWrongClassColour{240, 228, 66};

// Outlines each class other than 0 with a line two pixels wide inside its border: colour by class,
// solid for the first, dashed and dotted for the next ones. Borders are those of the labels
// interpolated between voxel centres.
void draw_outlines(Picture& picture, const LabelMap& labels, const SliceView& view);

// What differs: hatched "/" where the prediction missed the reference, "\" where it added, dotted
// where the class is another; the reference's outline in white.
void draw_difference(Picture& picture,
                     const LabelMap& reference,
                     const LabelMap& prediction,
                     const SliceView& view);

// Orientation letters at the four borders and a scale bar with its length. `letters` false for
// images without patient coordinates (photographs, plain PNG): neither is drawn.
enum class SliceMarks { kNone, kLettersAndScale };
void draw_marks(Picture& picture,
                const Geometry& geometry,
                const SliceView& view,
                SliceMarks marks);

// The same for a picture that is already drawn: letters at its borders (of LRAPSI; empty for none),
// and a scale bar where the side of a pixel is known.
struct PictureMarks {
  std::string left, right, top, bottom;
  double pixel_mm = 0;  // 0: no scale bar
};

void draw_picture_marks(Picture& picture, const PictureMarks& marks);

// 1, 2 or 5 times a power of ten, at most 0.35 of `width_mm`.
[[nodiscard]] double scale_bar_mm(double width_mm);

// Axial, coronal and sagittal pictures through the voxel `centre` with letters and scale bar.
[[nodiscard]] std::vector<Picture> three_planes(const Volume& volume,
                                                const Size3& centre,
                                                const IntensityWindow& window,
                                                std::int64_t longest_side);

}  // namespace marrow
