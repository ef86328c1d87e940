#include "clinical/report/picture_panel.h"
#include "clinical/report/report_sections.h"

namespace marrow {

namespace {

constexpr std::int64_t kTripletPixels = 360;

}  // namespace

Html report_reconstructions(const ReportInput& input) {
  if (input.reconstructions.empty()) {
    return {};
  }
  Html content =
      html_element("h3", html_text("What the encoder filled in")) +
      html_paragraph(
          "Left: the image. Middle: what the network saw; hidden blocks are dark. Right: "
          "its restoration. Restored parts are estimates and show no anatomy of a "
          "patient." +
          std::string(input.true_contrast
                          ? " The network restores patterns only: each restored block is "
                            "drawn with the brightness and contrast of the true one."
                          : ""));
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
