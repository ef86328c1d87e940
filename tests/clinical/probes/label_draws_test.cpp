#include "clinical/probes/label_draws.h"

#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/support/feature_sets.h"

namespace marrow {
namespace {

using testing_support::clouds;

std::vector<std::string> drawn_keys(const FeatureSet& set,
                                    const LabelBudget& budget,
                                    std::uint64_t seed = 17,
                                    std::int64_t draw = 0) {
  std::vector<std::string> keys;
  for (const std::size_t row : draw_labels(set, budget, seed, draw)) {
    keys.push_back(set.keys[row]);
  }
  return keys;
}

std::map<std::int64_t, int> labels_of(const FeatureSet& set, const std::vector<std::size_t>& rows) {
  std::map<std::int64_t, int> counts;
  for (const std::size_t row : rows) {
    ++counts[set.labels[row]];
  }
  return counts;
}

FeatureSet findings_set(const TargetTable& findings) {
  FeatureSet set = testing_support::labelled_set(
      FeatureMatrix::Zero(static_cast<Eigen::Index>(findings.size()), 1),
      std::vector<std::int64_t>(findings.size(), 0),
      static_cast<std::int64_t>(findings.front().size()));
  set.labels.clear();
  set.findings = findings;
  return set;
}

TEST(LabelDraws, TakesSoManyCasesOfEachClassAndAllOfASmallerOne) {
  FeatureSet set = clouds(30, 3, 1, 0, 1);
  std::replace(set.labels.begin() + 6, set.labels.end(), std::int64_t{2}, std::int64_t{0});

  const auto counts = labels_of(set, draw_labels(set, {5, 0}, 17, 0));

  EXPECT_EQ(counts, (std::map<std::int64_t, int>{{0, 5}, {1, 5}, {2, 2}}));
}

TEST(LabelDraws, DependsNeitherOnTheOrderOfRowsNorOnFeatures) {
  const FeatureSet set = clouds(40, 2, 3, 1, 1);
  std::vector<std::size_t> backwards = rows_by_key(set);
  std::reverse(backwards.begin(), backwards.end());
  FeatureSet turned = select_rows(set, backwards);
  turned.features.setRandom();

  EXPECT_EQ(drawn_keys(set, {3, 0}), drawn_keys(turned, {3, 0}));
  EXPECT_EQ(drawn_keys(set, {0, 0.3}), drawn_keys(turned, {0, 0.3}));
}

TEST(LabelDraws, DiffersFromDrawToDrawAndFromSeedToSeed) {
  const FeatureSet set = clouds(40, 2, 1, 0, 1);

  EXPECT_NE(drawn_keys(set, {3, 0}, 17, 0), drawn_keys(set, {3, 0}, 17, 1));
  EXPECT_NE(drawn_keys(set, {3, 0}, 17, 0), drawn_keys(set, {3, 0}, 18, 0));
}

TEST(LabelDraws, HoldsTheSmallerBudgetOfTheSameDraw) {
  const FeatureSet set = clouds(40, 2, 1, 0, 1, "case", 4);

  const auto small = drawn_keys(set, {2, 0});
  const auto large = drawn_keys(set, {7, 0});

  EXPECT_TRUE(std::includes(large.begin(), large.end(), small.begin(), small.end()));
}

TEST(LabelDraws, TakesOneCaseOfEachPatientBeforeASecondOne) {
  const FeatureSet set = clouds(40, 2, 1, 0, 1, "case", 4);  // 10 patients, 2 of each class in each

  std::map<std::pair<std::string, std::int64_t>, int> cases;
  for (const std::size_t row : draw_labels(set, {10, 0}, 17, 0)) {
    ++cases[{set.patients[row], set.labels[row]}];
  }

  EXPECT_EQ(cases.size(), 20U);
}

TEST(LabelDraws, TakesAFractionOfEachClassFromAsFewPatients) {
  const FeatureSet set = clouds(40, 2, 1, 0, 1, "case", 4);

  const auto rows = draw_labels(set, {0, 0.5}, 17, 0);
  std::set<std::string> patients;
  for (const std::size_t row : rows) {
    patients.insert(set.patients[row]);
  }

  EXPECT_EQ(labels_of(set, rows), (std::map<std::int64_t, int>{{0, 10}, {1, 10}}));
  EXPECT_EQ(patients.size(), 5U);
}

TEST(LabelDraws, CountsCasesThatHaveSeveralFindingsForEachOfThem) {
  const FeatureSet set =
      findings_set({{1, 1}, {1, 0}, {1, 0}, {1, 0}, {0, 0}, {0, 0}, {0, 0}, {0, 0}, {0, 0}});

  const auto rows = draw_labels(set, {1, 0}, 17, 0);

  // The only case of the rare finding has the other one too; and one without any.
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0], 0U);
  EXPECT_GE(rows[1], 4U);
}

TEST(LabelDraws, RefusesABudgetOfNothing) {
  const FeatureSet set = clouds(4, 2, 1, 0, 1);

  EXPECT_THROW((void)draw_labels(set, {0, 0}, 17, 0), Error);
  EXPECT_THROW((void)draw_labels(set, {0, 1.5}, 17, 0), Error);
  EXPECT_EQ((LabelBudget{5, 0}.text()), "5 per class");
  EXPECT_EQ((LabelBudget{0, 0.25}.text()), "25 % of the cases");
}

TEST(StratifiedFolds, KeepsPatientsTogetherAndClassesBalanced) {
  const FeatureSet set = clouds(60, 2, 1, 0, 1, "case", 3);

  const auto folds = stratified_folds(set, 5, 17);

  std::map<std::string, std::set<std::int64_t>> of_patient;
  std::map<std::pair<std::int64_t, std::int64_t>, int> of_class;
  for (std::size_t row = 0; row < folds.size(); ++row) {
    of_patient[set.patients[row]].insert(folds[row]);
    ++of_class[{folds[row], set.labels[row]}];
  }
  for (const auto& [patient, own] : of_patient) {
    EXPECT_EQ(own.size(), 1U);
  }
  EXPECT_EQ(of_class.size(), 10U);  // every class in every fold
  for (const auto& [place, count] : of_class) {
    EXPECT_NEAR(count, 6, 3);  // patients have one or two cases of each
  }
}

TEST(StratifiedFolds, AlwaysTrainsOnTheOnlyPatientOfAClass) {
  FeatureSet set = clouds(9, 2, 1, 0, 1);
  set.labels = {0, 0, 0, 0, 1, 1, 1, 1, 2};
  set.classes = 3;

  const auto folds = stratified_folds(set, 5, 17);

  EXPECT_EQ(folds.back(), -1);
  EXPECT_EQ(*std::max_element(folds.begin(), folds.end()), 3);  // four patients of a class
  EXPECT_EQ(std::count(folds.begin(), folds.end(), -1), 1);
}

TEST(StratifiedFolds, AreNoneWhereEveryClassHasOnePatient) {
  EXPECT_TRUE(stratified_folds(clouds(3, 3, 1, 0, 1), 5, 17).empty());
}

}  // namespace
}  // namespace marrow
