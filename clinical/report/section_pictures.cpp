#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>

#include "clinical/report/picture_panel.h"
#include "clinical/report/report_sections.h"
#include "core/error.h"

namespace marrow {

namespace {

constexpr std::int64_t kPanelPixels = 400;
constexpr std::size_t kMostFrames = 24;
constexpr double kCropBelow = 0.4;   // of the picture's side: smaller structures are shown cropped
constexpr double kCropMargin = 0.6;  // of the structure's extent, on each side
constexpr double kLeastCropMm = 40;

struct Labelled {
  SliceBox box;                     // of all labels of both maps
  std::vector<std::int64_t> areas;  // reference voxels a slice
  bool any = false;
};

Labelled labelled(const CasePictures& pictures, int normal) {
  const Size3& size = pictures.image.geometry.size;
  Labelled result;
  result.areas.resize(static_cast<std::size_t>(size[static_cast<std::size_t>(normal)]), 0);
  result.box = {size, {-1, -1, -1}};
  for (std::int64_t k = 0; k < size[2]; ++k) {
    for (std::int64_t j = 0; j < size[1]; ++j) {
      for (std::int64_t i = 0; i < size[0]; ++i) {
        const bool expected = pictures.reference.at(i, j, k) != 0;
        if (!expected && pictures.prediction.at(i, j, k) == 0) {
          continue;
        }
        const Size3 voxel{i, j, k};
        for (std::size_t axis = 0; axis < 3; ++axis) {
          result.box.first[axis] = std::min(result.box.first[axis], voxel[axis]);
          result.box.last[axis] = std::max(result.box.last[axis], voxel[axis]);
        }
        result.areas[static_cast<std::size_t>(voxel[static_cast<std::size_t>(normal)])] +=
            expected ? 1 : 0;
        result.any = true;
      }
    }
  }
  if (!result.any) {
    result.box = whole_slice_box(pictures.image.geometry);
  }
  return result;
}

// Around the structures with a margin, when they are small in the picture; else everything.
std::optional<SliceBox> crop_box(const Geometry& geometry, const Labelled& labels, int normal) {
  double largest = 0;
  double largest_all = 0;
  for (int axis = 0; axis < 3; ++axis) {
    const auto a = static_cast<std::size_t>(axis);
    if (axis != normal) {
      const auto extent = static_cast<double>(labels.box.last[a] - labels.box.first[a] + 1);
      largest = std::max(largest, extent * geometry.spacing[axis]);
      largest_all =
          std::max(largest_all, static_cast<double>(geometry.size[a]) * geometry.spacing[axis]);
    }
  }
  const double side = std::max(largest * (1 + 2 * kCropMargin), kLeastCropMm);
  if (!labels.any || largest > kCropBelow * largest_all || side > 0.8 * largest_all) {
    return std::nullopt;
  }
  SliceBox box = whole_slice_box(geometry);
  for (int axis = 0; axis < 3; ++axis) {
    const auto a = static_cast<std::size_t>(axis);
    const std::int64_t count = std::min(
        geometry.size[a], std::max<std::int64_t>(1, std::llround(side / geometry.spacing[axis])));
    const std::int64_t middle = (labels.box.first[a] + labels.box.last[a]) / 2;
    box.first[a] = std::clamp<std::int64_t>(middle - count / 2, 0, geometry.size[a] - count);
    box.last[a] = box.first[a] + count - 1;
  }
  return box;
}

struct CaseView {
  const CasePictures* pictures = nullptr;
  SliceView view;
  IntensityWindow window;
  SliceMarks marks = SliceMarks::kLettersAndScale;
};

std::string slice_words(const CaseView& view, std::int64_t index) {
  const Geometry& geometry = view.pictures->image.geometry;
  const auto normal = static_cast<std::size_t>(view.view.normal);
  return (view.pictures->patient_geometry
              ? plane_name(slice_axes(geometry, view.view.normal).plane) + " "
              : std::string()) +
         "slice " + count_text(index + 1) + " of " + count_text(geometry.size[normal]);
}

Html frame(const CaseView& view, std::int64_t index, bool hidden) {
  const CasePictures& pictures = *view.pictures;
  SliceView slice = view.view;
  slice.index = index;
  const Picture image = render_slice(pictures.image, slice, view.window);
  const auto marked = [&](Picture picture) {
    draw_marks(picture, pictures.image.geometry, slice, view.marks);
    return picture;
  };
  Picture reference = image;
  draw_outlines(reference, pictures.reference, slice);
  Picture prediction = image;
  draw_outlines(prediction, pictures.prediction, slice);
  Picture difference = image;
  draw_difference(difference, pictures.reference, pictures.prediction, slice);

  const std::string words = slice_words(view, index);
  const std::string where = ", case " + pictures.key + ", " + words;
  HtmlAttributes attributes{{"class", "panels"}, {"data-name", words}};
  if (hidden) {
    attributes.emplace_back("hidden", "hidden");
  }
  return html_element(
             "div",
             attributes,
             picture_panel(marked(image), "Image", "Image" + where) +
                 picture_panel(
                     marked(reference), "Reference", "Expert's outlines over the image" + where) +
                 picture_panel(marked(prediction),
                               "Prediction",
                               "Predicted outlines over the image" + where) +
                 picture_panel(marked(difference),
                               "Difference",
                               "Where prediction and reference differ" + where)) +
         html_code("\n");
}

// The slices of a slider: about evenly spaced over `first` ... `last`, always with `shown`.
std::vector<std::int64_t> frame_slices(std::int64_t first,
                                       std::int64_t last,
                                       std::int64_t shown,
                                       std::size_t most) {
  const std::int64_t count = last - first + 1;
  const auto stride = static_cast<std::int64_t>(
      std::ceil(static_cast<double>(count) / static_cast<double>(std::max<std::size_t>(most, 1))));
  std::vector<std::int64_t> slices;
  for (std::int64_t index = shown - (shown - first) / stride * stride; index <= last;
       index += stride) {
    slices.push_back(index);
  }
  return slices;
}

Html slider(std::size_t frames, std::size_t shown, const std::string& key) {
  const std::string id = "slices-" + key;
  return html_element("div",
                      {{"class", "slider"}, {"hidden", "hidden"}},
                      html_element("label", {{"for", id}}, html_text("Slices")) +
                          html_leaf("input",
                                    {{"type", "range"},
                                     {"id", id},
                                     {"min", "0"},
                                     {"max", std::to_string(frames - 1)},
                                     {"value", std::to_string(shown)},
                                     {"autocomplete", "off"}}) +
                          html_element("output", {{"for", id}}, Html{})) +
         html_code("\n");
}

Html case_words(const CaseView& view, bool cropped) {
  const CasePictures& pictures = *view.pictures;
  std::string words = slice_words(view, view.view.index) + ", the one with the largest reference";
  if (pictures.image.geometry.size[static_cast<std::size_t>(view.view.normal)] == 1) {
    words = "single slice";
  }
  words += "; " + window_text(view.window);
  if (cropped) {
    words += "; cropped to the structures";
  }
  words += pictures.patient_geometry
               ? "; letters name the patient's side"
               : "; the image has no patient coordinates, so no sides and no scale";
  words[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(words[0])));
  return html_element("p", {{"class", "quiet"}}, html_text(words + "."));
}

Html case_block(const CasePictures& pictures, std::size_t number, std::size_t byte_limit) {
  require_picture_grid(pictures.key, pictures.image.geometry, pictures.reference.geometry);
  require_picture_grid(pictures.key, pictures.image.geometry, pictures.prediction.geometry);
  const Geometry& geometry = pictures.image.geometry;
  CaseView view;
  view.pictures = &pictures;
  view.window = pictures.window ? *pictures.window : robust_window(pictures.image);
  view.marks = pictures.patient_geometry ? SliceMarks::kLettersAndScale : SliceMarks::kNone;
  view.view.normal = best_normal(geometry);
  view.view.longest_side = kPanelPixels;
  const Labelled labels = labelled(pictures, view.view.normal);
  view.view.crop = crop_box(geometry, labels, view.view.normal);
  const auto largest = std::max_element(labels.areas.begin(), labels.areas.end());
  view.view.index = *largest > 0 ? largest - labels.areas.begin()
                                 : static_cast<std::int64_t>(labels.areas.size()) / 2;

  // The labelled slices and one or two around them.
  const auto normal = static_cast<std::size_t>(view.view.normal);
  const std::int64_t first = std::max<std::int64_t>(0, labels.box.first[normal] - 1);
  const std::int64_t last = std::min(geometry.size[normal] - 1, labels.box.last[normal] + 1);
  const Html shown = frame(view, view.view.index, false);
  const std::size_t affordable = byte_limit / std::max<std::size_t>(shown.code.size(), 1);
  const std::vector<std::int64_t> slices = frame_slices(
      first, last, view.view.index, std::clamp<std::size_t>(affordable, 1, kMostFrames));
  Html frames;
  std::size_t shown_at = 0;
  for (std::size_t i = 0; i < slices.size(); ++i) {
    if (slices[i] == view.view.index) {
      shown_at = i;
      frames += shown;
    } else if (affordable > 1) {
      frames += frame(view, slices[i], true);
    }
  }
  Html title;
  if (!pictures.rank.empty()) {
    title += html_element("span", {{"class", "rank"}}, html_text(pictures.rank)) + html_text(" ");
  }
  title += html_text("Case " + pictures.key);
  if (pictures.score.known()) {
    title += html_text(", Dice " + number_text(pictures.score.value));
  }
  Html content = html_element("h3", title) + html_code("\n") +
                 case_words(view, view.view.crop.has_value()) + html_code("\n") + frames;
  if (slices.size() > 1 && affordable > 1) {
    content += slider(slices.size(), shown_at, std::to_string(number));
  }
  return html_element("div", {{"class", "case"}}, content) + html_code("\n");
}

}  // namespace

Html report_case_pictures(const ReportInput& input, std::size_t byte_limit) {
  if (input.cases.empty()) {
    return {};
  }
  for (const CasePictures& pictures : input.cases) {
    require_picture_grid(pictures.key, pictures.image.geometry, pictures.reference.geometry);
    require_picture_grid(pictures.key, pictures.image.geometry, pictures.prediction.geometry);
  }
  Html content = html_paragraph(
                     "Cases were chosen by their score, not by their looks. White outline in the "
                     "last picture: the reference.") +
                 html_code("\n") + report_picture_legend(input);
  for (std::size_t i = 0; i < input.cases.size(); ++i) {
    content += case_block(input.cases[i], i + 1, byte_limit / input.cases.size());
  }
  return content;
}

}  // namespace marrow
