// Weights of other tools, imported, against the features that those tools computed
// (tests/data/weights/make_references.py).

#include <string>

#include <gtest/gtest.h>

#include "tests/support/weight_reference.h"

namespace marrow {
namespace {

using testing_support::WeightReference;

class WeightsGolden : public ::testing::TestWithParam<std::string> {};

TEST_P(WeightsGolden, AnImportedNetworkGivesTheFeaturesOfTheToolThatItIsFrom) {
  const WeightReference reference = testing_support::read_weight_reference(
      std::string(MARROW_TEST_DATA) + "/weights/" + GetParam() + ".safetensors");
  const auto encoder = testing_support::make_encoder(reference.encoder);

  const WeightImport made = testing_support::import_reference(*encoder, reference);

  EXPECT_EQ(made.matched, made.total);
  EXPECT_TRUE(made.torn.empty());
  testing_support::expect_same_features(
      *encoder, reference, testing_support::feature_tolerance(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(Tools,
                         WeightsGolden,
                         ::testing::Values("resnet_torchvision",
                                           "resenc_2d",
                                           "resenc_3d",
                                           "vit_timm",
                                           "vit_monai",
                                           "convnext_timm",
                                           "convnext_torchvision"),
                         [](const auto& name) { return name.param; });

}  // namespace
}  // namespace marrow
