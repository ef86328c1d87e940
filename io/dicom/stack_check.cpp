#include "io/dicom/stack_check.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include <Eigen/Geometry>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/error.h"
#include "core/text.h"

namespace marrow {

namespace {

constexpr std::size_t kPositionsNamed = 5;  // in one sentence

// Columns: row direction, column direction, normal; the nearest rotation to what the header rounds.
Eigen::Matrix3d stack_axes(const DicomHeader& header) {
  const auto& o = header.orientation.value();
  const Eigen::Vector3d row(o[0], o[1], o[2]);
  const Eigen::Vector3d column(o[3], o[4], o[5]);
  // The error is shared by both, as the polar decomposition would.
  const Eigen::Vector3d sum = (row.normalized() + column.normalized()).normalized();
  const Eigen::Vector3d difference = (row.normalized() - column.normalized()).normalized();
  Eigen::Matrix3d axes;
  axes.col(0) = (sum + difference).normalized();
  axes.col(1) = (sum - difference).normalized();
  axes.col(2) = axes.col(0).cross(axes.col(1));
  return axes;
}

Eigen::Vector3d stack_position(const DicomHeader& header) {
  const auto& p = header.position.value();
  return {p[0], p[1], p[2]};
}

double stack_median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// "12.50, 15.50, 18.50 and 3 more".
std::string named_positions(const std::vector<double>& positions) {
  const std::size_t shown = std::min(positions.size(), kPositionsNamed);
  std::string text = fmt::format(
      "{:.2f}", fmt::join(positions.begin(), positions.begin() + static_cast<long>(shown), ", "));
  if (positions.size() > shown) {
    text += fmt::format(" and {} more", positions.size() - shown);
  }
  return text;
}

class StackChecker {
 public:
  explicit StackChecker(std::span<const DicomHeader> slices) : slices_(slices) {}

  StackCheck check() {
    MARROW_CHECK(!slices_.empty());
    if (mixed()) {
      return result_;
    }
    sort();
    if (single() || repeated() || mixed_rescale() || tilted() || gaps() || drift()) {
      return result_;
    }
    make_grid_of_stack();
    return result_;
  }

 private:
  [[nodiscard]] const DicomHeader& at(std::size_t k) const { return slices_[result_.order[k]]; }

  bool refuse(const char* code, std::string sentence, std::string tolerance = "") {
    result_.reason_code = code;
    result_.reason = std::move(sentence);
    result_.tolerance = std::move(tolerance);
    return true;
  }

  bool mixed() {
    for (const DicomHeader& slice : slices_) {
      if (slice.series_uid != slices_[0].series_uid) {
        return refuse("mixed-series", "the files belong to more than one series");
      }
      if (!same_plane(slice, slices_[0])) {
        return refuse(
            "mixed-series",
            "the slices differ in rows, columns, direction, pixel spacing or frame of reference",
            fmt::format("directions within {:g}, pixel spacing within {:g} of its value",
                        kOrientationTolerance,
                        kSpacingToleranceRelative));
      }
    }
    return false;
  }

  void sort() {
    axes_ = stack_axes(slices_[0]);
    std::vector<double> along(slices_.size());
    std::transform(slices_.begin(), slices_.end(), along.begin(), [&](const DicomHeader& slice) {
      return stack_position(slice).dot(axes_.col(2));
    });
    result_.order.resize(slices_.size());
    std::iota(result_.order.begin(), result_.order.end(), std::size_t{0});
    std::stable_sort(result_.order.begin(), result_.order.end(), [&](std::size_t a, std::size_t b) {
      return along[a] < along[b];
    });
    result_.positions_mm.reserve(slices_.size());
    for (const std::size_t index : result_.order) {
      result_.positions_mm.push_back(along[index]);
    }
    for (std::size_t k = 1; k < slices_.size(); ++k) {
      steps_.push_back(result_.positions_mm[k] - result_.positions_mm[k - 1]);
    }
    if (!steps_.empty()) {
      result_.median_step_mm = stack_median(steps_);
    }
  }

