#include "volumes/preprocess/fingerprint.h"

#include <cmath>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "tests/support/volumes.h"

namespace marrow {

namespace {

using ::testing::ElementsAre;

Geometry plain_grid(const Size3& size, double spacing) {
  return make_geometry(
      size, {spacing, 2 * spacing, 3 * spacing}, {0, 0, 0}, Eigen::Matrix3d::Identity());
}

// Values 1, 2, ... 100 in turn where the label is set, -1 elsewhere inside a box, 0 outside.
struct MadeCase {
  Volume image;
  LabelMap labels;

  explicit MadeCase(double spacing)
      : image(make_grid<float>(plain_grid({40, 30, 20}, spacing))),
        labels(make_grid<std::uint16_t>(plain_grid({40, 30, 20}, spacing))) {
    int value = 0;
    for (std::int64_t k = 2; k < 12; ++k) {
      for (std::int64_t j = 5; j < 25; ++j) {
        for (std::int64_t i = 0; i < 20; ++i) {
          const bool inside = i < 10;
          labels.at(i, j, k) = inside ? 2 : 0;
          image.at(i, j, k) = inside ? static_cast<float>(1 + value++ % 100) : -1.0F;
        }
      }
    }
  }
};

TEST(DatasetFingerprint, HasTheKeysOfNnunetInItsOrderOfAxes) {
  DatasetFingerprint fingerprint(2);
  for (const double spacing : {0.5, 1.5}) {
    const MadeCase made(spacing);
    fingerprint.add("case", std::vector{made.image}, &made.labels);
  }

  const nlohmann::json json = nlohmann::json::parse(fingerprint.json());

  EXPECT_EQ(json.size(), 4U);
  EXPECT_EQ(json.at("spacings"), (nlohmann::json{{1.5, 1.0, 0.5}, {4.5, 3.0, 1.5}}));
  EXPECT_EQ(json.at("shapes_after_crop"), (nlohmann::json{{10, 20, 20}, {10, 20, 20}}));
  EXPECT_DOUBLE_EQ(json.at("median_relative_size_after_cropping"), 4000.0 / 24000.0);
  const nlohmann::json& channel = json.at("foreground_intensity_properties_per_channel").at("0");
  for (const char* key :
       {"max", "mean", "median", "min", "percentile_00_5", "percentile_99_5", "std"}) {
    EXPECT_TRUE(channel.contains(key)) << key;
  }
  EXPECT_EQ(channel.size(), 7U);
  EXPECT_THAT(fingerprint.median_spacing(), ElementsAre(3.0, 2.0, 1.0));
}

TEST(DatasetFingerprint, SamplesTheForegroundEvenly) {
  DatasetFingerprint fingerprint(1);
  const MadeCase made(1);
  fingerprint.add("case", std::vector{made.image}, &made.labels);

  const DatasetFingerprint::Intensities found = fingerprint.intensities().at(0);

  // Of the numbers 1 to 100, each as often; 10,000 draws: the mean is off by 0.29 in one of three.
  EXPECT_EQ(found.min, 1);
  EXPECT_EQ(found.max, 100);
  EXPECT_NEAR(found.mean, 50.5, 1.5);
  EXPECT_NEAR(found.median, 50.5, 2);
  EXPECT_NEAR(found.std, std::sqrt((100.0 * 100.0 - 1) / 12), 0.8);
  EXPECT_NEAR(found.percentile_00_5, 1, 1);
  EXPECT_NEAR(found.percentile_99_5, 100, 1);
}

TEST(DatasetFingerprint, CountsCasesAlikeWhateverTheirSize) {
  DatasetFingerprint fingerprint(2);
  Volume large = make_grid<float>(plain_grid({40, 40, 40}, 1), 10);
  Volume small = make_grid<float>(plain_grid({10, 10, 10}, 1), 20);
  const LabelMap all_large = make_grid<std::uint16_t>(large.geometry, 1);
  const LabelMap all_small = make_grid<std::uint16_t>(small.geometry, 1);
  fingerprint.add("large", std::vector{large, large}, &all_large);
  fingerprint.add("small", std::vector{small, small}, &all_small);

  EXPECT_EQ(fingerprint.intensities().size(), 2U);
  EXPECT_DOUBLE_EQ(fingerprint.intensities().at(1).mean, 15);
  EXPECT_DOUBLE_EQ(fingerprint.intensities().at(1).std, 5);
}

TEST(DatasetFingerprint, TakesTheBodyWhereThereAreNoLabelsInAnyOrientation) {
  Volume image = make_grid<float>(testing::oblique_grid({20, 24, 16}), -1000);
  for (std::int64_t k = 2; k < 14; ++k) {
    for (std::int64_t j = 4; j < 20; ++j) {
      for (std::int64_t i = 4; i < 16; ++i) {
        image.at(i, j, k) = 40;
      }
    }
  }
  DatasetFingerprint fingerprint(1);
  fingerprint.add("case", std::vector{image}, nullptr);

  EXPECT_EQ(fingerprint.intensities().at(0).min, 40);
  EXPECT_EQ(fingerprint.intensities().at(0).max, 40);
  EXPECT_THAT(fingerprint.median_shape(), ElementsAre(16, 24, 20));  // air is not 0
}

TEST(DatasetFingerprint, OfCasesWithoutForegroundIsZero) {
  DatasetFingerprint fingerprint(1);
  const Volume image = make_grid<float>(plain_grid({4, 4, 4}, 1));
  const LabelMap none = make_grid<std::uint16_t>(image.geometry);
  fingerprint.add("case", std::vector{image}, &none);

  EXPECT_EQ(fingerprint.intensities().at(0).std, 0);
  EXPECT_EQ(fingerprint.median_relative_size(), 1);
}

}  // namespace

}  // namespace marrow
