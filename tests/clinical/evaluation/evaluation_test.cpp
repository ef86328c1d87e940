#include "clinical/evaluation/evaluation.h"

#include <gmock/gmock.h>

#include "clinical/evaluation/summary.h"
#include "core/error.h"
#include "core/text.h"
#include "tests/support/clinical.h"

namespace marrow {
namespace {

using testing::HasSubstr;

const std::vector<LabelClass> kClasses{{0, "background"}, {1, "head"}, {2, "tail"}};

// Structure 1 in a box; structure 2 in the first `tail` slices.
LabelMap two_structures(std::int64_t box_end, std::int64_t tail) {
  return painted(oblique_grid({10, 8, 6}), [=](std::int64_t i, std::int64_t j, std::int64_t k) {
    if (i < 2 && k < tail) {
      return 2;
    }
    return i >= 4 && i < box_end && j >= 2 && j < 6 && k >= 1 && k < 5 ? 1 : 0;
  });
}

struct Study {
  std::vector<LabelMap> maps;
  std::vector<EvaluationCase> cases;
};

// Three cases of two patients: a good one, one that misses "tail", one where "tail" exists nowhere.
Study small_study() {
  Study study;
  study.maps = {two_structures(8, 3),
                two_structures(8, 3),
                two_structures(8, 2),
                two_structures(7, 0),
                two_structures(6, 0),
                two_structures(8, 0)};
  study.cases = {{"c", "p2", &study.maps[4], &study.maps[5], {{"modality", "MR"}}},
                 {"a", "p1", &study.maps[0], &study.maps[1], {{"modality", "CT"}}},
                 {"b", "p1", &study.maps[2], &study.maps[3], {{"modality", "MR"}}}};
  return study;
}

TEST(Evaluation, ScoresEveryStructureByTheEmptyMaskPolicy) {
  const Study study = small_study();

  const Evaluation evaluation = evaluate_cases(study.cases, kClasses, {});

  ASSERT_EQ(evaluation.cases[0].key, "a");
  EXPECT_EQ(evaluation.cases[0].structures[0].dice, 1.0);
  EXPECT_EQ(evaluation.cases[0].structures[0].hd95_mm, 0.0);
  const StructureScore& missed = evaluation.cases[1].structures[1];
  EXPECT_EQ(missed.empty, EmptyMask::kMissed);
  EXPECT_EQ(missed.dice, 0.0);
  const double diagonal = Eigen::Vector3d(10 * 0.7, 8 * 1.3, 6 * 2.9).norm();
  EXPECT_NEAR(missed.hd95_mm, diagonal, 1e-9);
  EXPECT_NEAR(missed.assd_mm, diagonal, 1e-9);
  const StructureScore& absent = evaluation.cases[2].structures[1];
  EXPECT_EQ(absent.empty, EmptyMask::kBoth);
  EXPECT_EQ(absent.dice, 1.0);
  EXPECT_EQ(absent.hd95_mm, 0.0);
}

TEST(Evaluation, AveragesOverAllCasesSoThatAMissedStructureCounts) {
  const Study study = small_study();

  const Evaluation evaluation = evaluate_cases(study.cases, kClasses, {});

  EXPECT_EQ(evaluation.all.cases, 3);
  EXPECT_EQ(evaluation.all.patients, 2);
  EXPECT_NEAR(evaluation.all.structures[1].at(Metric::kDice).mean, (1.0 + 0.0 + 1.0) / 3, 1e-12);
  // "head": 4 of 4 voxels wide, 3 of 4, 2 of 4.
  const double head = (1.0 + 2.0 * 3 / 7 + 2.0 * 2 / 6) / 3;
  EXPECT_NEAR(evaluation.all.structures[0].at(Metric::kDice).mean, head, 1e-12);
  EXPECT_NEAR(evaluation.all.foreground.at(Metric::kDice).mean, (head + 2.0 / 3) / 2, 1e-12);
  ASSERT_TRUE(evaluation.all.foreground.at(Metric::kDice).ci95.has_value());
}

TEST(Evaluation, SplitsSubgroupsByFacts) {
  const Study study = small_study();

  const Evaluation evaluation = evaluate_cases(study.cases, kClasses, {});

  EXPECT_EQ(evaluation.subgroups.at("modality").at("CT").cases, 1);
  EXPECT_EQ(evaluation.subgroups.at("modality").at("MR").cases, 2);
  EXPECT_FALSE(evaluation.subgroups.at("modality").at("CT").foreground.at(Metric::kDice).ci95);
}

TEST(Evaluation, RefusesAPredictionOnAnotherGrid) {
  const LabelMap reference = two_structures(8, 3);
  const LabelMap prediction = make_grid<std::uint16_t>(oblique_grid({10, 8, 5}));
  const EvaluationCase item{"case-7", "p", &reference, &prediction, {}};

  try {
    (void)score_case(item, kClasses, {});
    FAIL() << "scored another grid";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kRefused);
    EXPECT_THAT(error.what(), HasSubstr("case-7"));
    EXPECT_THAT(error.what(), HasSubstr("size"));
  }
}

TEST(Evaluation, RefusesACaseThatAppearsTwice) {
  Study study = small_study();
  study.cases[0].key = "a";

  EXPECT_THROW((void)evaluate_cases(study.cases, kClasses, {}), Error);
}

TEST(Evaluation, RefusesToScoreNothing) {
  EXPECT_THROW((void)summarise({}, kClasses, {}), Error);
  const Study study = small_study();
  EXPECT_THROW((void)evaluate_cases(study.cases, {{0, "background"}}, {}), Error);
}

TEST(Summary, HoldsNnunetsKeysAndOurs) {
  const Study study = small_study();

  const auto json = nlohmann::json::parse(summary_json(evaluate_cases(study.cases, kClasses, {})));

  for (const char* key :
       {"metric_per_case", "mean", "foreground_mean", "ci95", "n", "empty_policy", "subgroups"}) {
    EXPECT_TRUE(json.contains(key)) << key;
  }
  EXPECT_EQ(json["metric_per_case"][1]["metrics"]["2"]["FN"], 2 * 8 * 2);
  EXPECT_EQ(json["metric_per_case"][1]["metrics"]["2"]["n_ref"], 2 * 8 * 2);
  EXPECT_EQ(json["metric_per_case"][1]["metrics"]["2"]["TN"], 10 * 8 * 6 - 2 * 8 * 2);
  EXPECT_EQ(json["empty_policy"]["missed"]["2"], 1);
  EXPECT_EQ(json["empty_policy"]["both_empty"]["2"], 1);
  EXPECT_EQ(json["empty_policy"]["spurious"]["1"], 0);
  EXPECT_EQ(json["n"]["patients"], 2);
  EXPECT_EQ(json["ci95"]["foreground_mean"]["Dice"].size(), 2U);
  EXPECT_TRUE(json["subgroups"]["modality"]["CT"]["ci95"]["foreground_mean"]["Dice"].is_null());
}

TEST(Summary, ReadsBackToTheSameSummary) {
  const Study study = small_study();
  EvaluationOptions options;
  options.surface_rule = SurfaceRule::kDirected;
  options.bootstrap.resamples = 100;
  const std::string text = summary_json(evaluate_cases(study.cases, kClasses, options));

  EXPECT_EQ(summary_json(summary_from_json(text)), text);
}

TEST(Summary, SaysWhenAFileIsNoSummary) {
  for (const char* text : {"{", "{}", R"({"version": 1, "structures": [1]})"}) {
    try {
      (void)summary_from_json(text);
      FAIL() << "read " << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUnreadable);
      EXPECT_THAT(error.what(), HasSubstr("summary.json"));
    }
  }
}

