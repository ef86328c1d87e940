#include "volumes/reduction/greedy_cosine.h"

#include <cstddef>
#include <vector>

#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/volumes/reduction/cosine_vectors.h"

namespace marrow {
namespace {

using testing::clustered_rows;

Selection plain_selection(const UnitRows& rows, float threshold) {
  const auto alike = [&](std::size_t a, std::size_t b) {
    double sum = 0;
    for (std::size_t n = 0; n < static_cast<std::size_t>(rows.dimensions); ++n) {
      sum += static_cast<double>(rows.row(static_cast<std::int64_t>(a))[n]) *
             static_cast<double>(rows.row(static_cast<std::int64_t>(b))[n]);
    }
    return static_cast<float>(sum) >= threshold;
  };
  return select_slices(
      static_cast<std::size_t>(rows.count()), SelectionRule::kGreedyReference, alike);
}

TEST(GreedyCosine, SelectsWhatTheSelectionOfSlicesDoes) {
  for (const std::int64_t count : {0, 1, 2, 50, 383, 384, 385, 1000, 2000}) {
    const auto values = clustered_rows(count, 20, 7);
    const UnitRows rows{values, 20};
    for (const float threshold : {0.6F, 0.9F, 0.99F}) {
      const Selection expected = plain_selection(rows, threshold);

      const Selection selection = select_greedy_cosine(rows, threshold);

      EXPECT_EQ(selection.kept, expected.kept) << count << " " << threshold;
      EXPECT_EQ(selection.stands_for, expected.stands_for) << count << " " << threshold;
    }
  }
}

TEST(GreedyCosine, KeepsOneOfManyEqualVectorsAndAllThatDiffer) {
  std::vector<float> equal;
  std::vector<float> apart(600 * 600);
  for (std::size_t n = 0; n < 600; ++n) {
    equal.insert(equal.end(), {0.6F, 0.8F});
    apart[n * 600 + n] = 1;
  }
  EXPECT_EQ(select_greedy_cosine({equal, 2}, 1).kept.size(), 1U);
  EXPECT_EQ(select_greedy_cosine({apart, 600}, 0.5F).kept.size(), 600U);
}

TEST(GreedyCosine, RefusesAThresholdOutOfRange) {
  EXPECT_THROW((void)select_greedy_cosine({{}, 2}, 1.5F), Error);
}

}  // namespace
}  // namespace marrow
