// Series of real scanners against the conversions that their publishers ship with them.

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <map>
#include <numeric>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/files.h"
#include "io/dicom/dicom_header.h"
#include "io/dicom/grouping.h"
#include "io/nifti/nifti.h"
#include "tests/support/dicom_series.h"

namespace marrow {

namespace {

namespace fs = std::filesystem;
using testing::files_below;

const fs::path kSeries = fs::path(MARROW_SHARED_DATA) / "dicom_series";

std::vector<DicomStack> stacks_of(const std::string& name) {
  std::vector<DicomHeader> headers;
  for (const fs::path& file : files_below(kSeries / name / "dicom")) {
    headers.push_back(read_dicom_header(file));
  }
  return group_dicom(headers, {.use_derived = true});
}

Volume read_stack(const DicomStack& stack) {
  std::vector<fs::path> files;
  for (const DicomHeader& slice : stack.slices) {
    if (std::find(files.begin(), files.end(), slice.file) == files.end()) {
      files.push_back(slice.file);
    }
  }
  std::reverse(files.begin(), files.end());
  return read_dicom_stack(files, stack.volume);
}

std::vector<Volume> references_of(const std::string& name) {
  std::vector<Volume> volumes;
  for (const fs::path& file : files_below(kSeries / name / "reference")) {
    if (file.extension() != ".gz") {
      continue;
    }
    const std::int64_t count = read_nifti_header(file).volumes;
    for (std::int64_t n = 0; n < count; ++n) {
      volumes.push_back(read_nifti(file, n));
    }
  }
  return volumes;
}

// Compares two volumes whose axes may be stored in another order or direction: the grids must agree
// within 1e-3 in every element of the affine, the values times `factor` within `absolute`.
std::string difference(const Volume& a, const Volume& b, double factor = 1, double absolute = 0) {
  const Eigen::Matrix4d to_b = b.geometry.affine().inverse() * a.geometry.affine();
  Eigen::Matrix4d whole = to_b;
  for (double& element : whole.reshaped()) {
    element = std::round(element);
  }
  const double off = (b.geometry.affine() * whole - a.geometry.affine()).cwiseAbs().maxCoeff();
  if (!(off < 1e-3)) {
    return fmt::format(
        "grids differ by {:g}: {} and {}", off, describe(a.geometry), describe(b.geometry));
  }
  if (a.voxels.size() != b.voxels.size()) {
    return "another number of voxels: " + describe(a.geometry) + " and " + describe(b.geometry);
  }
  for (std::int64_t k = 0; k < a.geometry.size[2]; ++k) {
    for (std::int64_t j = 0; j < a.geometry.size[1]; ++j) {
      for (std::int64_t i = 0; i < a.geometry.size[0]; ++i) {
        const Eigen::Vector4d place =
            whole * Eigen::Vector4d(
                        static_cast<double>(i), static_cast<double>(j), static_cast<double>(k), 1);
        std::array<std::int64_t, 3> index{};
        for (std::size_t axis = 0; axis < 3; ++axis) {
          index[axis] = std::llround(place[static_cast<Eigen::Index>(axis)]);
          if (index[axis] < 0 || index[axis] >= b.geometry.size[axis]) {
            return "the grids do not cover each other";
          }
        }
        const double ours = static_cast<double>(a.at(i, j, k)) * factor;
        const double theirs = static_cast<double>(b.at(index[0], index[1], index[2]));
        if (std::abs(ours - theirs) > absolute) {
          return fmt::format("{} where {} belongs at {}, {}, {}", ours, theirs, i, j, k);
        }
      }
    }
  }
  return "";
}

double sum_of(const Volume& volume) {
  return std::accumulate(volume.voxels.begin(), volume.voxels.end(), 0.0);
}

class DicomReferenceData : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!fs::exists(kSeries)) {
      GTEST_SKIP() << kSeries.string() << " is not there";
    }
  }
};

TEST_P(DicomReferenceData, EveryVolumeEqualsTheReferenceVoxelByVoxel) {
  const std::string name = GetParam();
  const std::vector<Volume> references = references_of(name);
  const std::vector<DicomStack> stacks = stacks_of(name);

  ASSERT_EQ(stacks.size(), references.size());
  for (std::size_t n = 0; n < stacks.size(); ++n) {
    ASSERT_EQ(stacks[n].verdict, stacks.size() == 1 ? Verdict::kUse : Verdict::kSplit)
        << stacks[n].reason;
    EXPECT_EQ(difference(read_stack(stacks[n]), references[n]), "") << n << " " << stacks[n].reason;
  }
}

INSTANTIATE_TEST_SUITE_P(Series,
                         DicomReferenceData,
                         ::testing::Values("ge_epi_4d_4",
                                           "siemens_12bit",
                                           "siemens_epi_ap",
                                           "siemens_mosaic_ax_asc36",
                                           "siemens_mosaic_cor_asc36",
                                           "siemens_mosaic_jpeg_lossless",
                                           "siemens_mosaic_sag_asc36",
                                           "siemens_t1_hfdr",
                                           "siemens_t1_hfs",
                                           "uih_dti_pa"),
                         [](const auto& instance) { return std::string(instance.param); });

