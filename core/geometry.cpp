#include "core/geometry.h"

#include <algorithm>
#include <cmath>

#include <Eigen/LU>
#include <Eigen/SVD>
#include <fmt/format.h>

#include "core/error.h"

namespace marrow {

namespace {

__extension__ using Wide = __int128;  // products of header values never overflow it

constexpr double kDirectionTolerance = 1e-4;
constexpr double kShearTolerance = 1e-3;

[[noreturn]] void refuse_geometry(const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, "geometry: " + what);
}

std::string triple(const Eigen::Vector3d& v) {
  return fmt::format("({:g}, {:g}, {:g})", v[0], v[1], v[2]);
}

}  // namespace

Eigen::Vector3d Geometry::to_physical(const Eigen::Vector3d& index) const {
  return origin + direction * spacing.cwiseProduct(index);
}

Eigen::Vector3d Geometry::to_index(const Eigen::Vector3d& physical) const {
  return (direction.transpose() * (physical - origin)).cwiseQuotient(spacing);
}

Eigen::Matrix4d Geometry::affine() const {
  Eigen::Matrix4d affine = Eigen::Matrix4d::Identity();
  affine.topLeftCorner<3, 3>() = direction * spacing.asDiagonal();
  affine.topRightCorner<3, 1>() = origin;
  return affine;
}

Geometry make_geometry(const Size3& size,
                       const Eigen::Vector3d& spacing,
                       const Eigen::Vector3d& origin,
                       const Eigen::Matrix3d& direction) {
  Wide voxels = 1;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    if (size[axis] < 1) {
      refuse_geometry(fmt::format("expected a size of at least 1 along every axis, found {}x{}x{}",
                                  size[0],
                                  size[1],
                                  size[2]));
    }
    voxels *= size[axis];
    if (voxels > (static_cast<Wide>(1) << 40)) {
      refuse_geometry(fmt::format("{}x{}x{} voxels are more than 2^40", size[0], size[1], size[2]));
    }
  }
  if (!spacing.allFinite() || (spacing.array() <= 0).any()) {
    refuse_geometry("expected a positive, finite spacing along every axis, found " +
                    triple(spacing) + " mm");
  }
  if (!origin.allFinite()) {
    refuse_geometry("the origin " + triple(origin) + " is not finite");
  }
  const Eigen::Matrix3d error = direction.transpose() * direction - Eigen::Matrix3d::Identity();
  if (!direction.allFinite() || error.cwiseAbs().maxCoeff() > kDirectionTolerance) {
    refuse_geometry("the axis directions are not orthonormal within 1e-4");
  }
  return Geometry{size, spacing, origin, direction};
}

Geometry geometry_from_affine(const Size3& size, const Eigen::Matrix4d& affine) {
  const Eigen::Matrix3d columns = affine.topLeftCorner<3, 3>();
  if (!affine.allFinite()) {
    refuse_geometry("the affine holds a value that is not finite");
  }
  Eigen::Vector3d spacing = columns.colwise().norm();
  if ((spacing.array() <= 0).any()) {
    refuse_geometry("an axis of the affine has no length");
  }
  Eigen::Matrix3d direction = columns * spacing.cwiseInverse().asDiagonal();
  const double error =
      (direction.transpose() * direction - Eigen::Matrix3d::Identity()).cwiseAbs().maxCoeff();
  if (error > kShearTolerance) {
    throw Error(
        ErrorCode::kUnsupported,
        fmt::format(
            "geometry: sheared grid, the axes are {:.2g} off orthogonal where 1e-3 is allowed",
            error));
  }
  // Nearest rotation (or reflection): headers store float32, so that tiny errors are ordinary.
  const Eigen::JacobiSVD<Eigen::Matrix3d> svd(direction, Eigen::ComputeFullU | Eigen::ComputeFullV);
  if (error > 1e-9) {
    direction = svd.matrixU() * svd.matrixV().transpose();
  }
  return make_geometry(size, spacing, affine.topRightCorner<3, 1>(), direction);
}

std::string geometry_difference(const Geometry& a, const Geometry& b) {
  if (a.size != b.size) {
    return fmt::format("size {}x{}x{} against {}x{}x{}",
                       a.size[0],
                       a.size[1],
                       a.size[2],
                       b.size[0],
                       b.size[1],
                       b.size[2]);
  }
  if (((a.spacing - b.spacing).array().abs() > 1e-3 * a.spacing.array().max(b.spacing.array()))
          .any()) {
    return "spacing " + triple(a.spacing) + " against " + triple(b.spacing) + " mm";
  }
  if ((a.origin - b.origin).cwiseAbs().maxCoeff() > 1e-2) {
    return "origin " + triple(a.origin) + " against " + triple(b.origin) + " mm";
  }
  if ((a.direction - b.direction).cwiseAbs().maxCoeff() > 1e-4) {
    Eigen::Index row = 0;
    Eigen::Index column = 0;
    (a.direction - b.direction).cwiseAbs().maxCoeff(&row, &column);
    return "direction of axis " + std::string(1, "ijk"[column]) + " " +
           triple(a.direction.col(column)) + " against " + triple(b.direction.col(column));
  }
  return "";
}

std::string describe(const Geometry& geometry) {
  return fmt::format("{}x{}x{} voxels of {:g}x{:g}x{:g} mm at {}",
                     geometry.size[0],
                     geometry.size[1],
                     geometry.size[2],
                     geometry.spacing[0],
                     geometry.spacing[1],
                     geometry.spacing[2],
                     triple(geometry.origin));
}

}  // namespace marrow
