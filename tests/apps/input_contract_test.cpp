#include "apps/input_contract.h"

#include <gmock/gmock.h>

#include "core/error.h"
#include "tests/support/batches_store.h"

namespace marrow {

namespace {

using ::testing::HasSubstr;

InputContract seen_contract() {
  RecipeOptions recipe;
  recipe.modality = "ct";
  return contract_of(recipe, {{"spacing_mm_seen", "0.6 0.6 1; 0.9 0.9 2.5"}});
}

Geometry grid_of(double x, double y, double z) {
  return make_geometry({10, 10, 10}, {x, y, z}, {0, 0, 0}, Eigen::Matrix3d::Identity());
}

TEST(InputContract, TakesWhatTheNetworkHasSeen) {
  EXPECT_EQ(contract_breach(seen_contract(), Modality::kCt, grid_of(0.7, 0.7, 2)), "");
  EXPECT_EQ(contract_breach(seen_contract(), Modality::kUnknown, grid_of(0.6, 0.9, 1)), "");
}

TEST(InputContract, NoticesTwiceTheSpacingAlongEveryAxis) {
  const InputContract contract = seen_contract();
  EXPECT_THAT(contract_breach(contract, Modality::kCt, grid_of(1.8, 0.9, 2.5)),
              HasSubstr("left-right"));
  EXPECT_THAT(contract_breach(contract, Modality::kCt, grid_of(0.9, 0.3, 2.5)),
              HasSubstr("front-back"));
  EXPECT_THAT(contract_breach(contract, Modality::kCt, grid_of(0.9, 0.9, 5)),
              HasSubstr("5 mm along foot-head where the network was trained on 1 to 2.5 mm"));
}

TEST(InputContract, NoticesAnotherModality) {
  EXPECT_THAT(contract_breach(seen_contract(), Modality::kMr, grid_of(0.7, 0.7, 2)),
              HasSubstr("MR where the network was trained on CT"));
  EXPECT_THAT(contract_breach(seen_contract(), Modality::kPet, grid_of(0.7, 0.7, 2)),
              HasSubstr("PT"));
  EXPECT_THAT(contract_breach({RecipeOptions{}, std::nullopt}, Modality::kCt, grid_of(1, 1, 1)),
              HasSubstr("CT where the network was trained on MR"));
}

TEST(InputContract, LeavesSpacingToARecipeThatResamples) {
  RecipeOptions recipe;
  recipe.spacing_mm = {1, 1, 1};
  EXPECT_EQ(contract_breach(contract_of(recipe, {}), Modality::kMr, grid_of(1, 1, 1)), "");
}

TEST(InputContract, KeepsTheSpacingsSeenUnlessTheRecipeResamplesOrFitsPictures) {
  const std::vector<testing::StoreCase> cases{{"a", {4, 3, 2}, {testing::uneven}, std::nullopt}};
  const std::vector<std::int64_t> all{0};
  RecipeOptions own;
  RecipeOptions resampled;
  resampled.spacing_mm = {0.8, 1.25, 2.5};
  RecipeOptions fitted;
  fitted.fit_size = 4;

  const auto facts = [&](const RecipeOptions& recipe) {
    const testing::TemporaryStore data(cases, recipe);
    return contract_facts(data.store(), all);
  };

  EXPECT_EQ(facts(own).at("spacing_mm_seen"), "0.8 1.25 2.5; 0.8 1.25 2.5");
  EXPECT_TRUE(facts(resampled).empty());
  EXPECT_TRUE(facts(fitted).empty());
}

TEST(InputContract, RefusesUnlessToldOtherwise) {
  EXPECT_THROW(settle_breach(ContractRule::kMatch, "x.nii", "other"), Error);
  EXPECT_NO_THROW(settle_breach(ContractRule::kOverride, "x.nii", "other"));
  EXPECT_NO_THROW(settle_breach(ContractRule::kReport, "x.nii", "other"));
  EXPECT_NO_THROW(settle_breach(ContractRule::kMatch, "x.nii", ""));
  EXPECT_THROW(static_cast<void>(contract_rule_from_name("ignore")), Error);
}

}  // namespace

}  // namespace marrow
