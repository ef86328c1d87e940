#include "clinical/report/picture_panel.h"

#include <algorithm>

#include "core/error.h"

namespace marrow {

namespace {

std::string class_name(const std::vector<LabelClass>& classes, std::uint16_t label) {
  const auto found = std::find_if(classes.begin(), classes.end(), [&](const LabelClass& c) {
    return c.value == static_cast<std::int64_t>(label);
  });
  return found == classes.end() ? "class " + std::to_string(label) : found->name;
}

Picture sample_picture(bool difference, std::uint16_t expected, std::uint16_t found) {
  const Geometry geometry =
      make_geometry({34, 18, 1}, {1, 1, 1}, {0, 0, 0}, Eigen::Matrix3d::Identity());
  LabelMap reference = make_grid<std::uint16_t>(geometry);
  LabelMap prediction = make_grid<std::uint16_t>(geometry);
  for (std::int64_t j = 2; j < 16; ++j) {
    for (std::int64_t i = 3; i < 31; ++i) {
      reference.at(i, j, 0) = expected;
      prediction.at(i, j, 0) = found;
    }
  }
  SliceView view;
  view.longest_side = 68;
  Picture picture = make_picture(68, 36, {60, 60, 60});
  if (difference) {
    draw_difference(picture, reference, prediction, view);
  } else {
    draw_outlines(picture, reference, view);
  }
  return picture;
}

}  // namespace

Html picture_panel(const Picture& picture,
                   const std::string& caption,
                   const std::string& alternative) {
  return html_element("figure",
                      html_leaf("img",
                                {{"src", png_data_uri(picture)},
                                 {"alt", alternative},
                                 {"width", std::to_string(picture.width)},
                                 {"height", std::to_string(picture.height)}}) +
                          html_element("figcaption", html_text(caption))) +
         html_code("\n");
}

void require_picture_grid(const std::string& key, const Geometry& image, const Geometry& other) {
  const std::string difference = geometry_difference(image, other);
  if (!difference.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                "report: the pictures of case " + key + " lie on different grids: " + difference);
  }
}

Html picture_legend_item(const Picture& sample, const std::string& words) {
  return html_element("li",
                      html_leaf("img",
                                {{"src", png_data_uri(sample)},
                                 {"alt", ""},
                                 {"width", std::to_string(sample.width / 2)},
                                 {"height", std::to_string(sample.height / 2)}}) +
                          html_text(words));
}

Html report_picture_legend(const ReportInput& input) {
  std::vector<std::uint16_t> present;
  bool wrong_class = false;
  for (const CasePictures& pictures : input.cases) {
    for (std::size_t i = 0; i < pictures.reference.voxels.size(); ++i) {
      const std::uint16_t a = pictures.reference.voxels[i];
      const std::uint16_t b = pictures.prediction.voxels[i];
      for (const std::uint16_t label : {a, b}) {
        if (label != 0 && std::find(present.begin(), present.end(), label) == present.end()) {
          present.push_back(label);
        }
      }
      wrong_class = wrong_class || (a != 0 && b != 0 && a != b);
    }
  }
  std::sort(present.begin(), present.end());
  Html items;
  for (const std::uint16_t label : present) {
    items +=
        picture_legend_item(sample_picture(false, label, label), class_name(input.classes, label));
  }
  items += picture_legend_item(sample_picture(true, 1, 0), "missed by the prediction");
  items += picture_legend_item(sample_picture(true, 0, 1), "added by the prediction");
  if (wrong_class) {
    items += picture_legend_item(sample_picture(true, 1, 2), "other structure");
  }
  return html_element("ul", {{"class", "legend"}}, items) + html_code("\n");
}

}  // namespace marrow
