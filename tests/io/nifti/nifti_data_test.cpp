#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <numeric>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "io/nifti/nifti.h"

namespace marrow {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

json read_json(const fs::path& file) {
  // Python writes NaN, which is no JSON.
  std::ifstream in(file);
  std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  for (std::size_t at = text.find(": NaN"); at != std::string::npos; at = text.find(": NaN")) {
    text.replace(at, 5, ": null");
  }
  return json::parse(text);
}

// The largest difference between our LPS grid and a RAS affine of another tool, over its sixteen
// numbers.
double affine_difference(const Geometry& geometry, const json& affine_ras) {
  Eigen::Matrix4d expected;
  for (int row = 0; row < 4; ++row) {
    for (int column = 0; column < 4; ++column) {
      expected(row, column) =
          affine_ras[static_cast<std::size_t>(row)][static_cast<std::size_t>(column)];
    }
  }
  expected.topRows<2>() *= -1;
  return (geometry.affine() - expected).cwiseAbs().maxCoeff();
}

// tests/data/nifti/golden.json: written by make_golden.py there with nibabel 5.4.2.
TEST(NiftiGolden, AgreesWithNibabel) {
  const fs::path folder = fs::path(MARROW_TEST_DATA) / "nifti";
  const nlohmann::json expectations = read_json(folder / "golden.json");
  for (const auto& [name, expected] : expectations.items()) {
    const Volume volume = read_nifti(folder / name);

    EXPECT_EQ(json(volume.geometry.size), expected["size"]) << name;
    EXPECT_LT(affine_difference(volume.geometry, expected["affine_ras"]), 1e-4) << name;
    const auto values = expected["values"].get<std::vector<double>>();
    ASSERT_EQ(values.size(), volume.voxels.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      EXPECT_FLOAT_EQ(volume.voxels[i], static_cast<float>(values[i])) << name << " voxel " << i;
    }
  }
}

// nifti_misc: expected.json is what nibabel reads.
TEST(NiftiMiscData, ReadsWhatItsReadmeExpects) {
  const fs::path folder = fs::path(MARROW_SHARED_DATA) / "nifti_misc";
  if (!fs::exists(folder / "expected.json")) {
    GTEST_SKIP() << folder << " is absent";
  }
  const nlohmann::json expectations = read_json(folder / "expected.json");
  for (const auto& [name, expected] : expectations.items()) {
    const NiftiHeader header = read_nifti_header(folder / name);
    const auto shape = expected["shape"].get<std::vector<std::int64_t>>();
    EXPECT_EQ(header.geometry.size, (Size3{shape[0], shape[1], shape[2]})) << name;
    ASSERT_EQ(header.volumes, shape.size() > 3 ? shape[3] : 1) << name;
    EXPECT_LT(affine_difference(header.geometry, expected["affine"]), 2e-3) << name;
    double sum = 0;
    float least = std::numeric_limits<float>::max();
    float most = std::numeric_limits<float>::lowest();
    for (std::int64_t index = 0; index < header.volumes; ++index) {
      const Volume volume = read_nifti(folder / name, index);
      sum = std::accumulate(volume.voxels.begin(), volume.voxels.end(), sum);
      least = std::min(least, *std::min_element(volume.voxels.begin(), volume.voxels.end()));
      most = std::max(most, *std::max_element(volume.voxels.begin(), volume.voxels.end()));
    }
    const double count = static_cast<double>(header.geometry.voxels() * header.volumes);
    const double mean = expected["mean"].get<double>();
    EXPECT_NEAR(sum / count, mean, 1e-5 * std::abs(mean) + 1e-6) << name;
    EXPECT_FLOAT_EQ(least, expected["min"].get<float>()) << name;
    EXPECT_FLOAT_EQ(most, expected["max"].get<float>()) << name;
  }
}

TEST(HippocampusNiftiData, ReadsEveryImageAndLabelMapOnOneGrid) {
  const fs::path folder = fs::path(MARROW_SHARED_DATA) / "msd_hippocampus";
  if (!fs::exists(folder)) {
    GTEST_SKIP() << folder << " is absent";
  }
  int images = 0;
  int labels = 0;
  for (const char* part : {"imagesTr", "imagesUnlabelled"}) {
    for (const auto& entry : fs::directory_iterator(folder / part)) {
      const Volume volume = read_nifti(entry.path());
      EXPECT_GT(*std::max_element(volume.voxels.begin(), volume.voxels.end()), 100.0F)
          << entry.path();
      ++images;
      const fs::path label_file = folder / "labelsTr" / entry.path().filename();
      if (fs::exists(label_file)) {
        const LabelMap map = read_nifti_labels(label_file);
        EXPECT_EQ(geometry_difference(map.geometry, volume.geometry), "") << entry.path();
        EXPECT_EQ(*std::max_element(map.voxels.begin(), map.voxels.end()), 2) << entry.path();
        ++labels;
      }
    }
  }
  EXPECT_EQ(images, 201);
  EXPECT_EQ(labels, 40);
}

}  // namespace
}  // namespace marrow
