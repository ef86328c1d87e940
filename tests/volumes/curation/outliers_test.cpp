#include "volumes/curation/outliers.h"

#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/error.h"

namespace marrow {
namespace {

const std::vector<OutlierFeature> kNames{{"spacing"}, {"mean"}};

// Means 1 to 9: median 5, distances 4 3 2 1 0 1 2 3 4, MAD 2. All spacings are 1.
std::vector<FeatureRecord> nine(const std::string& group) {
  std::vector<FeatureRecord> records;
  for (int n = 1; n <= 9; ++n) {
    records.push_back({group + std::to_string(n), group, {1.0, static_cast<double>(n)}});
  }
  return records;
}

TEST(Outliers, AreMeasuredInRobustDeviationsFromTheMedian) {
  std::vector<FeatureRecord> records = nine("CT");
  records[8].values[1] = 35;

  const std::vector<Outlier> outliers = find_outliers(kNames, records);

  ASSERT_EQ(outliers.size(), 1U);
  EXPECT_EQ(outliers[0].place, 8);
  EXPECT_EQ(outliers[0].id, "CT9");
  EXPECT_EQ(outliers[0].feature, "mean");
  EXPECT_EQ(outliers[0].median, 5);
  EXPECT_DOUBLE_EQ(outliers[0].scale, 2 * 1.4826);
  EXPECT_DOUBLE_EQ(outliers[0].z, 30 / (2 * 1.4826));
  EXPECT_EQ(outliers[0].reason, "mean 35 is 10.1 robust deviations above the median 5 of 9 CT");
}

TEST(Outliers, OfAFeatureThatAllShareAreMeasuredByTheFloor) {
  std::vector<FeatureRecord> records = nine("CT");
  records[3].values[0] = 1.05;
  records[4].values[0] = 0.9;

  const std::vector<Outlier> outliers = find_outliers(kNames, records);

  ASSERT_EQ(outliers.size(), 1U) << "5 % off is 5 floors of 1 %, which is below the limit of 6";
  EXPECT_EQ(outliers[0].place, 4);
  EXPECT_NEAR(outliers[0].z, -10, 1e-9);
}

TEST(Outliers, AreMeasuredByAFeaturesOwnFloorWhereThatIsLarger) {
  std::vector<FeatureRecord> records = nine("CT");
  records[4].values[0] = 0.9;

  EXPECT_TRUE(
      find_outliers(std::vector<OutlierFeature>{{"spacing", 0.02}, {"mean"}}, records).empty());
}

TEST(Outliers, AreLookedForWithinTheirGroupOnly) {
  std::vector<FeatureRecord> records = nine("CT");
  for (FeatureRecord& record : nine("MR")) {
    record.values[1] += 1000;
    records.push_back(record);
  }
  EXPECT_TRUE(find_outliers(kNames, records).empty());

  records[0].values[1] = 1001;
  const std::vector<Outlier> outliers = find_outliers(kNames, records);
  ASSERT_EQ(outliers.size(), 1U);
  EXPECT_EQ(outliers[0].place, 0);
}

TEST(Outliers, AreNotFoundInGroupsOfFewerThanEight) {
  std::vector<FeatureRecord> records = nine("CT");
  records[0].values[1] = 500;
  records.pop_back();
  EXPECT_EQ(find_outliers(kNames, records).size(), 1U);
  records.pop_back();
  EXPECT_TRUE(find_outliers(kNames, records).empty());
}

TEST(Outliers, OfAnEvenGroupUseTheMeanOfTheMiddleTwo) {
  std::vector<FeatureRecord> records = nine("CT");
  records.pop_back();
  records[7].values[1] = 100;  // 1 .. 7 and 100: median 4.5, distances .5 .5 1.5 1.5 2.5 2.5 3.5

  const std::vector<Outlier> outliers = find_outliers(kNames, records);

  ASSERT_EQ(outliers.size(), 1U);
  EXPECT_EQ(outliers[0].median, 4.5);
  EXPECT_DOUBLE_EQ(outliers[0].scale, 2 * 1.4826);
}

TEST(Outliers, ComeByRecordAndThenByFeature) {
  std::vector<FeatureRecord> records = nine("CT");
  records[6].values = {3, 99};
  records[2].values = {1, -99};

  const std::vector<Outlier> outliers = find_outliers(kNames, records);

  ASSERT_EQ(outliers.size(), 3U);
  EXPECT_EQ(outliers[0].place, 2);
  EXPECT_EQ(outliers[1].feature, "spacing");
  EXPECT_EQ(outliers[2].feature, "mean");
}

TEST(Outliers, RefuseTablesWithHoles) {
  std::vector<FeatureRecord> missing = nine("CT"), broken = nine("CT");
  missing[1].values.pop_back();
  broken[1].values[0] = std::numeric_limits<double>::quiet_NaN();

  EXPECT_THROW((void)find_outliers(kNames, missing), Error);
  EXPECT_THROW((void)find_outliers(kNames, broken), Error);
  EXPECT_THROW((void)find_outliers(kNames, {}), Error);
  EXPECT_THROW((void)find_outliers({}, nine("CT")), Error);
  EXPECT_THROW((void)find_outliers(kNames, nine("CT"), {.limit = 0}), Error);
  const std::vector<OutlierFeature> negative{{"spacing", -1}, {"mean"}};
  EXPECT_THROW((void)find_outliers(negative, nine("CT")), Error);
}

}  // namespace
}  // namespace marrow
