#include "io/catalogue/explain.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/text.h"
#include "io/catalogue/catalogue.h"
#include "io/catalogue/series_json.h"
#include "io/dicom/grouping.h"
#include "io/dicom/slice_checks.h"
#include "io/dicom/stack_check.h"

namespace marrow {

namespace {

constexpr std::size_t kGapsShown = 20;

// As far as positions exist; a stack that cannot be placed has none.
void explain_stack(const std::vector<DicomHeader>& slices, SeriesExplanation& explanation) {
  const bool placed =
      !slices.empty() && std::all_of(slices.begin(), slices.end(), [](const DicomHeader& slice) {
        return slice.position && slice.orientation && slice.pixel_spacing;
      });
  const auto unusable = std::find_if(slices.begin(), slices.end(), [](const DicomHeader& slice) {
    return unusable_slice(slice).has_value();
  });
  if (!placed ||
      (unusable != slices.end() && unusable_slice(*unusable)->code == "bad-orientation")) {
    return;
  }
  const StackCheck check = check_stack(slices);
  explanation.positions_mm = check.positions_mm;
  explanation.median_step_mm = check.median_step_mm;
  const double allowed = std::max(kStepToleranceMm, kStepToleranceRelative * check.median_step_mm);
  for (std::size_t k = 1; k < check.positions_mm.size(); ++k) {
    const double step = check.positions_mm[k] - check.positions_mm[k - 1];
    if (std::abs(step - check.median_step_mm) > allowed && explanation.gaps.size() < kGapsShown) {
      explanation.gaps.push_back(
          fmt::format("{:.2f} mm after {:.2f} mm", step, check.positions_mm[k - 1]));
    }
  }
  if (!check.tolerance.empty()) {
    explanation.tolerances.push_back("broken: " + check.tolerance);
    return;
  }
  explanation.tolerances = {
      fmt::format("steps within {:.3f} mm of {:.3f} mm", allowed, check.median_step_mm),
      fmt::format("slices within {:g} mm of the regular grid", kDriftToleranceMm),
      fmt::format("stacking within {:g} degrees of the normal, no gantry tilt",
                  kTiltToleranceDegrees),
      fmt::format("directions equal within {:g}", kOrientationTolerance)};
}

// The slices of a record: its headers, or, where the files hold several slices each, frames or
// tiles.
std::vector<DicomHeader> slices_of(const SeriesRecord& record, std::vector<DicomHeader> headers) {
  const bool one_each = std::none_of(headers.begin(), headers.end(), [](const DicomHeader& header) {
    return header.frames > 1 || header.traits.contains("tile_rows");
  });
  if (one_each) {
    return headers;
  }
  for (DicomStack& stack : group_dicom(std::move(headers))) {
    if (stack.volume == record.volume) {
      return std::move(stack.slices);
    }
  }
  return {};
}

void append_list(std::string& text, const char* title, const std::vector<std::string>& items) {
  for (const std::string& item : items) {
    text += fmt::format("  {:<10} {}\n", &item == items.data() ? title : "", item);
  }
}

}  // namespace

std::string axis_letters(const Geometry& geometry) {
  constexpr std::string_view kTowards = "LPS";
  constexpr std::string_view kAway = "RAI";
  std::string letters;
  for (int axis = 0; axis < 3; ++axis) {
    Eigen::Index largest = 0;
    geometry.direction.col(axis).cwiseAbs().maxCoeff(&largest);
    letters += geometry.direction(largest, axis) > 0 ? kTowards[static_cast<std::size_t>(largest)]
                                                     : kAway[static_cast<std::size_t>(largest)];
  }
  return letters;
}

SeriesExplanation explain_series(const Catalogue& catalogue, const SeriesRecord& record) {
  SeriesExplanation explanation;
  explanation.record = record;
  if (record.geometry) {
    explanation.axes = axis_letters(*record.geometry);
  }
  explain_stack(slices_of(record, catalogue.headers_of(record)), explanation);
  if (const std::string warnings = named_text(record.facts, "warnings"); !warnings.empty()) {
    explanation.warnings = split_words(warnings, '\n');
  }
  if (const std::string series = named_text(record.facts, "series"); !series.empty()) {
    for (const SeriesRecord& other : catalogue.siblings(record)) {
      if (named_text(other.facts, "series") == series && other.key != record.key) {
        explanation.stacks.push_back(fmt::format("{} {} {}",
                                                 other.key,
                                                 verdict_name(other.verdict),
                                                 named_text(other.facts, "told_apart_by")));
      }
    }
  }
  return explanation;
}

std::string explanation_text(const SeriesExplanation& explanation) {
  const SeriesRecord& record = explanation.record;
  std::string text =
      fmt::format("series {}   patient {}   study {}\n", record.key, record.patient, record.study);
  text += fmt::format("  {:<10} {}{}\n",
                      "verdict",
                      verdict_name(record.verdict),
                      record.reason_code.empty() ? "" : " (" + record.reason_code + ")");
  if (!record.reason.empty()) {
    text += fmt::format("  {:<10} {}\n", "why", record.reason);
  }
  text += fmt::format("  {:<10} {}{}, {} file(s){}\n",
                      "kind",
                      record.format,
                      record.modality == Modality::kUnknown
                          ? ""
                          : " " + std::string(modality_name(record.modality)),
                      record.files.size(),
                      record.volumes > 1 ? fmt::format(", {} volumes", record.volumes) : "");
  if (record.geometry) {
    text += fmt::format("  {:<10} {}\n", "grid", describe(*record.geometry));
    text += fmt::format("  {:<10} {} (i, j, k run to)\n", "axes", explanation.axes);
  }
  if (!explanation.positions_mm.empty()) {
    text += fmt::format(
        "  {:<10} {} from {:.2f} to {:.2f} mm along the normal, median step {:.3f} mm\n",
        "slices",
        explanation.positions_mm.size(),
        explanation.positions_mm.front(),
        explanation.positions_mm.back(),
        explanation.median_step_mm);
  }
  append_list(text, "gaps", explanation.gaps);
  append_list(text, "tolerances", explanation.tolerances);
  append_list(text, "warnings", explanation.warnings);
  append_list(text, "siblings", explanation.stacks);
  if (!record.dropped_because.empty()) {
    text += fmt::format("  {:<10} {}\n", "dropped", record.dropped_because);
  }
  for (const auto& [name, value] : record.facts) {
    if (name != "warnings" && name != "series") {
      text += fmt::format(
          "  {:<10} {} = {}\n", &name == &record.facts.begin()->first ? "facts" : "", name, value);
    }
  }
  return text;
}

nlohmann::json explanation_json(const SeriesExplanation& explanation) {
  constexpr std::size_t kWholePath = 4096;
  nlohmann::json object = series_json(explanation.record);
  object["axes"] = explanation.axes;
  object["positions_mm"] = explanation.positions_mm;
  object["median_step_mm"] = explanation.median_step_mm;
  object["gaps"] = explanation.gaps;
  object["tolerances"] = explanation.tolerances;
  object["warnings"] = explanation.warnings;
  object["stacks"] = explanation.stacks;
  object["paths"] = nlohmann::json::array();
  for (const std::filesystem::path& file : explanation.record.files) {
    object["paths"].push_back(printable(file.native(), kWholePath));
  }
  return object;
}

}  // namespace marrow
