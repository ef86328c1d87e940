#include "volumes/reduction/embedding_filter.h"

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "core/config/config.h"
#include "tests/volumes/reduction/cosine_vectors.h"
#include "volumes/fingerprints/unit_vectors.h"

namespace marrow {
namespace {

constexpr std::int64_t kWidth = 16;

ConfigSection section(const std::string& yaml, const std::string& name) {
  return Config::from_text(name + ": {" + yaml + "}\n", "test").section(name);
}

std::vector<ReductionItem> items_of(const std::vector<float>& rows) {
  std::vector<ReductionItem> items(rows.size() / kWidth);
  for (std::size_t n = 0; n < items.size(); ++n) {
    items[n].one.key = fmt::format("{:05}", n);
    items[n].read = true;
    items[n].vectors.volume = std::span(rows).subspan(n * kWidth, kWidth);
    items[n].labels = n % 7 == 0 ? fmt::format("{}", n % 3) : "";
    items[n].held_out = n % 11 == 0;
  }
  return items;
}

// In plain words: the first kept one before it that is alike and may stand for it.
std::map<std::size_t, std::size_t> one_by_one(const std::vector<ReductionItem>& items,
                                              const std::vector<std::size_t>& order,
                                              float threshold) {
  std::map<std::size_t, std::size_t> by;
  for (std::size_t n = 0; n < order.size(); ++n) {
    for (std::size_t m = 0; m < n; ++m) {
      if (!by.contains(order[m]) && may_stand_for(items[order[m]], items[order[n]]) &&
          unit_cosine(items[order[m]].vectors.volume, items[order[n]].vectors.volume) >=
              threshold) {
        by[order[n]] = order[m];
        break;
      }
    }
  }
  return by;
}

std::map<std::size_t, std::size_t> found(const std::vector<ReductionItem>& items,
                                         const std::string& options) {
  const auto filter = make_volume_embedding(section(options, "volume_embedding"));
  std::map<std::size_t, std::size_t> by;
  for (const VolumeDrop& drop : filter->drops({items, by_preference(items), {}})) {
    by[drop.item] = *drop.kept;
  }
  return by;
}

TEST(EmbeddingFilter, FindsTheCopiesThatComparingOneByOneFindsAcrossBlocks) {
  const std::vector<float> rows = testing::clustered_rows(2500, kWidth, 3);
  const std::vector<ReductionItem> items = items_of(rows);

  const auto wanted = one_by_one(items, by_preference(items), 0.97F);

  ASSERT_GT(wanted.size(), 300U);
  EXPECT_EQ(found(items, "threshold: 0.97, index: exact"), wanted);
}

TEST(EmbeddingFilter, ByTheGraphFindsNearlyAllOfThemAndNothingElse) {
  const std::vector<float> rows = testing::clustered_rows(1200, kWidth, 5);
  const std::vector<ReductionItem> items = items_of(rows);
  const auto exact = found(items, "threshold: 0.97, index: exact");
  const auto graph = found(items, "threshold: 0.97, index: graph");

  EXPECT_GE(graph.size(), exact.size() * 98 / 100);
  for (const auto& [item, kept] : graph) {
    EXPECT_GE(unit_cosine(items[item].vectors.volume, items[kept].vectors.volume), 0.97F);
    EXPECT_TRUE(may_stand_for(items[kept], items[item]));
    EXPECT_FALSE(items[item].held_out);
  }
}

TEST(EmbeddingFilter, OfSlicesSelectsAsEveryMeasureDoes) {
  const std::vector<float> rows = testing::clustered_rows(700, kWidth, 9);
  std::vector<SliceFacts> slices(700);
  for (std::size_t n = 0; n < slices.size(); ++n) {
    slices[n].vector = std::span(rows).subspan(n * kWidth, kWidth);
  }
  for (const SelectionRule rule : {SelectionRule::kGreedyReference, SelectionRule::kConsecutive}) {
    const auto filter = make_embedding(section("threshold: 0.9", "embedding"), rule);
    const Selection selection = filter->select(slices, filter->threshold());
    const Selection wanted = select_slices(slices.size(), rule, [&](std::size_t a, std::size_t b) {
      return unit_cosine(slices[a].vector, slices[b].vector) >= 0.9F;
    });

    EXPECT_EQ(selection.kept, wanted.kept);
    EXPECT_EQ(selection.stands_for, wanted.stands_for);
  }
}

TEST(EmbeddingFilter, OfNoSlicesKeepsNone) {
  const auto filter =
      make_embedding(section("threshold: 0.9", "embedding"), SelectionRule::kGreedyReference);

  EXPECT_TRUE(filter->select({}, 0.9).kept.empty());
}

}  // namespace
}  // namespace marrow