TEST(Summary, CsvHasOneRowPerCaseAndStructure) {
  const Study study = small_study();

  const auto rows = parse_csv(cases_csv(evaluate_cases(study.cases, kClasses, {})));

  ASSERT_EQ(rows.size(), 1U + 3U * 2U);
  EXPECT_EQ(rows[0].back(), "modality");
  EXPECT_EQ(rows[4][0], "b");
  EXPECT_EQ(rows[4][2], "tail");
  EXPECT_EQ(rows[4][9], "missed");
  EXPECT_EQ(rows[4].back(), "MR");
}

TEST(PairedDifference, IsTheMeanOverTheSameCases) {
  const Study study = small_study();
  Study better = study;
  for (std::size_t c = 0; c < 3; ++c) {
    better.cases[c].reference = study.cases[c].reference;
    better.cases[c].prediction = study.cases[c].reference;
  }
  const Evaluation a = evaluate_cases(study.cases, kClasses, {});
  const Evaluation b = evaluate_cases(better.cases, kClasses, {});

  const PairedComparison comparison = paired_difference(a, b, {});

  const PairedDifference& dice = comparison.foreground.at(Metric::kDice);
  EXPECT_NEAR(dice.mean, 1.0 - a.all.foreground.at(Metric::kDice).mean, 1e-12);
  EXPECT_EQ(dice.b_higher, 2);
  EXPECT_EQ(dice.equal, 1);
  EXPECT_EQ(dice.cases, 3);
  EXPECT_EQ(dice.patients, 2);
  ASSERT_TRUE(dice.ci95.has_value());
  EXPECT_GT(dice.ci95->low, 0.0);
  EXPECT_LT(comparison.foreground.at(Metric::kHd95).mean, 0.0);
  EXPECT_NEAR(comparison.structures[1].at(Metric::kDice).mean, 1.0 / 3, 1e-12);
  EXPECT_THAT(comparison_json(comparison, a), HasSubstr("mean_difference"));
}

TEST(PairedDifference, RefusesOtherCases) {
  const Study study = small_study();
  const Evaluation a = evaluate_cases(study.cases, kClasses, {});
  const Evaluation fewer = evaluate_cases(std::span(study.cases).first(2), kClasses, {});

  EXPECT_THROW((void)paired_difference(a, fewer, {}), Error);
}

}  // namespace
}  // namespace marrow
