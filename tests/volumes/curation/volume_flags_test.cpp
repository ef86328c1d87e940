#include "volumes/curation/volume_flags.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/rng.h"

namespace marrow {
namespace {

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

std::string all_flags(const VolumeFlags& flags) {
  return flags.blank + flags.scout + flags.phantom;
}

bool is_phantom(const Volume& volume) {
  return !volume_flags(volume, Modality::kCt).phantom.empty();
}

TEST(VolumeFlags, CallAConstantVolumeBlank) {
  for (const float value : {0.0F, -1024.0F, 7e-9F}) {
    const VolumeFlags flags = volume_flags(volume_of({9, 8, 7}, {1, 1, 1}, value), Modality::kMr);

    EXPECT_NE(flags.blank, "");
    EXPECT_EQ(flags.scout + flags.phantom, "");
  }
}

TEST(VolumeFlags, CallAVolumeBlankUpToAThousandthOfOtherVoxels) {
  Volume volume = volume_of({20, 10, 50}, {1, 1, 1}, -1000);
  for (std::int64_t k = 0; k < 10; ++k) {
    volume.at(3, 4, k) = k < 5 ? 3e7F : -3e7F;
  }
  EXPECT_NE(volume_flags(volume, Modality::kCt).blank, "");

  volume.at(9, 9, 9) = 100;
  EXPECT_EQ(volume_flags(volume, Modality::kCt).blank, "");
}

TEST(VolumeFlags, DoNotCallAnImageBlankForAVeryBrightVoxel) {
  Volume volume = volume_of({20, 20, 20}, {1, 1, 1}, 0);
  Rng rng(3);
  for (float& voxel : volume.voxels) {
    voxel = static_cast<float>(rng.uniform(0, 100));
  }
  volume.at(0, 0, 0) = 1e8F;

  EXPECT_EQ(all_flags(volume_flags(volume, Modality::kMr)), "");
}

TEST(VolumeFlags, CallFewSlicesThinSlabsAndStretchedGridsScouts) {
  const auto scout = [](const Size3& size, const Eigen::Vector3d& spacing) {
    return !volume_flags(volume_of(size, spacing, 1), Modality::kCt).scout.empty();
  };
  EXPECT_TRUE(scout({40, 50, 3}, {1, 1, 5}));
  EXPECT_FALSE(scout({40, 50, 4}, {1, 1, 5}));
  EXPECT_TRUE(scout({3, 40, 50}, {5, 1, 1})) << "sagittal, whichever axis its slices follow";
  EXPECT_TRUE(scout({40, 4, 50}, {1, 1, 1}));
  EXPECT_FALSE(scout({40, 5, 50}, {1, 1, 1}));
  EXPECT_TRUE(scout({80, 90, 10}, {0.2, 0.2, 9}));
  EXPECT_FALSE(scout({80, 90, 10}, {0.35, 0.35, 10}));
}

TEST(VolumeFlags, CallAUniformCylinderInCtAPhantom) {
  const VolumeFlags flags = volume_flags(cylinder(0, 10), Modality::kCt);

  EXPECT_NE(flags.phantom, "");
  EXPECT_EQ(flags.blank + flags.scout, "");
  EXPECT_TRUE(is_phantom(cylinder(120, 15)));
  EXPECT_EQ(volume_flags(cylinder(0, 10), Modality::kMr).phantom, "");
}

TEST(VolumeFlags, DoNotCallABodyWithBonesOrFatAPhantom) {
  EXPECT_FALSE(is_phantom(cylinder_with_rod(700, 2.5)));
  EXPECT_FALSE(is_phantom(cylinder_with_rod(-100, 7)));
  EXPECT_TRUE(is_phantom(cylinder_with_rod(-100, 3))) << "an insert of less than a tenth";
}

TEST(VolumeFlags, DoNotCallACropFromInsideABodyAPhantom) {
  Volume volume = volume_of({20, 20, 20}, {1, 1, 1}, 0);
  Rng rng(3);
  for (float& voxel : volume.voxels) {
    voxel = static_cast<float>(60 + 10 * rng.normal());
  }
  EXPECT_EQ(all_flags(volume_flags(volume, Modality::kCt)), "");
}

TEST(VolumeFlags, ReadThePhantomInTheHeaderWords) {
  EXPECT_EQ(phantom_in_words("HEAD\nAcr_Phantom T1"), "the header says \"phantom\"");
  EXPECT_NE(phantom_in_words("daily QC"), "");
  EXPECT_NE(phantom_in_words("Quality  Control"), "");
  EXPECT_EQ(phantom_in_words("head acqc t1"), "");
  EXPECT_EQ(phantom_in_words(""), "");
}

TEST(VolumeFlags, JudgeTheVoxelsThatAreFinite) {
  Volume volume = cylinder(0, 10);
  for (std::int64_t k = 0; k < 20; ++k) {
    volume.at(0, 0, k) = k % 2 == 0 ? std::numeric_limits<float>::quiet_NaN()
                                    : -std::numeric_limits<float>::infinity();
  }

  EXPECT_TRUE(is_phantom(volume));
  EXPECT_EQ(volume_flags(volume, Modality::kCt).blank, "");
}

TEST(VolumeFlags, CallAVolumeWithoutAFiniteVoxelBlank) {
  const Volume volume = volume_of({5, 6, 7}, {1, 1, 1}, std::nanf(""));

  EXPECT_EQ(volume_flags(volume, Modality::kCt).blank, "no voxel is finite");
}

// Brute force over all intervals between voxels, beside the shortcut for what shows something.
TEST(VolumeFlags, CallBlankWhatTheRuleSaysWhateverTheSampleShows) {
  Rng rng(5);
  int blank = 0;
  for (int n = 0; n < 200; ++n) {
    Volume volume = volume_of({10, 10, 20}, {1, 1, 1}, 100);
    const double spread = rng.uniform(0, 0.8);
    for (float& voxel : volume.voxels) {
      voxel += static_cast<float>(spread * rng.uniform(-1, 1));
    }
    for (std::int64_t odd = rng.below(8); odd > 0; --odd) {
      volume.voxels[static_cast<std::size_t>(rng.below(2000))] = rng.uniform() < 0.5 ? -7e5F : 9e5F;
    }
    std::vector<float> sorted(volume.voxels.begin(), volume.voxels.end());
    std::sort(sorted.begin(), sorted.end());
    bool expected = false;
    for (std::size_t first = 0; first <= 2; ++first) {
      const double low = sorted[first], high = sorted[first + 1997];
      expected = expected || high - low <= 0.01 * std::max(std::abs(low), std::abs(high));
    }

    EXPECT_EQ(!volume_flags(volume, Modality::kMr).blank.empty(), expected) << n;
    blank += expected ? 1 : 0;
  }
  EXPECT_GT(blank, 20);
  EXPECT_LT(blank, 180);
}

TEST(VolumeFlags, RefuseAVolumeThatDoesNotFillItsGrid) {
  Volume volume = volume_of({5, 6, 7}, {1, 1, 1}, 0);
  volume.voxels.pop_back();

  EXPECT_THROW((void)volume_flags(volume, Modality::kCt), Error);
}

}  // namespace
}  // namespace marrow
