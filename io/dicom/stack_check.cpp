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
#include "io/dicom/dcmtk_session.h"

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
    if (single() || repeated() || tilted() || gaps() || drift() || large()) {
      return result_;
    }
    cross_check();
    const DicomHeader& first = slices_[0];
    const auto count = static_cast<std::int64_t>(slices_.size());
    result_.geometry = make_geometry({first.columns, first.rows, count},
                                     {(*first.pixel_spacing)[1], (*first.pixel_spacing)[0], step_},
                                     stack_position(at(0)),
                                     axes_);
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
    const double angle = std::acos(std::clamp(way.normalized().dot(axes_.col(2)), -1.0, 1.0)) *
                         180 / std::numbers::pi;
    const auto tag = std::max_element(
        slices_.begin(), slices_.end(), [](const DicomHeader& a, const DicomHeader& b) {
          return std::abs(a.gantry_tilt_degrees) < std::abs(b.gantry_tilt_degrees);
        });
    const double tagged = tag->gantry_tilt_degrees;
    if (angle > kTiltToleranceDegrees || std::abs(tagged) > 1e-3) {
      return refuse("gantry-tilt",
                    fmt::format("the slices are stacked {:.1f} degrees off their normal and the "
                                "header states a gantry tilt of "
                                "{:.1f} degrees; a grid cannot hold the shear",
                                angle,
                                tagged),
                    fmt::format("{:g} degrees, found {:.2f}; stated tilt 0, found {:g}",
                                kTiltToleranceDegrees,
                                angle,
                                tagged));
    }
    return false;
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
          stack_position(at(0)) + static_cast<double>(k) * step_ * axes_.col(2);
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

  bool large() {
    const DicomHeader& first = slices_[0];
    __extension__ using Wide = __int128;
    const Wide voxels =
        static_cast<Wide>(first.rows) * first.columns * static_cast<Wide>(slices_.size());
    return voxels > kMaxStackVoxels && refuse("too-large",
                                              fmt::format("{}x{}x{} voxels are more than 2^31",
                                                          first.columns,
                                                          first.rows,
                                                          slices_.size()));
  }

  void cross_check() {
    const auto fact = [&](const char* name) -> double {
      const auto found = slices_[0].facts.find(name);
      return found == slices_[0].facts.end() ? 0 : parse_decimal(found->second).value_or(0);
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

}  // namespace marrow
