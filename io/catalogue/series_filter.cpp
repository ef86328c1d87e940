#include "io/catalogue/series_filter.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include <fmt/format.h>

#include "core/error.h"
#include "core/text.h"

namespace marrow {

namespace {

constexpr std::array<std::string_view, 4> kPlanes{"sagittal", "coronal", "axial", "oblique"};
constexpr double kPlaneDegrees = 20;

bool has_any_word(const std::string& text, const std::vector<std::string>& words) {
  return std::any_of(words.begin(), words.end(), [&](const std::string& word) {
    return !word.empty() && text.find(word) != std::string::npos;
  });
}

}  // namespace

void check_select(const SelectOptions& options) {
  for (const std::string& plane : options.planes) {
    if (std::find(kPlanes.begin(), kPlanes.end(), plane) == kPlanes.end()) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("select.planes: expected axial, coronal, sagittal or oblique, found "
                              "\"{}\"",
                              printable(plane)));
    }
  }
  const std::vector<double>& range = options.thickness_mm;
  if (!range.empty() && (range.size() != 2 || range[0] > range[1])) {
    throw Error(ErrorCode::kInvalidArgument,
                "select.thickness_mm: expected the smallest and the largest distance in mm, such "
                "as [0.5, 3], or nothing");
  }
}

std::string_view slice_plane(const SeriesRecord& record) {
  if (!record.geometry) {
    return {};
  }
  const Eigen::Vector3d normal = record.geometry->direction.col(2).cwiseAbs();
  Eigen::Index axis = 0;
  const double along = std::min(1.0, normal.maxCoeff(&axis));
  const double degrees = std::acos(along) * 180 / std::numbers::pi;
  return degrees <= kPlaneDegrees ? kPlanes[static_cast<std::size_t>(axis)] : kPlanes[3];
}

std::string not_wanted_because(const SeriesRecord& record, const SelectOptions& options) {
  const std::string_view plane = slice_plane(record);
  if (!options.planes.empty() &&
      std::find(options.planes.begin(), options.planes.end(), plane) == options.planes.end()) {
    return fmt::format("{} slices, wanted {}", plane, join(options.planes, " or "));
  }
  const std::string kernel = named_text(record.facts, "kernel");
  if (!options.kernels.empty() &&
      std::none_of(options.kernels.begin(), options.kernels.end(), [&](const std::string& start) {
        return kernel.starts_with(start);
      })) {
    return fmt::format("kernel {}, wanted {}",
                       kernel.empty() ? "not stated" : kernel,
                       join(options.kernels, " or "));
  }
  if (options.thickness_mm.size() == 2) {
    const double step = record.geometry ? record.geometry->spacing[2] : 0;
    if (step < options.thickness_mm[0] || step > options.thickness_mm[1]) {
      return fmt::format("{:g} mm from slice to slice, wanted {:g} to {:g}",
                         step,
                         options.thickness_mm[0],
                         options.thickness_mm[1]);
    }
  }
  const bool contrast = named_text(record.facts, "contrast") == "yes";
  if (options.contrast != "any" && contrast != (options.contrast == "yes")) {
    return contrast ? "with contrast agent, wanted without"
                    : "no contrast agent stated, wanted with";
  }
  if (record.geometry) {
    const std::int64_t slices =
        *std::min_element(record.geometry->size.begin(), record.geometry->size.end());
    if (slices < options.minimum_slices) {
      return fmt::format("{} slices, wanted {} or more", slices, options.minimum_slices);
    }
  }
  if (const std::string type = named_text(record.facts, "image_type");
      has_any_word(type, options.exclude)) {
    return fmt::format("image type {}", type);
  }
  return {};
}

}  // namespace marrow
