#include "io/nifti/nifti_transform.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include <Eigen/Geometry>
#include <fmt/format.h>

#include "io/file_error.h"

namespace marrow {

namespace {

constexpr double kLargestCoordinate =
    1e6;  // mm; a kilometre from the scanner is damage, not anatomy

[[noreturn]] void refuse_transform(const std::string& name, const std::string& what) {
  throw FileError(ErrorCode::kUnreadable,
                  "bad-transform",
                  name + ": " + what + "; repair the header or leave the file out");
}

// Millimetres per unit of the header's lengths.
double unit_in_mm(int xyzt_units, std::vector<std::string>& warnings) {
  switch (xyzt_units & 7) {
    case 1:
      return 1000;
    case 2:
      return 1;
    case 3:
      return 0.001;
    default:
      warnings.emplace_back("the header names no unit of length; millimetres are assumed");
      return 1;
  }
}

bool usable_pixdim(const NiftiFields& fields) {
  return std::all_of(fields.pixdim.begin() + 1, fields.pixdim.begin() + 4, [](double p) {
    return std::isfinite(p) && p != 0;
  });
}

Eigen::Matrix4d sform_matrix(const NiftiFields& fields) {
  Eigen::Matrix4d matrix = Eigen::Matrix4d::Identity();
  for (int row = 0; row < 3; ++row) {
    for (int column = 0; column < 4; ++column) {
      matrix(row, column) =
          fields.srow[static_cast<std::size_t>(row)][static_cast<std::size_t>(column)];
    }
  }
  return matrix;
}

Eigen::Vector3d pixdim_lengths(const NiftiFields& fields) {
  return {std::abs(fields.pixdim[1]), std::abs(fields.pixdim[2]), std::abs(fields.pixdim[3])};
}

// The standard's method 2. Empty, with the reason in `why`, when the fields make no rotation.
std::optional<Eigen::Matrix4d> qform_matrix(const NiftiFields& fields, std::string& why) {
  double b = fields.quatern[0];
  double c = fields.quatern[1];
  double d = fields.quatern[2];
  const double square = b * b + c * c + d * d;
  if (!std::isfinite(square) || !std::isfinite(fields.pixdim[0]) ||
      !std::all_of(fields.qoffset.begin(), fields.qoffset.end(), [](double o) {
        return std::isfinite(o);
      })) {
    why = "the qform holds values that are not finite";
    return std::nullopt;
  }
  if (!usable_pixdim(fields)) {
    why = fmt::format("the qform needs a voxel spacing, but pixdim is {} x {} x {}",
                      fields.pixdim[1],
                      fields.pixdim[2],
                      fields.pixdim[3]);
    return std::nullopt;
  }
  if (square > 1.001) {
    why = fmt::format("the qform's quaternion has a squared length of {}, more than 1", square);
    return std::nullopt;
  }
  double a = 1 - square;
  if (a < 1e-7) {
    // Half a turn: float rounding may leave the three a little too long.
    const double scale = 1 / std::sqrt(square);
    b *= scale;
    c *= scale;
    d *= scale;
    a = 0;
  } else {
    a = std::sqrt(a);
  }
  Eigen::Vector3d scale = pixdim_lengths(fields);
  if (fields.pixdim[0] < 0) {
    scale.z() = -scale.z();
  }
  Eigen::Matrix4d matrix = Eigen::Matrix4d::Identity();
  matrix.block<3, 3>(0, 0) = Eigen::Quaterniond(a, b, c, d).toRotationMatrix() * scale.asDiagonal();
  matrix.block<3, 1>(0, 3) =
      Eigen::Vector3d(fields.qoffset[0], fields.qoffset[1], fields.qoffset[2]);
  return matrix;
}

double largest_corner_distance(const Eigen::Matrix4d& a,
                               const Eigen::Matrix4d& b,
                               const Size3& size) {
  double largest = 0;
  for (int corner = 0; corner < 8; ++corner) {
    Eigen::Vector4d index(0, 0, 0, 1);
    for (int axis = 0; axis < 3; ++axis) {
      if ((corner >> axis) & 1) {
        index[axis] = static_cast<double>(size[static_cast<std::size_t>(axis)] - 1);
      }
    }
    largest = std::max(largest, ((a - b) * index).norm());
  }
  return largest;
}

bool differ_by_one_percent(const Eigen::Vector3d& a, const Eigen::Vector3d& b) {
  return ((a - b).array().abs() > 0.01 * b.array()).any();
}

struct ChosenTransform {
  Eigen::Matrix4d ras = Eigen::Matrix4d::Identity();  // in the header's unit
  std::string transform;
};

// Both present: sform, but for an identity that only fills the place.
ChosenTransform choose_with_sform(const NiftiFields& fields,
                                  const Size3& size,
                                  double unit,
                                  const std::string& name,
                                  std::vector<std::string>& warnings) {
  const Eigen::Matrix4d sform = sform_matrix(fields);
  if (!sform.allFinite()) {
    refuse_transform(name, "expected a finite sform, found NaN or infinity in it");
  }
  std::string why;
  std::optional<Eigen::Matrix4d> qform;
  if (fields.qform_code > 0) {
    qform = qform_matrix(fields, why);
    if (!qform) {
      warnings.push_back(why + "; the sform is used");
    }
  }
  const Eigen::Matrix3d axes = sform.block<3, 3>(0, 0);
  const Eigen::Vector3d lengths = axes.colwise().norm().transpose();
  if (usable_pixdim(fields)) {
    const Eigen::Vector3d pixdim = pixdim_lengths(fields);
    const bool differ = differ_by_one_percent(lengths, pixdim);
    if (differ && (axes - Eigen::Matrix3d::Identity()).cwiseAbs().maxCoeff() < 1e-6) {
      warnings.push_back(
          fmt::format("the sform is an identity although pixdim is {} x {} x {}: taken as a "
                      "placeholder, the {} is used",
                      pixdim[0],
                      pixdim[1],
                      pixdim[2],
                      qform ? "qform" : "spacing of pixdim"));
      if (qform) {
        return {*qform, "qform"};
      }
      ChosenTransform chosen{sform, "pixdim"};
      chosen.ras.block<3, 3>(0, 0) = pixdim.asDiagonal();
      return chosen;
    }
    if (differ) {
      warnings.push_back(fmt::format(
          "the sform's spacing {} x {} x {} differs from pixdim {} x {} x {}; the sform is used",
          lengths[0],
          lengths[1],
          lengths[2],
          pixdim[0],
          pixdim[1],
          pixdim[2]));
    }
  }
  if (qform) {
    const double distance = unit * largest_corner_distance(sform, *qform, size);
    if (!(distance <= 0.1)) {
      warnings.push_back(fmt::format(
          "sform and qform are {:.3g} mm apart at a corner; the sform is used", distance));
    }
  }
  return {sform, "sform"};
}

ChosenTransform choose_transform(const NiftiFields& fields,
                                 const Size3& size,
                                 double unit,
                                 const std::string& name,
                                 std::vector<std::string>& warnings) {
  if (fields.sform_code > 0) {
    return choose_with_sform(fields, size, unit, name, warnings);
  }
  if (fields.qform_code > 0) {
    std::string why;
    const std::optional<Eigen::Matrix4d> qform = qform_matrix(fields, why);
    if (!qform) {
      refuse_transform(name, why);
    }
    return {*qform, "qform"};
  }
  if (!usable_pixdim(fields)) {
    refuse_transform(name,
                     fmt::format("the header has no sform and no qform, and pixdim {} x {} x "
                                 "{} is no voxel spacing",
                                 fields.pixdim[1],
                                 fields.pixdim[2],
                                 fields.pixdim[3]));
  }
  warnings.emplace_back(
      "the header has neither sform nor qform: only the spacing is known, axes are taken as right, "
      "anterior, superior");
  ChosenTransform chosen{Eigen::Matrix4d::Identity(), "pixdim"};
  chosen.ras.block<3, 3>(0, 0) = pixdim_lengths(fields).asDiagonal();
  return chosen;
}

}  // namespace

NiftiPlacement place_nifti_grid(const NiftiFields& fields,
                                const Size3& size,
                                const std::string& name,
                                std::vector<std::string>& warnings) {
  const double unit = unit_in_mm(fields.xyzt_units, warnings);
  ChosenTransform chosen = choose_transform(fields, size, unit, name, warnings);
  if (chosen.transform != "sform" &&
      std::any_of(
          fields.pixdim.begin() + 1, fields.pixdim.begin() + 4, [](double p) { return p < 0; })) {
    warnings.emplace_back("pixdim has a negative spacing; its absolute value is used");
  }
  Eigen::Matrix4d affine = chosen.ras;
  affine.topRows<3>() *= unit;
  affine.topRows<2>() *= -1;      // NIfTI is RAS, a Geometry LPS: this is the one place that turns
  affine = affine.array() + 0.0;  // no negative zeros
  if (!affine.allFinite() || affine.cwiseAbs().maxCoeff() > kLargestCoordinate) {
    refuse_transform(name,
                     fmt::format("expected a {} within {} mm, found {}",
                                 chosen.transform,
                                 kLargestCoordinate,
                                 affine.cwiseAbs().maxCoeff()));
  }
  const Eigen::Vector3d lengths = affine.block<3, 3>(0, 0).colwise().norm().transpose();
  if (lengths.minCoeff() < 1e-6) {
    refuse_transform(name,
                     fmt::format("expected a voxel spacing above 0, found {} x {} x {} mm in "
                                 "the {}",
                                 lengths[0],
                                 lengths[1],
                                 lengths[2],
                                 chosen.transform));
  }
  if (lengths.minCoeff() < 0.01 || lengths.maxCoeff() > 100) {
    warnings.push_back(fmt::format("the voxel spacing {} x {} x {} mm is outside 0.01 to 100 mm",
                                   lengths[0],
                                   lengths[1],
                                   lengths[2]));
  }
  try {
    return {geometry_from_affine(size, affine), chosen.transform};
  } catch (const Error& error) {
    throw FileError(error.code() == ErrorCode::kUnsupported ? error.code() : ErrorCode::kUnreadable,
                    error.code() == ErrorCode::kUnsupported ? "sheared-grid" : "bad-transform",
                    name + ": " + error.what());
  }
}

}  // namespace marrow