  bool single() {
    return slices_.size() < 2 && refuse("single-slice", "one slice only: a picture, not a volume");
  }

  // Slices that lost their rescale would keep the stored values, in CT 1024 HU too high, among
  // others in HU.
  bool mixed_rescale() {
    const auto without = std::count_if(slices_.begin(), slices_.end(), [](const DicomHeader& h) {
      return h.traits.contains("no_rescale");
    });
    return without != 0 && without != static_cast<std::ptrdiff_t>(slices_.size()) &&
           refuse("mixed-rescale",
                  fmt::format("{} of {} slices state no rescale while the others do, so that their "
                              "values have no common unit",
                              without,
                              slices_.size()));
  }

  bool repeated() {
    std::vector<double> places;
    for (std::size_t k = 0; k < steps_.size(); ++k) {
      const bool new_place =
          places.empty() || result_.positions_mm[k] - places.back() >= kSamePositionMm;
      if (steps_[k] < kSamePositionMm && new_place) {
        places.push_back(result_.positions_mm[k]);
      }
    }
    return !places.empty() &&
           refuse("repeated-positions",
                  fmt::format("{} slices at {} positions: {} position(s) hold more than one slice "
                              "(at {} mm), and no header "
                              "field tells the volumes apart",
                              slices_.size(),
                              slices_.size() - repeats(),
                              places.size(),
                              named_positions(places)),
                  fmt::format("positions differ by at least {:g} mm", kSamePositionMm));
  }

  [[nodiscard]] std::size_t repeats() const {
    return static_cast<std::size_t>(std::count_if(
        steps_.begin(), steps_.end(), [](double step) { return step < kSamePositionMm; }));
  }

  bool tilted() {
    const Eigen::Vector3d way = stack_position(at(slices_.size() - 1)) - stack_position(at(0));
    angle_ = std::acos(std::clamp(way.normalized().dot(axes_.col(2)), -1.0, 1.0)) * 180 /
             std::numbers::pi;
    const auto tag = std::max_element(
        slices_.begin(), slices_.end(), [](const DicomHeader& a, const DicomHeader& b) {
          return std::abs(a.gantry_tilt_degrees) < std::abs(b.gantry_tilt_degrees);
        });
    stated_tilt_ = tag->gantry_tilt_degrees;
    if (angle_ > kTiltToleranceDegrees) {
      const Eigen::Vector3d step = way / static_cast<double>(slices_.size() - 1);
      result_.shear_mm = Eigen::Vector2d(step.dot(axes_.col(0)), step.dot(axes_.col(1)));
      return false;
    }
    // Whole grids whose header states a tilt are seen; sheared ones whose header does not, too.
    return std::abs(stated_tilt_) > kTiltToleranceDegrees &&
           refuse("gantry-tilt",
                  fmt::format("the header states a gantry tilt of {:.1f} degrees, but the slices "
                              "are stacked along their normal (within {:.2f} degrees), and nothing "
                              "says which is right",
                              stated_tilt_,
                              angle_),
                  fmt::format("stated tilt of at most {:g} degrees, found {:g}",
                              kTiltToleranceDegrees,
                              stated_tilt_));
  }

  bool gaps() {
    const double median = result_.median_step_mm;
    const double allowed = std::max(kStepToleranceMm, kStepToleranceRelative * median);
    std::vector<double> missing;
    double worst = median;
    bool irregular = false;
    for (std::size_t k = 0; k < steps_.size(); ++k) {
      if (std::abs(steps_[k] - median) <= allowed) {
        continue;
      }
      if (std::abs(steps_[k] - median) > std::abs(worst - median)) {
        worst = steps_[k];
      }
      const double times = std::round(steps_[k] / median);
      irregular = irregular || times < 2 || std::abs(steps_[k] - times * median) > times * allowed;
      for (double n = 1; n < times && missing.size() < 10'000; ++n) {
        missing.push_back(result_.positions_mm[k] + n * median);
      }
    }
    step_ = (result_.positions_mm.back() - result_.positions_mm.front()) /
            static_cast<double>(steps_.size());
    if (worst == median) {
      return false;
    }
    const std::string tolerance =
        fmt::format("steps within {:.3f} mm of {:.3f} mm, found {:.3f} mm", allowed, median, worst);
    if (irregular) {
      return refuse(
          "variable-spacing",
          fmt::format("the step between slices is not constant: {:.2f} mm where {:.2f} mm is usual",
                      worst,
                      median),
          tolerance);
    }
    return refuse("missing-slices",
                  fmt::format("{} slice(s) are missing, at {} mm along the normal: gaps of up to "
                              "{:.2f} mm where the step is "
                              "{:.2f} mm",
                              missing.size(),
                              named_positions(missing),
                              worst,
                              median),
                  tolerance);
  }

