#include "volumes/curation/volume_flags.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/rng.h"

namespace marrow {
namespace {

using enum VolumeFlagKind;

Volume volume_of(const Size3& size, const Eigen::Vector3d& spacing, float value) {
  return make_grid(make_geometry(size, spacing, {3, -20, 7}, Eigen::Matrix3d::Identity()), value);
}

// A cylinder along k in air, radius 18 of a field of 50 x 48, with noise.
Volume cylinder(float hu, double noise) {
  Volume volume = volume_of({50, 48, 20}, {1, 1, 3}, -1000);
  Rng rng(1);
  for (std::int64_t k = 0; k < 20; ++k) {
    for (std::int64_t j = 0; j < 48; ++j) {
      for (std::int64_t i = 0; i < 50; ++i) {
        if (std::hypot(static_cast<double>(i - 25), static_cast<double>(j - 24)) < 18) {
          volume.at(i, j, k) = hu;
        }
        volume.at(i, j, k) += static_cast<float>(noise * rng.normal());
      }
    }
  }
  return volume;
}

// The cylinder with a rod of another value, radius `radius`.
Volume cylinder_with_rod(float hu, double radius) {
  Volume volume = cylinder(30, 8);
  for (std::int64_t k = 0; k < 20; ++k) {
    for (std::int64_t j = 0; j < 48; ++j) {
      for (std::int64_t i = 0; i < 50; ++i) {
        if (std::hypot(static_cast<double>(i - 25), static_cast<double>(j - 30)) < radius) {
          volume.at(i, j, k) = hu;
        }
      }
    }
  }
  return volume;
}

TEST(VolumeFlags, CallAConstantVolumeBlank) {
  for (const float value : {0.0F, -1024.0F, 7e-9F}) {
    const VolumeFlags flags = volume_flags(volume_of({9, 8, 7}, {1, 1, 1}, value), Modality::kMr);

    ASSERT_EQ(flags.flags.size(), 1U);
    EXPECT_TRUE(flags.has(kBlank));
    EXPECT_EQ(flags.not_finite_share, 0);
  }
}

TEST(VolumeFlags, CallAVolumeBlankUpToAThousandthOfOtherVoxels) {
  Volume volume = volume_of({20, 10, 50}, {1, 1, 1}, -1000);
  for (std::int64_t k = 0; k < 10; ++k) {
    volume.at(3, 4, k) = k < 5 ? 3e7F : -3e7F;
  }
  EXPECT_TRUE(volume_flags(volume, Modality::kCt).has(kBlank));

  volume.at(9, 9, 9) = 100;
  EXPECT_FALSE(volume_flags(volume, Modality::kCt).has(kBlank));
}

TEST(VolumeFlags, DoNotCallAnImageBlankForAVeryBrightVoxel) {
  Volume volume = volume_of({20, 20, 20}, {1, 1, 1}, 0);
  Rng rng(3);
  for (float& voxel : volume.voxels) {
    voxel = static_cast<float>(rng.uniform(0, 100));
  }
  volume.at(0, 0, 0) = 1e8F;

  EXPECT_TRUE(volume_flags(volume, Modality::kMr).flags.empty());
}

TEST(VolumeFlags, CallFewSlicesThinSlabsAndStretchedGridsScouts) {
  const auto scout = [](const Size3& size, const Eigen::Vector3d& spacing) {
    return volume_flags(volume_of(size, spacing, 1), Modality::kCt).has(kScout);
  };
  EXPECT_TRUE(scout({40, 50, 3}, {1, 1, 5}));
  EXPECT_FALSE(scout({40, 50, 4}, {1, 1, 5}));
  EXPECT_TRUE(scout({40, 4, 50}, {1, 1, 1}));
  EXPECT_FALSE(scout({40, 5, 50}, {1, 1, 1}));
  EXPECT_TRUE(scout({80, 90, 10}, {0.2, 0.2, 9}));
  EXPECT_FALSE(scout({80, 90, 10}, {0.35, 0.35, 10}));
}

TEST(VolumeFlags, CallAUniformCylinderInCtAPhantom) {
  const VolumeFlags flags = volume_flags(cylinder(0, 10), Modality::kCt);

  ASSERT_EQ(flags.flags.size(), 1U);
  EXPECT_EQ(flags.flags[0].kind, kPhantom);
  EXPECT_TRUE(volume_flags(cylinder(120, 15), Modality::kCt).has(kPhantom));
  EXPECT_FALSE(volume_flags(cylinder(0, 10), Modality::kMr).has(kPhantom));
}

TEST(VolumeFlags, DoNotCallABodyWithBonesOrFatAPhantom) {
  EXPECT_FALSE(volume_flags(cylinder_with_rod(700, 2.5), Modality::kCt).has(kPhantom));
  EXPECT_FALSE(volume_flags(cylinder_with_rod(-100, 7), Modality::kCt).has(kPhantom));
  EXPECT_TRUE(volume_flags(cylinder_with_rod(-100, 3), Modality::kCt).has(kPhantom))
      << "an insert of less than a tenth";
}

TEST(VolumeFlags, DoNotCallACropFromInsideABodyAPhantom) {
  Volume volume = volume_of({20, 20, 20}, {1, 1, 1}, 0);
  Rng rng(3);
  for (float& voxel : volume.voxels) {
    voxel = static_cast<float>(60 + 10 * rng.normal());
  }
  EXPECT_TRUE(volume_flags(volume, Modality::kCt).flags.empty());
}

TEST(VolumeFlags, ReadThePhantomInTheHeaderWordsOfAnyModality) {
  const auto phantom = [](const char* words) {
    return volume_flags(cylinder(0, 500), Modality::kMr, words).has(kPhantom);
  };
  EXPECT_TRUE(phantom("HEAD\nAcr_Phantom T1"));
  EXPECT_TRUE(phantom("daily QC"));
  EXPECT_TRUE(phantom("Quality  Control"));
  EXPECT_FALSE(phantom("head acqc t1"));
  EXPECT_FALSE(phantom(""));
}

TEST(VolumeFlags, CountVoxelsThatAreNotFiniteAndJudgeTheOthers) {
  Volume volume = cylinder(0, 10);
  for (std::int64_t k = 0; k < 20; ++k) {
    volume.at(0, 0, k) = k % 2 == 0 ? std::numeric_limits<float>::quiet_NaN()
                                    : -std::numeric_limits<float>::infinity();
  }

  const VolumeFlags flags = volume_flags(volume, Modality::kCt);

  EXPECT_DOUBLE_EQ(flags.not_finite_share, 20.0 / (50 * 48 * 20));
  EXPECT_TRUE(flags.has(kPhantom));
  EXPECT_TRUE(flags.has(kNotFinite));
  EXPECT_FALSE(flags.has(kBlank));
}

TEST(VolumeFlags, CallAVolumeWithoutAFiniteVoxelBlank) {
  const Volume volume = volume_of({5, 6, 7}, {1, 1, 1}, std::nanf(""));

  const VolumeFlags flags = volume_flags(volume, Modality::kCt);

  EXPECT_TRUE(flags.has(kBlank));
  EXPECT_EQ(flags.not_finite_share, 1);
}

TEST(VolumeFlags, RefuseAVolumeThatDoesNotFillItsGrid) {
  Volume volume = volume_of({5, 6, 7}, {1, 1, 1}, 0);
  volume.voxels.pop_back();

  EXPECT_THROW((void)volume_flags(volume, Modality::kCt), Error);
}

TEST(VolumeFlags, HaveNames) {
  EXPECT_EQ(volume_flag_name(kBlank), "blank");
  EXPECT_EQ(volume_flag_name(kNotFinite), "not_finite");
}

}  // namespace
}  // namespace marrow
