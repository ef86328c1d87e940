#include "clinical/metrics/classification.h"

#include <limits>

#include <gmock/gmock.h>

#include "core/error.h"
#include "tests/support/clinical.h"

namespace marrow {
namespace {

using testing::ElementsAre;

TEST(ClassificationGolden, AurocCountsTiesHalf) {
  const auto json = golden_json("metrics.json").at("auc_ties");

  EXPECT_NEAR(*auroc(json["y"].get<std::vector<int>>(), json["s"].get<std::vector<double>>()),
              json["auc"].get<double>(),
              1e-12);
}

TEST(ClassificationGolden, MacroAurocIsOneVersusRest) {
  const auto json = golden_json("metrics.json").at("auc_macro_ovr");

  const MeanAuroc result =
      macro_auroc(json["y"].get<std::vector<std::int64_t>>(), json["p"].get<ScoreTable>());

  EXPECT_NEAR(*result.mean, json["auc"].get<double>(), 1e-12);
}

TEST(ClassificationGolden, MultilabelAurocIsTheMeanOverFindings) {
  const auto json = golden_json("metrics.json").at("multilabel_mauc");

  const MeanAuroc result =
      multilabel_auroc(json["y"].get<TargetTable>(), json["p"].get<ScoreTable>());

  EXPECT_NEAR(*result.per_class[0], json["per_class"][0].get<double>(), 1e-12);
  EXPECT_NEAR(*result.per_class[1], json["per_class"][1].get<double>(), 1e-12);
  EXPECT_NEAR(*result.mean, json["mauc"].get<double>(), 1e-12);
}

TEST(ClassificationGolden, F1IsMicroAndMacro) {
  const auto json = golden_json("metrics.json").at("f1");

  const F1Scores scores = f1_scores(
      json["y"].get<std::vector<std::int64_t>>(), json["pred"].get<std::vector<std::int64_t>>(), 3);

  EXPECT_NEAR(scores.micro, json["micro"].get<double>(), 1e-12);
  EXPECT_NEAR(scores.macro, json["macro"].get<double>(), 1e-12);
}

TEST(ClassificationGolden, BinaryCrossEntropyIsTheMean) {
  const auto json = golden_json("metrics.json").at("bce_with_logits");

  EXPECT_NEAR(bce_with_logits(json["targets"].get<TargetTable>(), json["logits"].get<ScoreTable>()),
              json["loss"].get<double>(),
              1e-12);
}

TEST(Classification, NamesClassesWithoutPositivesInsteadOfScoringThem) {
  const MeanAuroc result = multilabel_auroc({{1, 0}, {0, 0}}, {{0.9, 0.2}, {0.1, 0.3}});

  EXPECT_THAT(result.excluded, ElementsAre(1));
  EXPECT_FALSE(result.per_class[1].has_value());
  EXPECT_DOUBLE_EQ(*result.mean, 1.0);
}

TEST(Classification, LeavesClassesThatNeverOccurOutOfMacroF1) {
  EXPECT_DOUBLE_EQ(f1_scores({0, 1}, {0, 1}, 5).macro, 1.0);
}

TEST(Classification, BinaryCrossEntropyStaysFinite) {
  EXPECT_DOUBLE_EQ(bce_with_logits({{0}}, {{1e4}}), 1e4);
}

TEST(Classification, RefusesScoresThatAreNotNumbers) {
  EXPECT_THROW((void)auroc({0, 1}, {0.5, std::numeric_limits<double>::quiet_NaN()}), Error);
}

TEST(Classification, RefusesTablesOfDifferentLength) {
  EXPECT_THROW((void)accuracy({0, 1}, {0}), Error);
  EXPECT_THROW((void)macro_auroc({0, 1}, {{0.5, 0.5}}), Error);
}

}  // namespace
}  // namespace marrow
