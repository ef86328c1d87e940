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

  const WeightImport made = import_weights(*encoder,
                                           reference.encoder.part_name(""),
                                           reference.weights,
                                           {.prefix = {}, .grid = {}},
                                           "reference");

  EXPECT_EQ(made.matched, made.total) << made.missing.front();
  EXPECT_TRUE(made.torn.empty());
  testing_support::expect_same_features(*encoder, reference);
}

INSTANTIATE_TEST_SUITE_P(Tools,
                         WeightsGolden,
                         ::testing::Values("resnet_torchvision", "resenc_2d", "resenc_3d"),
                         [](const auto& name) { return name.param; });

}  // namespace
}  // namespace marrow
