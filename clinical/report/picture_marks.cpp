#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "clinical/report/picture.h"
#include "core/error.h"

namespace marrow {

namespace {

constexpr Rgb kMarkColour{255, 255, 255};
constexpr Rgb kHaloColour{0, 0, 0};
constexpr std::int64_t kGlyphWidth = 5;
constexpr std::int64_t kGlyphHeight = 7;
// Pixels of the width, which panels share, for each pixel of a glyph's dot.
constexpr double kMarkShare = 130;

struct Glyph {
  char letter;
  std::array<std::string_view, 7> rows;
};

constexpr std::array<Glyph, 18> kGlyphs{{
    {'0', {" ### ", "#   #", "#  ##", "# # #", "##  #", "#   #", " ### "}},
    {'1', {"  #  ", " ##  ", "  #  ", "  #  ", "  #  ", "  #  ", " ### "}},
    {'2', {" ### ", "#   #", "    #", "   # ", "  #  ", " #   ", "#####"}},
    {'3', {"#####", "   # ", "  #  ", "   # ", "    #", "#   #", " ### "}},
    {'4', {"   # ", "  ## ", " # # ", "#  # ", "#####", "   # ", "   # "}},
    {'5', {"#####", "#    ", "#### ", "    #", "    #", "#   #", " ### "}},
    {'6', {"  ## ", " #   ", "#    ", "#### ", "#   #", "#   #", " ### "}},
    {'7', {"#####", "    #", "   # ", "  #  ", " #   ", " #   ", " #   "}},
    {'8', {" ### ", "#   #", "#   #", " ### ", "#   #", "#   #", " ### "}},
    {'9', {" ### ", "#   #", "#   #", " ####", "    #", "   # ", " ##  "}},
    {'.', {"     ", "     ", "     ", "     ", "     ", " ##  ", " ##  "}},
    {'m', {"     ", "     ", "## # ", "# # #", "# # #", "# # #", "# # #"}},
    {'L', {"#    ", "#    ", "#    ", "#    ", "#    ", "#    ", "#####"}},
    {'R', {"#### ", "#   #", "#   #", "#### ", "# #  ", "#  # ", "#   #"}},
    {'A', {" ### ", "#   #", "#   #", "#####", "#   #", "#   #", "#   #"}},
    {'P', {"#### ", "#   #", "#   #", "#### ", "#    ", "#    ", "#    "}},
    {'S', {" ####", "#    ", "#    ", " ### ", "    #", "    #", "#### "}},
    {'I', {" ### ", "  #  ", "  #  ", "  #  ", "  #  ", "  #  ", " ### "}},
}};

void fill(Picture& picture,
          std::int64_t left,
          std::int64_t top,
          std::int64_t width,
          std::int64_t height,
          Rgb colour) {
  for (std::int64_t y = top; y < top + height; ++y) {
    for (std::int64_t x = left; x < left + width; ++x) {
      if (picture.contains(x, y)) {
        picture.at(x, y) = colour;
      }
    }
  }
}

void draw_dots(Picture& picture,
               std::string_view words,
               std::int64_t left,
               std::int64_t top,
               std::int64_t dot,
               bool halo) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto* const glyph = std::find_if(
        kGlyphs.begin(), kGlyphs.end(), [&](const Glyph& g) { return g.letter == words[i]; });
    if (glyph == kGlyphs.end()) {
      continue;  // a space
    }
    for (std::int64_t row = 0; row < kGlyphHeight; ++row) {
      for (std::int64_t column = 0; column < kGlyphWidth; ++column) {
        if (glyph->rows[static_cast<std::size_t>(row)][static_cast<std::size_t>(column)] != '#') {
          continue;
        }
        const std::int64_t x =
            left + (static_cast<std::int64_t>(i) * (kGlyphWidth + 1) + column) * dot;
        const std::int64_t y = top + row * dot;
        if (halo) {
          fill(picture, x - 1, y - 1, dot + 2, dot + 2, kHaloColour);
        } else {
          fill(picture, x, y, dot, dot, kMarkColour);
        }
      }
    }
  }
}

void draw_words(Picture& picture,
                std::string_view words,
                std::int64_t left,
                std::int64_t top,
                std::int64_t dot) {
  draw_dots(picture, words, left, top, dot, true);
  draw_dots(picture, words, left, top, dot, false);
}

std::int64_t words_width(std::string_view words, std::int64_t dot) {
  return (static_cast<std::int64_t>(words.size()) * (kGlyphWidth + 1) - 1) * dot;
}

std::string millimetres(double length) {
  std::string digits = std::to_string(length);
  digits.erase(digits.find_last_not_of('0') + 1);
  if (digits.ends_with('.')) {
    digits.pop_back();
  }
  return digits + " mm";
}

}  // namespace

double scale_bar_mm(double width_mm) {
  MARROW_CHECK(width_mm > 0);
  const double limit = 0.35 * width_mm;
  const double power = std::pow(10.0, std::floor(std::log10(limit)));
  for (const double factor : {5.0, 2.0}) {
    if (factor * power <= limit) {
      return factor * power;
    }
  }
  return power;
}

void draw_picture_marks(Picture& picture, const PictureMarks& marks) {
  const std::int64_t dot =
      std::max<std::int64_t>(1, std::llround(static_cast<double>(picture.width) / kMarkShare));
  const std::int64_t margin = 2 * dot + 1;
  const std::int64_t letter_height = kGlyphHeight * dot;
  const std::int64_t middle_y = (picture.height - letter_height) / 2;
  const auto centred = [&](const std::string& words) {
    return (picture.width - words_width(words, dot)) / 2;
  };
  draw_words(picture, marks.left, margin, middle_y, dot);
  draw_words(
      picture, marks.right, picture.width - margin - words_width(marks.right, dot), middle_y, dot);
  draw_words(picture, marks.top, centred(marks.top), margin, dot);
  draw_words(
      picture, marks.bottom, centred(marks.bottom), picture.height - margin - letter_height, dot);
  if (!(marks.pixel_mm > 0)) {
    return;
  }
  const double length_mm = scale_bar_mm(static_cast<double>(picture.width) * marks.pixel_mm);
  const std::int64_t length = std::max<std::int64_t>(1, std::llround(length_mm / marks.pixel_mm));
  const std::int64_t bar_top = picture.height - margin - dot;
  fill(picture, margin - 1, bar_top - 1, length + 2, dot + 2, kHaloColour);
  fill(picture, margin, bar_top, length, dot, kMarkColour);
  draw_words(picture, millimetres(length_mm), margin, bar_top - letter_height - 2 * dot, dot);
}

void draw_marks(Picture& picture,
                const Geometry& geometry,
                const SliceView& view,
                SliceMarks marks) {
  if (marks == SliceMarks::kNone) {
    return;
  }
  const SliceRaster raster = slice_raster(geometry, view);
  MARROW_CHECK(picture.width == raster.width && picture.height == raster.height);
  const SliceAxes& axes = raster.axes;
  draw_picture_marks(picture,
                     {axes.left_letters,
                      axes.right_letters,
                      axes.top_letters,
                      axes.bottom_letters,
                      raster.pixel_mm});
}

}  // namespace marrow