class ScaledReferenceData : public DicomReferenceData {};

// The references carry a private scaling of the vendor, a constant factor away from the standard's;
// the statistics with the standard's are kept beside them.
TEST_P(ScaledReferenceData, EnhancedObjectsEqualTheReferenceUpToTheVendorsFactor) {
  const std::string name = GetParam();
  const auto expected = nlohmann::json::parse(read_text(kSeries / name / "expected.json"))
                            .at("dicom_display_scaling_dcm2niix_p_n");
  const std::vector<Volume> references = references_of(name);
  const std::vector<DicomStack> stacks = stacks_of(name);
  double expected_sum = 0;
  for (const auto& [file, statistics] : expected.items()) {
    expected_sum += statistics.at("sum").get<double>();
  }

  ASSERT_EQ(stacks.size(), references.size());
  double sum = 0;
  std::vector<bool> met(references.size());
  for (std::size_t n = 0; n < stacks.size(); ++n) {
    ASSERT_EQ(stacks[n].verdict, Verdict::kSplit) << stacks[n].reason;
    EXPECT_EQ(stacks[n].volume, static_cast<std::int64_t>(n));
    const Volume volume = read_stack(stacks[n]);
    sum += sum_of(volume);
    // In which order label and control of an arterial spin labelling follow each other is the
    // converter's choice: every reference must be met once.
    std::string last;
    for (std::size_t m = 0; m < references.size(); ++m) {
      const double ratio = sum_of(references[m]) / sum_of(volume);
      const double factor = std::abs(ratio - 1) < 1e-3 ? 1 : ratio;
      const float largest =
          *std::max_element(references[m].voxels.begin(), references[m].voxels.end());
      last = difference(volume, references[m], factor, 1e-4 * static_cast<double>(largest));
      if (last.empty()) {
        EXPECT_FALSE(met[m]);
        met[m] = true;
        break;
      }
    }
    EXPECT_EQ(last, "") << n << " " << stacks[n].reason;
  }
  EXPECT_NEAR(sum / expected_sum, 1, 1e-4);
}

INSTANTIATE_TEST_SUITE_P(Philips,
                         ScaledReferenceData,
                         ::testing::Values("philips_enhanced_asl_source", "philips_enhanced_b0"),
                         [](const auto& instance) { return std::string(instance.param); });

class DicomSpecialData : public DicomReferenceData {};

TEST_F(DicomSpecialData, NineTransferSyntaxesOfOneMosaicGiveOneVolume) {
  const std::vector<Volume> references = references_of("siemens_transfer_syntaxes");
  const std::vector<DicomStack> stacks = stacks_of("siemens_transfer_syntaxes");

  ASSERT_EQ(references.size(), 1U);
  ASSERT_EQ(stacks.size(), 9U);
  for (const DicomStack& stack : stacks) {
    ASSERT_EQ(stack.verdict, Verdict::kSplit) << stack.reason;
    EXPECT_EQ(difference(read_stack(stack), references[0]), "")
        << stack.slices[0].transfer_syntax_uid;
  }
}

TEST_F(DicomSpecialData, ATiltedGantryIsResampledToAGridThatKeepsEverySliceWhereItWas) {
  const std::vector<DicomStack> stacks = stacks_of("philips_ct_gantry_tilt");

  ASSERT_EQ(stacks.size(), 1U);
  ASSERT_EQ(stacks[0].verdict, Verdict::kResample) << stacks[0].reason;
  EXPECT_EQ(stacks[0].reason_code, "gantry-tilt");
  const Volume volume = read_stack(stacks[0]);
  // As the reference's own grid without shear: rows added for the displacement, 2.3708 mm along the
  // normal.
  EXPECT_EQ(volume.geometry.size, (Size3{512, 554, 26}));
  EXPECT_NEAR(volume.geometry.spacing[2], 2.370809, 1e-5);
  double worst_mm = 0;
  for (std::size_t k = 0; k < stacks[0].slices.size(); ++k) {
    const auto& p = *stacks[0].slices[k].position;
    const Eigen::Vector3d index = volume.geometry.to_index({p[0], p[1], p[2]});
    worst_mm = std::max(worst_mm,
                        std::abs(index[2] - static_cast<double>(k)) * volume.geometry.spacing[2]);
    EXPECT_NEAR(index[0], 0, 1e-6);
    EXPECT_GE(index[1], -1e-6);
    EXPECT_LE(index[1], 42.0);
  }
  EXPECT_LT(worst_mm, 0.1);
  // What is added is air, and linear interpolation along a column keeps the sum of the rest.
  const double added = static_cast<double>(512 * (554 - 512) * 26) * -1024;
  const double reference_sum = -5564612461.0;  // of the 512x512x26 slices, expected.json
  EXPECT_NEAR((sum_of(volume) - added) / reference_sum, 1, 2e-3);
}

}  // namespace

}  // namespace marrow
