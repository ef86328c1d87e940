#include "volumes/preprocess/recipe.h"

#include <gtest/gtest.h>

#include "tests/support/volumes.h"
#include "volumes/preprocess/channels.h"

namespace marrow {
namespace {

using testing::error_of;

std::string refusal(ErrorCode code, std::string_view json) {
  return error_of(code, [json] { static_cast<void>(recipe_from_json(json)); });
}

RecipeOptions ct_recipe() {
  RecipeOptions recipe;
  recipe.modality = "ct";
  recipe.spacing_mm = {1.5, 1.5, 2.1};
  recipe.window_hu = {-160, 240};
  recipe.crop_to_body = true;
  return recipe;
}

TEST(Recipe, IsWrittenAsVersionedJson) {
  EXPECT_EQ(recipe_to_json(ct_recipe()),
            R"({"version":1,"modality":"ct","spacing_mm":[1.5,1.5,2.1],"window_hu":[-160.0,240.0],)"
            R"("lower_percentile":0.5,"upper_percentile":99.5,"crop_to_body":true})");
}

TEST(Recipe, ReadsBackWhatItWrote) {
  EXPECT_EQ(recipe_difference(recipe_from_json(recipe_to_json(ct_recipe())), ct_recipe()), "");
  EXPECT_EQ(recipe_digest(recipe_from_json(recipe_to_json(ct_recipe()))),
            recipe_digest(ct_recipe()));
}

TEST(Recipe, HasADigestThatDependsOnEveryField) {
  const std::string digest = recipe_digest(ct_recipe());

  EXPECT_EQ(digest.size(), 16U);
  RecipeOptions other = ct_recipe();
  other.upper_percentile = 99;
  EXPECT_NE(recipe_digest(other), digest);
}

// Stores and checkpoints from before there was a fit_size hold these digests.
TEST(Recipe, KeepsTheDigestOfRecipesWithoutAFitSize) {
  EXPECT_EQ(recipe_digest(RecipeOptions{}), "75184f1c26a1c6cd");
  EXPECT_EQ(recipe_digest(ct_recipe()), "9f4f92af7b27f480");
}

TEST(Recipe, WritesReadsAndComparesAFitSize) {
  RecipeOptions pictures;
  pictures.fit_size = 224;

  const std::string json = recipe_to_json(pictures);

  EXPECT_NE(json.find(R"("spacing_mm":[],"fit_size":224,"window_hu")"), std::string::npos) << json;
  EXPECT_EQ(recipe_from_json(json).fit_size, 224);
  EXPECT_NE(recipe_digest(pictures), recipe_digest(RecipeOptions{}));
  EXPECT_EQ(recipe_difference(pictures, RecipeOptions{}), "fit_size 224 against 0");
}

TEST(Recipe, RefusesAFitSizeBesideASpacingOrOutOfRange) {
  RecipeOptions both = ct_recipe();
  both.fit_size = 224;
  std::string wide = recipe_to_json(ct_recipe());
  wide.insert(1, R"("fit_size":9000,)");
  std::string broken = recipe_to_json(ct_recipe());
  broken.insert(1, R"("fit_size":2.5,)");

  EXPECT_NE(error_of(ErrorCode::kInvalidArgument, [&] { check_recipe(both); })
                .find("fit_size is 224 and spacing_mm is [1.5, 1.5, 2.1]"),
            std::string::npos);
  EXPECT_NE(refusal(ErrorCode::kUnreadable, wide).find("fit_size is 9000"), std::string::npos);
  EXPECT_NE(refusal(ErrorCode::kUnreadable, broken).find("whole number"), std::string::npos);
}

TEST(Recipe, NamesTheFirstDifferenceWithBothValues) {
  RecipeOptions other = ct_recipe();
  other.spacing_mm = {1.5, 1.5, 3};

  EXPECT_EQ(recipe_difference(ct_recipe(), other),
            "spacing_mm [1.5, 1.5, 2.1] against [1.5, 1.5, 3]");
}

TEST(Recipe, RefusesUnknownMissingAndMisshapenFieldsByName) {
  const std::string good = recipe_to_json(ct_recipe());
  std::string unknown = good;
  unknown.insert(1, R"("windw":3,)");
  std::string missing = good;
  missing.erase(missing.find(R"("modality":"ct",)"), 16);
  std::string wrong = good;
  wrong.replace(wrong.find("true"), 4, "1");

  EXPECT_NE(refusal(ErrorCode::kUnreadable, unknown).find("unknown field \"windw\""),
            std::string::npos);
  EXPECT_NE(refusal(ErrorCode::kUnreadable, missing).find("modality is missing"),
            std::string::npos);
  EXPECT_NE(refusal(ErrorCode::kUnreadable, wrong).find("crop_to_body is number"),
            std::string::npos);
  EXPECT_NE(refusal(ErrorCode::kUnreadable, "[]").find("JSON object"), std::string::npos);
  EXPECT_NE(refusal(ErrorCode::kUnreadable, good.substr(0, 40)).find("JSON object"),
            std::string::npos);
}

TEST(Recipe, RefusesTextNestedAHundredThousandDeep) {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');

  EXPECT_NE(refusal(ErrorCode::kUnreadable, R"({"version":1,"modality":)" + deep + "}")
                .find("JSON object"),
            std::string::npos);
}

TEST(Recipe, RefusesANewerVersion) {
  std::string newer = recipe_to_json(ct_recipe());
  newer.replace(newer.find("\"version\":1"), 11, "\"version\":2");

  EXPECT_NE(refusal(ErrorCode::kUnsupported, newer).find("version 2"), std::string::npos);
}

TEST(Recipe, RefusesValuesOutOfRange) {
  std::string far = recipe_to_json(ct_recipe());
  far.replace(far.find("2.1"), 3, "900");
  std::string falling = recipe_to_json(ct_recipe());
  falling.replace(falling.find("-160.0"), 6, "300.0");

  EXPECT_NE(refusal(ErrorCode::kUnreadable, far).find("spacing_mm is 900"), std::string::npos);
  EXPECT_NE(refusal(ErrorCode::kUnreadable, falling).find("window_hu"), std::string::npos);
}

}  // namespace
}  // namespace marrow
