#include "volumes/curation/concept_balance.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/rng.h"

namespace marrow {
namespace {

// Records with one of many body parts (a few common, many rare), a manufacturer, and some with
// neither.
std::vector<BalanceRecord> archive(std::int64_t count) {
  Rng rng(7);
  std::vector<BalanceRecord> records;
  for (std::int64_t n = 0; n < count; ++n) {
    BalanceRecord record{"series-" + std::to_string(n), {}};
    const double share = rng.uniform();
    if (share < 0.05) {
      records.push_back(record);
      continue;
    }
    const double power = rng.uniform() * rng.uniform() * rng.uniform() * 12;
    record.concepts.push_back("body_part=" + std::to_string(static_cast<int>(power)));
    if (share < 0.3) {
      record.concepts.push_back("manufacturer=" + std::to_string(rng.below(3)));
    }
    records.push_back(record);
  }
  return records;
}

std::set<std::string> kept_ids(const std::vector<BalanceRecord>& records,
                               const BalanceResult& result) {
  std::set<std::string> ids;
  for (std::size_t place = 0; place < records.size(); ++place) {
    if (result.kept[place]) {
      ids.insert(records[place].id);
    }
  }
  return ids;
}

TEST(ConceptBalance, GivesTheProbabilitiesOfTheFormula) {
  const std::vector<BalanceRecord> records{
      {"a", {"x"}}, {"b", {"x", "y"}}, {"c", {"x"}}, {"d", {"y", "x", "x"}}, {"e", {}}};

  const BalanceResult result = balance_concepts(records, {.limit = 1});

  EXPECT_DOUBLE_EQ(result.concepts.at("x").draw_probability, 0.25);
  EXPECT_DOUBLE_EQ(result.concepts.at("y").draw_probability, 0.5);
  EXPECT_DOUBLE_EQ(result.inclusion[0], 0.25);
  EXPECT_DOUBLE_EQ(result.inclusion[1], 1 - 0.75 * 0.5);
  EXPECT_DOUBLE_EQ(result.inclusion[3], 1 - 0.75 * 0.5);
  EXPECT_EQ(result.inclusion[4], 0);
  EXPECT_FALSE(result.kept[4]);
}

TEST(ConceptBalance, IncludesRecordsAsOftenAsPredictedOver500Seeds) {
  const std::vector<BalanceRecord> records = archive(300);
  std::vector<int> times(records.size(), 0);
  std::vector<double> inclusion;

  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    const BalanceResult result = balance_concepts(records, {.limit = 12, .seed = seed});
    inclusion = result.inclusion;
    for (std::size_t place = 0; place < records.size(); ++place) {
      times[place] += result.kept[place] ? 1 : 0;
    }
  }