  // Small deviations may add up over a stack: every slice must be where the grid will put it.
  bool drift() {
    double worst = 0;
    for (std::size_t k = 0; k < slices_.size(); ++k) {
      const Eigen::Vector3d expected =
          stack_position(at(0)) + static_cast<double>(k) * (step_ * axes_.col(2) + sideways());
      worst = std::max(worst, (stack_position(at(k)) - expected).norm());
    }
    return worst > kDriftToleranceMm &&
           refuse(
               "sheared-stack",
               fmt::format(
                   "a slice lies {:.2f} mm beside the regular grid through the first and the last",
                   worst),
               fmt::format("{:g} mm, found {:.3f}", kDriftToleranceMm, worst));
  }

  // In the plane of the slices, per slice.
  [[nodiscard]] Eigen::Vector3d sideways() const {
    const Eigen::Vector2d shear = result_.shear_mm.value_or(Eigen::Vector2d::Zero());
    return axes_.col(0) * shear.x() + axes_.col(1) * shear.y();
  }

  void make_grid_of_stack() {
    const DicomHeader& first = slices_[0];
    const auto count = static_cast<std::int64_t>(slices_.size());
    Size3 size{first.columns, first.rows, count};
    const Eigen::Vector3d spacing((*first.pixel_spacing)[1], (*first.pixel_spacing)[0], step_);
    Eigen::Vector3d origin = stack_position(at(0));
    for (Eigen::Index axis = 0; result_.shear_mm && axis < 2; ++axis) {
      const double all = (*result_.shear_mm)[axis] * static_cast<double>(count - 1);
      constexpr double kRounding = 1e-6;  // of a pixel: the last digits of the positions
      // A displacement that no header could mean is caught as a volume that is too large.
      const double pixels = std::min(std::ceil(std::abs(all) / spacing[axis] - kRounding), 1e9);
      size[static_cast<std::size_t>(axis)] += static_cast<std::int64_t>(std::max(pixels, 0.0));
      origin += std::min(all, 0.0) * axes_.col(axis);
    }
    if (large(size)) {
      return;
    }
    cross_check();
    result_.geometry = make_geometry(size, spacing, origin, axes_);
    if (result_.shear_mm) {
      result_.reason_code = "gantry-tilt";
      result_.reason = fmt::format(
          "the slices are stacked {:.1f} degrees off their normal (the header states a gantry tilt "
          "of {:.1f} degrees); they are resampled to a grid without shear",
          angle_,
          stated_tilt_);
      result_.tolerance = fmt::format("{:g} degrees, found {:.2f}", kTiltToleranceDegrees, angle_);
    }
  }

  bool large(const Size3& size) {
    __extension__ using Wide = __int128;
    const Wide voxels = static_cast<Wide>(size[0]) * size[1] * size[2];
    return voxels > kMaxStackVoxels &&
           refuse("too-large",
                  fmt::format("{}x{}x{} voxels are more than 2^31", size[0], size[1], size[2]));
  }

