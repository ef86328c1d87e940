#include "volumes/fingerprints/vector_index.h"

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "core/error.h"
#include "tests/volumes/reduction/cosine_vectors.h"
#include "volumes/reduction/cosine_scan.h"

namespace marrow {
namespace {

using testing::clustered_rows;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Neighbour = VectorIndex::Neighbour;

std::vector<std::int64_t> positions(const std::vector<Neighbour>& neighbours) {
  std::vector<std::int64_t> result;
  for (const Neighbour& neighbour : neighbours) {
    result.push_back(neighbour.position);
  }
  return result;
}

template <class Call>
std::string refusal(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return error.what();
  }
  return "";
}

TEST(VectorIndex, FindsNearlyAllOfTheTenNearestOfAnExactScan) {
  const auto values = clustered_rows(5'000, 32, 11);
  const UnitRows rows{values, 32};
  const std::int64_t queries = 200;
  std::vector<std::vector<CosinePair>> exact(static_cast<std::size_t>(queries));
  for_each_cosine_match(
      {std::span(values).first(queries * 32), 32},
      rows,
      {-1, 1, nullptr},
      [&](const CosinePair& p) { exact[static_cast<std::size_t>(p.a)].push_back(p); });
  const VectorIndex index(rows);
  int found = 0;
  for (std::int64_t query = 0; query < queries; ++query) {
    auto& all = exact[static_cast<std::size_t>(query)];
    std::sort(all.begin(), all.end(), [](const CosinePair& a, const CosinePair& b) {
      return a.cosine != b.cosine ? a.cosine > b.cosine : a.b < b.b;
    });
    const auto nearest = positions(index.nearest(rows.row(query), 10));
    ASSERT_EQ(nearest.size(), 10U);
    for (std::size_t n = 0; n < 10; ++n) {
      found += static_cast<int>(std::count(nearest.begin(), nearest.end(), all[n].b));
    }
  }
  EXPECT_GE(found, 1'900);  // of 2000
}

TEST(VectorIndex, BuiltTwiceAnswersTheSame) {
  const auto values = clustered_rows(1'500, 16, 12);
  const UnitRows rows{values, 16};
  const VectorIndex one(rows, {.links = 4, .ef_construction = 10, .ef_search = 5});
  const VectorIndex other(rows, {.links = 4, .ef_construction = 10, .ef_search = 5});
  for (std::int64_t n = 0; n < 300; ++n) {
    EXPECT_EQ(positions(one.nearest(rows.row(n), 5)), positions(other.nearest(rows.row(n), 5)));
  }
}

TEST(VectorIndex, SortsByCosineThenPositionAndStopsAtWhatThereIs) {
  const std::vector<float> values{0, 1, 0.6F, 0.8F, 1, 0, 0.6F, 0.8F};
  const VectorIndex index({values, 2});

  const auto all = index.nearest(std::vector<float>{0, 1}, 9);

  EXPECT_THAT(positions(all), ::testing::ElementsAre(0, 1, 3, 2));
  EXPECT_EQ(all[1].cosine, 0.8F);
  EXPECT_THAT(positions(index.nearest(std::vector<float>{0, 1}, 3)),
              ::testing::ElementsAre(0, 1, 3));
}

TEST(VectorIndex, OfNothingFindsNothing) {
  const VectorIndex index({{}, 2});
  EXPECT_THAT(index.nearest(std::vector<float>{0, 1}, 3), IsEmpty());
}

TEST(VectorIndex, RefusesWhatItCannotCompare) {
  const std::vector<float> values{0, 1, 1, 0};
  const VectorIndex index({values, 2});
  const auto ask = [&](std::vector<float> query, std::int64_t k) {
    return refusal([&] { (void)index.nearest(query, k); });
  };
  EXPECT_THAT(ask({0, 0, 1}, 1), HasSubstr("expected a query of 2 dimensions, found 3"));
  EXPECT_THAT(ask({0, 0}, 1), HasSubstr("length 0"));
  EXPECT_THAT(ask({std::numeric_limits<float>::quiet_NaN(), 0}, 1), HasSubstr("length nan"));
  EXPECT_THAT(ask({0, 1}, 0), HasSubstr("1 neighbour or more"));
  const std::vector<float> zero{0, 1, 0, 0};
  EXPECT_THAT(refusal([&] { (void)VectorIndex({zero, 2}); }), HasSubstr("found vector 1"));
  EXPECT_THAT(refusal([&] {
                (void)VectorIndex({values, 2}, {.links = 1});
              }),
              HasSubstr("links of 2 to 128"));
}

}  // namespace
}  // namespace marrow