  int beyond_three = 0;
  for (std::size_t place = 0; place < records.size(); ++place) {
    const double p = inclusion[place];
    const double off = std::abs(times[place] - 500 * p);
    const double sd = std::sqrt(500 * p * (1 - p));
    EXPECT_LE(off, 4.5 * sd + 1e-9) << records[place].id;
    beyond_three += off > 3 * sd + 1e-9 ? 1 : 0;
  }
  EXPECT_LE(beyond_three, 3) << "of 300 draws of a normal law 0.8 are expected beyond 3 sd";
}

TEST(ConceptBalance, DependsNeitherOnTheOrderOfRecordsNorOfConcepts) {
  const std::vector<BalanceRecord> records = archive(500);
  std::vector<BalanceRecord> turned(records.rbegin(), records.rend());
  for (BalanceRecord& record : turned) {
    std::reverse(record.concepts.begin(), record.concepts.end());
  }

  const BalanceResult one = balance_concepts(records, {.wanted = 120, .seed = 3});
  const BalanceResult other = balance_concepts(turned, {.wanted = 120, .seed = 3});

  EXPECT_EQ(kept_ids(records, one), kept_ids(turned, other));
  EXPECT_EQ(one.limit, other.limit);
}

TEST(ConceptBalance, MeetsAWantedNumberExactlyAndItsLimitKeepsTheSame) {
  const std::vector<BalanceRecord> records = archive(1000);
  for (const std::int64_t wanted : {1, 10, 333, 700}) {
    const BalanceResult result = balance_concepts(records, {.wanted = wanted, .seed = 11});
    const BalanceResult again = balance_concepts(records, {.limit = result.limit, .seed = 11});

    EXPECT_EQ(result.kept_count, wanted);
    EXPECT_EQ(kept_ids(records, again), kept_ids(records, result));
  }
}

TEST(ConceptBalance, KeepsAllThatCanBeKeptWhenMoreAreWanted) {
  const std::vector<BalanceRecord> records{{"a", {"x"}}, {"b", {"x"}}, {"c", {}}};

  EXPECT_EQ(balance_concepts(records, {.wanted = 3}).kept_count, 2);
  const BalanceResult all = balance_concepts(records, {.wanted = 3, .keep_unmatched = true});
  EXPECT_EQ(all.kept_count, 3);
  EXPECT_EQ(all.inclusion, (std::vector<double>{1, 1, 1}));
}

TEST(ConceptBalance, CountsWhatStaysAmongTheConceptsAndTheWanted) {
  std::vector<BalanceRecord> records = archive(400);
  std::set<std::string> staying;
  for (std::size_t n = 0; n < records.size(); n += 7) {
    records[n].stays = true;
    staying.insert(records[n].id);
  }

  const BalanceResult result = balance_concepts(records, {.wanted = 90, .seed = 2});

  const std::set<std::string> kept = kept_ids(records, result);
  EXPECT_EQ(result.kept_count, 90);
  EXPECT_TRUE(std::includes(kept.begin(), kept.end(), staying.begin(), staying.end()));
  EXPECT_EQ(result.inclusion[0], 1);
  EXPECT_THROW((void)balance_concepts(records, {.wanted = 57}), Error) << "58 stay";
}

TEST(ConceptBalance, LowersTheRatioOfHeadToTailAsPredicted) {
  std::vector<BalanceRecord> records;
  for (int n = 0; n < 5000; ++n) {
    records.push_back({"n" + std::to_string(n), {n % 50 == 0 ? "rare" : "common"}});
  }

  const BalanceResult result = balance_concepts(records, {.limit = 200, .seed = 1});

  // 4900 to 100 becomes 200 to 100: the sd of the common ones is 13.9.
  EXPECT_EQ(result.concepts.at("rare").after, 100);
  EXPECT_NEAR(static_cast<double>(result.concepts.at("common").after), 200, 42);
  EXPECT_NEAR(result.concepts.at("common").expected_after, 200, 1e-6);
}

TEST(ConceptBalance, RefusesWhatItCannotBalance) {
  const std::vector<BalanceRecord> good{{"a", {"x"}}, {"b", {}}, {"c", {}}};
  const std::vector<BalanceRecord> twice{{"a", {}}, {"a", {}}};
  const std::vector<BalanceRecord> nameless{{"", {}}};
  const std::vector<BalanceRecord> empty_concept{{"a", {""}}};

  EXPECT_THROW((void)balance_concepts({}, {.limit = 1}), Error);
  EXPECT_THROW((void)balance_concepts(twice, {.limit = 1}), Error);
  EXPECT_THROW((void)balance_concepts(nameless, {.limit = 1}), Error);
  EXPECT_THROW((void)balance_concepts(empty_concept, {.limit = 1}), Error);
  EXPECT_THROW((void)balance_concepts(good, {}), Error);
  EXPECT_THROW((void)balance_concepts(good, {.limit = 1, .wanted = 1}), Error);
  EXPECT_THROW((void)balance_concepts(good, {.limit = std::nan("")}), Error);
  EXPECT_THROW((void)balance_concepts(good, {.limit = 0}), Error);
  EXPECT_THROW((void)balance_concepts(good, {.wanted = 0}), Error);
  EXPECT_THROW((void)balance_concepts(good, {.wanted = 1, .keep_unmatched = true}), Error);
}

}  // namespace
}  // namespace marrow
