#include <algorithm>
#include <limits>

#include "clinical/report/picture_panel.h"
#include "clinical/report/report_sections.h"

namespace marrow {

namespace {

constexpr std::int64_t kTripletPixels = 360;

// How hidden voxels are drawn.
Html hidden_legend() {
  const Geometry grid =
      make_geometry({34, 18, 1}, {1, 1, 1}, {0, 0, 0}, Eigen::Matrix3d::Identity());
  const Volume hidden = make_grid<float>(grid, std::numeric_limits<float>::quiet_NaN());
  SliceView view;
  view.longest_side = 68;
  return html_element("ul",
                      {{"class", "legend"}},
                      picture_legend_item(render_slice(hidden, view, {}),
                                          "hidden: the network saw nothing of this block")) +
         html_code("\n");
}

}  // namespace

Html report_reconstructions(const ReportInput& input) {
  if (input.reconstructions.empty()) {
    return {};
  }
  const bool hatched = std::any_of(input.reconstructions.begin(),
                                   input.reconstructions.end(),
                                   [](const auto& triplet) { return triplet.hidden_known; });
  Html content =
      html_element("h3", html_text("What the encoder filled in")) +
      html_paragraph(
          std::string("Left: the image. Middle: what the network saw; hidden blocks are ") +
          (hatched ? "hatched" : "dark") +
          ". Right: its restoration. Restored parts are estimates and show no anatomy of a "
          "patient." +
          (input.true_contrast ? " The network restores patterns only: each restored block is "
                                 "drawn with the brightness and contrast of the true one."
                               : ""));
  if (hatched) {
    content += hidden_legend();
  }
  for (const ReconstructionPictures& triplet : input.reconstructions) {
    const Geometry& geometry = triplet.original.geometry;
    require_picture_grid(triplet.key, geometry, triplet.masked.geometry);
    require_picture_grid(triplet.key, geometry, triplet.restored.geometry);
    const IntensityWindow window =
        triplet.window ? *triplet.window : robust_window(triplet.original);
    SliceView view;
    view.normal = best_normal(geometry);
    view.index = geometry.size[static_cast<std::size_t>(view.normal)] / 2;
    view.longest_side = kTripletPixels;
    const std::string plane =
        triplet.patient_geometry ? plane_name(slice_axes(geometry, view.normal).plane) + " " : "";
    const std::string where =
        ", example " + triplet.key + ", " + plane + "slice " + count_text(view.index + 1);
    const auto picture = [&](const Volume& volume) {
      Picture drawn = render_slice(volume, view, window);
      draw_marks(drawn,
                 geometry,
                 view,
                 triplet.patient_geometry ? SliceMarks::kLettersAndScale : SliceMarks::kNone);
      return drawn;
    };
    content += html_element(
        "div",
        {{"class", "case"}},
        html_element("p",
                     {{"class", "quiet"}},
                     html_text("Example " + triplet.key + ", " + plane + "slice " +
                               count_text(view.index + 1) + "; " + window_text(window) + ".")) +
            html_element(
                "div",
                {{"class", "panels three"}},
                picture_panel(picture(triplet.original), "Original", "Original" + where) +
                    picture_panel(picture(triplet.masked), "Masked", "Masked input" + where) +
                    picture_panel(
                        picture(triplet.restored), "Restored", "Restored by the network" + where)));
    content += html_code("\n");
  }
  return content;
}

}  // namespace marrow
