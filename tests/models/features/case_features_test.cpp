#include "models/features/case_features.h"

#include <cmath>
#include <memory>
#include <vector>

#include <ATen/Context.h>
#include <ATen/Functions.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/config/config.h"
#include "core/error.h"
#include "models/encoders/resenc_unet.h"
#include "volumes/preprocess/orientation.h"

namespace marrow {
namespace {

using ::testing::Each;
using ::testing::FloatNear;
using ::testing::Pointwise;

std::shared_ptr<Encoder> small_encoder(std::int64_t dimensions) {
  at::manual_seed(3);
  const Config config = Config::from_text(
      fmt::format("encoder: {{dimensions: {}, features: [4, 8], strides: [1, 2], blocks: [1, 1], "
                  "stem_stride: 2}}\n",
                  dimensions),
      "test");
  auto encoder = make_resenc_unet(config.section("encoder"));
  encoder->eval();
  return encoder;
}

Volume wavy(const Size3& size, const Eigen::Vector3d& spacing) {
  Volume volume = make_grid<float>(
      make_geometry(size, spacing, Eigen::Vector3d::Zero(), Eigen::Matrix3d::Identity()));
  for (std::size_t n = 0; n < volume.voxels.size(); ++n) {
    volume.voxels[n] = std::sin(0.37F * static_cast<float>(n)) + 0.01F * static_cast<float>(n % 7);
  }
  return volume;
}

at::Tensor plane(const Volume& volume, std::int64_t k) {
  const Size3& size = volume.geometry.size;
  return at::from_blob(const_cast<float*>(&volume.at(0, 0, k)), {1, 1, size[1], size[0]}).clone();
}

std::vector<float> pooled(const at::Tensor& map) {
  const at::Tensor mean = map.mean(at::IntArrayRef{2, 3}).contiguous();
  return {mean.const_data_ptr<float>(), mean.const_data_ptr<float>() + mean.numel()};
}

TEST(CaseFeatures, OfASliceAreTheMeanOverTheLastMap) {
  const auto encoder = small_encoder(2);
  const Volume volume = wavy({16, 12, 5}, {1, 1, 3});
  const CaseFeatures features =
      case_features(*encoder, {volume}, volume.geometry, {}, FeatureOptions{}, ComputeMode{});
  ASSERT_EQ(features.dimensions, 8);
  ASSERT_EQ(features.slices.size(), 5U * 8U);
  for (std::int64_t k = 0; k < 5; ++k) {
    const at::NoGradGuard no_grad;
    const std::vector<float> wanted = pooled(encoder->features(plane(volume, k)).back());
    EXPECT_THAT(
        std::vector<float>(features.slices.begin() + k * 8, features.slices.begin() + (k + 1) * 8),
        Pointwise(FloatNear(1e-5F), wanted));
  }
  for (std::size_t n = 0; n < 8; ++n) {
    float sum = 0;
    for (std::size_t k = 0; k < 5; ++k) {
      sum += features.slices[k * 8 + n];
    }
    EXPECT_NEAR(features.volume[n], sum / 5, 1e-5F);
  }
}

TEST(CaseFeatures, AreFiniteForSizesThatTheStrideDoesNotDivide) {
  for (const std::int64_t dimensions : {2, 3}) {
    const auto encoder = small_encoder(dimensions);
    for (const Size3& size : {Size3{53, 63, 3}, Size3{17, 21, 9}, Size3{1, 3, 2}}) {
      const Volume volume = wavy(size, {1, 1, 1});
      const CaseFeatures features = case_features(
          *encoder, {volume}, volume.geometry, {8, 16, 16}, FeatureOptions{}, ComputeMode{});
      EXPECT_THAT(features.slices, Each(::testing::Truly([](float value) {
                    return std::isfinite(value) && std::abs(value) < 100;
                  })));
    }
  }
}

// A coronal series, feet first: its slices lie along j of the prepared volume, and walk the other
// way.
TEST(CaseFeatures, FollowTheSlicesAsAcquiredInAnatomicalOrder) {
  const auto encoder = small_encoder(2);
  Eigen::Matrix3d direction;
  direction << 1, 0, 0, 0, 0, -1, 0, -1, 0;  // i to the left, j to the feet, k to the front
  Volume source = make_grid<float>(
      make_geometry({16, 12, 4}, {1, 1, 5}, Eigen::Vector3d(0, 30, 20), direction));
  for (std::size_t n = 0; n < source.voxels.size(); ++n) {
    source.voxels[n] = std::cos(0.11F * static_cast<float>(n));
  }
  const Volume prepared = reoriented(source, canonical_moves(source.geometry));
  ASSERT_EQ(prepared.geometry.size, (Size3{16, 4, 12}));
  const CaseFeatures features =
      case_features(*encoder, {prepared}, source.geometry, {}, FeatureOptions{}, ComputeMode{});
  ASSERT_EQ(features.slices.size(), 4U * 8U);
  const at::NoGradGuard no_grad;
  for (std::int64_t j = 0; j < 4; ++j) {
    at::Tensor picture = at::zeros({1, 1, 12, 16});
    for (std::int64_t k = 0; k < 12; ++k) {
      for (std::int64_t i = 0; i < 16; ++i) {
        picture[0][0][k][i] = prepared.at(i, j, k);
      }
    }
    EXPECT_THAT(
        std::vector<float>(features.slices.begin() + j * 8, features.slices.begin() + (j + 1) * 8),
        Pointwise(FloatNear(1e-5F), pooled(encoder->features(picture).back())));
  }
}

TEST(CaseFeatures, OfAllStagesLieOneAfterTheOther) {
  const auto encoder = small_encoder(2);
  const Volume volume = wavy({16, 16, 2}, {1, 1, 3});
  FeatureOptions options;
  options.stages = "all";
  const CaseFeatures all =
      case_features(*encoder, {volume}, volume.geometry, {}, options, ComputeMode{});
  const CaseFeatures last =
      case_features(*encoder, {volume}, volume.geometry, {}, FeatureOptions{}, ComputeMode{});
  ASSERT_EQ(all.dimensions, 12);
  EXPECT_THAT(std::vector<float>(all.volume.begin() + 4, all.volume.end()),
              Pointwise(FloatNear(1e-6F), last.volume));
}

// One tile that covers the volume: the features of a slice are those of the cells it runs through.
TEST(CaseFeatures, OfA3dEncoderAreMeansOfTheCellsThatASliceRunsThrough) {
  const auto encoder = small_encoder(3);
  const Volume volume = wavy({16, 8, 8}, {1, 1, 1});
  const CaseFeatures features =
      case_features(*encoder, {volume}, volume.geometry, {8, 8, 16}, FeatureOptions{}, {});
  const at::NoGradGuard no_grad;
  const at::Tensor map =
      encoder->features(at::from_blob(const_cast<float*>(volume.voxels.data()), {1, 1, 8, 8, 16}))
          .back();  // [1, 8, 2, 2, 4]
  for (std::int64_t k = 0; k < 8; ++k) {
    const at::Tensor wanted = map.select(2, k / 4).mean(at::IntArrayRef{2, 3}).contiguous();
    for (std::int64_t c = 0; c < 8; ++c) {
      EXPECT_NEAR(features.slices[static_cast<std::size_t>(k * 8 + c)],
                  wanted.const_data_ptr<float>()[c],
                  1e-5F);
    }
  }
}

TEST(CaseFeatures, RefuseAnotherNumberOfChannels) {
  const auto encoder = small_encoder(2);
  const Volume volume = wavy({16, 16, 2}, {1, 1, 3});
  EXPECT_THROW(
      static_cast<void>(case_features(
          *encoder, {volume, volume}, volume.geometry, {}, FeatureOptions{}, ComputeMode{})),
      Error);
}

}  // namespace
}  // namespace marrow