  void cross_check() {
    if (slices_[0].photometric == "MONOCHROME1") {
      result_.warnings.emplace_back(
          slices_[0].modality == "MR"
              ? "grey values stored upside down (MONOCHROME1); they are turned upright"
              : "to be shown upside down (MONOCHROME1); values with a unit are kept as they are");
    }
    if (const std::string set = named_text(slices_[0].traits, "texts_replaced"); !set.empty()) {
      result_.warnings.push_back(
          fmt::format("texts of the header hold bytes that are not in its character set ({}); each "
                      "was replaced",
                      set));
    }
    const auto fact = [&](const char* name) -> double {
      return parse_decimal(named_text(slices_[0].facts, name)).value_or(0);
    };
    const double stated = fact("slice_step_mm") > 0 ? fact("slice_step_mm") : fact("thickness_mm");
    if (stated > 0 && std::abs(stated - step_) > kThicknessToleranceRelative * step_) {
      result_.warnings.push_back(fmt::format(
          "positions are {:.3g} mm apart, the header states {:.3g} mm; positions decide",
          step_,
          stated));
    }
    const double smallest =
        std::min({(*slices_[0].pixel_spacing)[0], (*slices_[0].pixel_spacing)[1], step_});
    const double largest =
        std::max({(*slices_[0].pixel_spacing)[0], (*slices_[0].pixel_spacing)[1], step_});
    if (smallest < 0.01 || largest > 100) {
      result_.warnings.push_back(
          fmt::format("unusual spacing: {:g} to {:g} mm", smallest, largest));
    }
  }

  std::span<const DicomHeader> slices_;
  StackCheck result_;
  std::vector<double> steps_;
  Eigen::Matrix3d axes_ = Eigen::Matrix3d::Identity();
  double step_ = 0;
  double angle_ = 0;        // degrees between the way from slice to slice and their normal
  double stated_tilt_ = 0;  // degrees, the largest of the headers
};

}  // namespace

Eigen::Vector3d slice_normal(const DicomHeader& header) {
  return stack_axes(header).col(2);
}

bool same_plane(const DicomHeader& a, const DicomHeader& b) {
  if (a.rows != b.rows || a.columns != b.columns ||
      a.frame_of_reference_uid != b.frame_of_reference_uid ||
      a.orientation.has_value() != b.orientation.has_value() ||
      a.pixel_spacing.has_value() != b.pixel_spacing.has_value()) {
    return false;
  }
  for (std::size_t n = 0; a.orientation && n < 6; ++n) {
    if (std::abs((*a.orientation)[n] - (*b.orientation)[n]) > kOrientationTolerance) {
      return false;
    }
  }
  for (std::size_t n = 0; a.pixel_spacing && n < 2; ++n) {
    if (std::abs((*a.pixel_spacing)[n] - (*b.pixel_spacing)[n]) >
        kSpacingToleranceRelative * std::abs((*a.pixel_spacing)[n])) {
      return false;
    }
  }
  return true;
}

StackCheck check_stack(std::span<const DicomHeader> slices) {
  return StackChecker(slices).check();
}

std::vector<std::size_t> uniform_parts(const std::vector<double>& positions_mm) {
  constexpr std::size_t kMostParts = 4;
  constexpr std::size_t kFewestSlices = 3;
  const auto same = [](double a, double b) {
    return std::abs(a - b) <= std::max(kStepToleranceMm, kStepToleranceRelative * std::min(a, b));
  };
  std::vector<std::size_t> ends;
  double last_step = 0;
  for (std::size_t first = 0; first < positions_mm.size();) {
    if (positions_mm.size() - first < kFewestSlices || ends.size() == kMostParts) {
      return {};
    }
    const double step = positions_mm[first + 1] - positions_mm[first];
    std::size_t end = first + 2;
    while (end < positions_mm.size() && same(positions_mm[end] - positions_mm[end - 1], step)) {
      ++end;
    }
    // Between parts there must be no hole: the step over the border is that of one of them.
    const double border = first == 0 ? step : positions_mm[first] - positions_mm[first - 1];
    const bool joined = same(border, step) || same(border, last_step);
    if (end - first < kFewestSlices || !joined || same(step, last_step)) {
      return {};
    }
    ends.push_back(end);
    last_step = step;
    first = end;
  }
  return ends;
}

}  // namespace marrow
