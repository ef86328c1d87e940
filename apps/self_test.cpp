#include "apps/self_test.h"

#include <cmath>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/conv3d.h>
#include <ATen/ops/ones.h>
#include <fmt/format.h>

#include "core/digest.h"
#include "core/files.h"
#include "core/geometry.h"
#include "core/rng.h"
#include "core/volume.h"
#include "io/image_source.h"
#include "io/nifti/nifti.h"
#include "volumes/preprocess/recipe.h"

namespace marrow {
namespace {

// Empty when the results agree, else what was expected and found.
using SelfTest = std::function<std::string()>;

Check self_test_run(const std::string& name, const std::string& what, const SelfTest& test) {
  try {
    const std::string difference = test();
    return {name, difference.empty(), difference.empty() ? what : what + ": " + difference};
  } catch (const std::exception& failure) {
    return {name, false, what + ": " + failure.what()};
  }
}

std::string self_test_differs(double expected, double found, double tolerance) {
  if (std::abs(expected - found) <= tolerance) {
    return {};
  }
  return fmt::format(
      "expected {}, found {}; reinstall the program and its libraries", expected, found);
}

std::string self_test_digest() {
  // FIPS 180-2, appendix B.1.
  const std::string digest = sha256_hex(std::string_view("abc"));
  return digest == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
             ? ""
             : "found " + digest;
}

Geometry self_test_grid() {
  Eigen::Matrix3d quarter_turn;  // i -> +P, j -> -L, k -> +S
  quarter_turn << 0, -1, 0, 1, 0, 0, 0, 0, 1;
  return make_geometry({4, 5, 6}, {0.5, 2.0, 3.0}, {10, 20, 30}, quarter_turn);
}

std::string self_test_geometry() {
  const Eigen::Vector3d corner = self_test_grid().to_physical({3, 4, 5});
  return self_test_differs(0, (corner - Eigen::Vector3d(2.0, 21.5, 45.0)).norm(), 1e-9);
}

std::string self_test_file() {
  const TemporaryFolder folder;
  Volume volume = make_grid<float>(self_test_grid());
  for (std::size_t n = 0; n < volume.voxels.size(); ++n) {
    volume.voxels[n] = static_cast<float>(n) - 50;
  }
  const std::filesystem::path file = folder.path() / "ramp.nii.gz";
  write_nifti_int16(file, volume);
  const std::unique_ptr<VolumeSource> source = make_image_source();
  const Volume back = source->volume({"ramp", {file}});
  const std::string difference = geometry_difference(volume.geometry, back.geometry);
  if (!difference.empty()) {
    return difference;
  }
  return back.voxels == volume.voxels ? "" : "the voxels came back changed";
}

std::string self_test_window() {
  Volume volume = make_grid<float>(
      make_geometry({4, 3, 2}, {1, 1, 1}, {0, 0, 0}, Eigen::Matrix3d::Identity()), 40.0F);
  RecipeOptions recipe;
  recipe.modality = "ct";
  recipe.window_hu = {-160, 240};
  // 40 HU is the window's middle, 140 HU half way to its upper end.
  volume.voxels[0] = 140.0F;
  const PreparedVolume prepared = prepare_volume(volume, recipe);
  double sum = 0;
  for (const float value : prepared.volume.voxels) {
    sum += static_cast<double>(value);
  }
  return self_test_differs(0.5, sum, 1e-5);
}

std::string self_test_convolution() {
  const at::Tensor ramp = at::arange(125).to(at::kFloat).reshape({1, 1, 5, 5, 5});
  const at::Tensor result = at::conv3d(ramp, at::ones({1, 1, 3, 3, 3}));
  // 27 neighbours around the middle value, 62.
  return self_test_differs(27 * 62, result[0][0][1][1][1].item<double>(), 1e-2);
}

std::string self_test_order() {
  std::vector<bool> seen(1000, false);
  for (std::uint64_t n = 0; n < seen.size(); ++n) {
    seen[permuted(n, seen.size(), 17)] = true;
  }
  for (const bool one : seen) {
    if (!one) {
      return "the sampling order repeats itself";
    }
  }
  return {};
}

}  // namespace

std::vector<Check> self_test() {
  std::vector<Check> checks;
  checks.push_back(self_test_run("test.digest", "SHA-256 of a known text", self_test_digest));
  checks.push_back(self_test_run("test.geometry", "corner of an oblique grid", self_test_geometry));
  checks.push_back(
      self_test_run("test.order", "sampling order visits everything once", self_test_order));
  checks.push_back(
      self_test_run("test.file", "a NIfTI file through the limited child process", self_test_file));
  checks.push_back(self_test_run("test.window", "the CT window", self_test_window));
  checks.push_back(self_test_run("test.convolution", "a 3D convolution", self_test_convolution));
  return checks;
}

}  // namespace marrow
