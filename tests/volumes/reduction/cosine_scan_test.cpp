#include "volumes/reduction/cosine_scan.h"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include <gmock/gmock.h>

#include "core/error.h"
#include "tests/volumes/reduction/cosine_vectors.h"

namespace marrow {
namespace {

using testing::clustered_rows;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Pair = std::tuple<std::int64_t, std::int64_t, float>;

std::vector<Pair> scan(const UnitRows& rows, const CosineScanOptions& options) {
  std::vector<Pair> found;
  for_each_cosine_pair(
      rows, options, [&](const CosinePair& p) { found.emplace_back(p.a, p.b, p.cosine); });
  return found;
}

// Every pair by a plain sum in double, rounded.
std::vector<Pair> plain_pairs(const UnitRows& a, const UnitRows& b, float threshold, bool same) {
  std::vector<Pair> found;
  for (std::int64_t i = 0; i < a.count(); ++i) {
    for (std::int64_t j = same ? i + 1 : 0; j < b.count(); ++j) {
      double sum = 0;
      for (std::size_t n = 0; n < static_cast<std::size_t>(a.dimensions); ++n) {
        sum += static_cast<double>(a.row(i)[n]) * static_cast<double>(b.row(j)[n]);
      }
      if (static_cast<float>(sum) >= threshold) {
        found.emplace_back(i, j, static_cast<float>(sum));
      }
    }
  }
  return found;
}

std::vector<CosineKernel> kernels() {
  std::vector<CosineKernel> all{cosine_kernel_baseline()};
#if defined(__x86_64__)
  all.insert(all.end(), {cosine_kernel_avx2(), cosine_kernel_avx512(), cosine_kernel_amx()});
#endif
  std::erase_if(all, [](const CosineKernel& kernel) { return !runs_cosine_kernel(kernel); });
  return all;
}

std::string refusal(const UnitRows& rows, const CosineScanOptions& options = {}) {
  try {
    (void)scan(rows, options);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return error.what();
  }
  return "";
}

TEST(CosineScan, FindsWhatAPlainLoopFindsWithEveryKernelThisProcessorRuns) {
  for (const CosineKernel& kernel : kernels()) {
    for (const auto& [count, dimensions] :
         {std::pair{1, 7}, {2, 1}, {33, 31}, {385, 64}, {800, 100}, {801, 33}}) {
      const auto values = clustered_rows(count, dimensions, 3);
      const UnitRows rows{values, dimensions};
      for (const float threshold : {0.5F, 0.9F, 0.999F}) {
        auto expected = plain_pairs(rows, rows, threshold, true);

        EXPECT_EQ(scan(rows, {threshold, 1, &kernel}), expected)
            << kernel.name << " " << count << " x " << dimensions << " " << threshold;
      }
    }
  }
}

TEST(CosineScan, MatchesQueriesWithABase) {
  const auto base = clustered_rows(500, 40, 4);
  const UnitRows all{base, 40};
  const UnitRows queries{std::span(base).first(40 * 70), 40};
  for (const CosineKernel& kernel : kernels()) {
    std::vector<Pair> found;
    for_each_cosine_match(queries, all, {0.8F, 2, &kernel}, [&](const CosinePair& p) {
      found.emplace_back(p.a, p.b, p.cosine);
    });
    EXPECT_EQ(found, plain_pairs(queries, all, 0.8F, false)) << kernel.name;
  }
}

TEST(CosineScan, DeliversTheSameOrderWithAnyNumberOfThreadsAndAnyKernel) {
  const auto values = clustered_rows(5'000, 24, 5);
  const UnitRows rows{values, 24};
  const auto one = scan(rows, {0.9F, 1, nullptr});

  EXPECT_GT(one.size(), 1'000U);
  EXPECT_EQ(scan(rows, {0.9F, 2, nullptr}), one);
  EXPECT_EQ(scan(rows, {0.9F, 7, nullptr}), one);
  for (const CosineKernel& kernel : kernels()) {
    EXPECT_EQ(scan(rows, {0.9F, 3, &kernel}), one) << kernel.name;
  }
}

TEST(CosineScan, FindsAllPairsOfEqualVectorsAcrossBlocks) {
  std::vector<float> values;
  for (int n = 0; n < 900; ++n) {
    values.insert(values.end(), {0.6F, 0.0F, -0.8F});
  }
  const auto pairs = scan({values, 3}, {1, 2, nullptr});
  EXPECT_EQ(pairs.size(), 900U * 899U / 2);
  EXPECT_EQ(pairs.front(), Pair(0, 1, 1.0F));
}

TEST(CosineScan, CountsAPairWhoseCosineIsExactlyTheThreshold) {
  // 0.5 is exact in every format that a kernel uses, and so is the product.
  const std::vector<float> values{0.5F, 0.5F, 0.5F, 0.5F, 0.5F, 0.5F, 0.5F, -0.5F};
  EXPECT_THAT(scan({values, 4}, {0.5F, 1, nullptr}), ElementsAre(Pair(0, 1, 0.5F)));
  EXPECT_THAT(scan({values, 4}, {0.5000001F, 1, nullptr}), IsEmpty());
}

TEST(CosineScan, OfNothingFindsNothing) {
  EXPECT_THAT(scan({{}, 8}, {}), IsEmpty());
}

TEST(CosineScan, HandsOnWhatTheVisitorThrows) {
  const auto values = clustered_rows(2'000, 8, 6);
  const auto stop = [](const CosinePair&) { throw std::runtime_error("enough"); };
  EXPECT_THROW(for_each_cosine_pair({values, 8}, {0.5F, 3, nullptr}, stop), std::runtime_error);
}

TEST(CosineScan, RefusesWhatAreNotUnitVectors) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> values{1, 0, 0, 0, 1, nan, 0.5F, 0};
  const std::span<const float> all(values);
  EXPECT_THAT(refusal({all.first(4), 2}), HasSubstr("found vector 1 of length 0"));
  EXPECT_THAT(refusal({all.subspan(4, 2), 2}), HasSubstr("length nan"));
  EXPECT_THAT(refusal({all.subspan(6, 2), 2}), HasSubstr("divide each by its length"));
  EXPECT_THAT(refusal({all.first(3), 2}), HasSubstr("whole vectors of 2 values"));
  EXPECT_THAT(refusal({all.first(2), 0}), HasSubstr("dimensions"));
  EXPECT_THAT(refusal({all.first(2), 2}, {2.0F, 1, nullptr}), HasSubstr("threshold of -1 to 1"));
  EXPECT_THAT(refusal({all.first(2), 2}, {0.5F, 0, nullptr}), HasSubstr("1 to 256 threads"));
}

}  // namespace
}  // namespace marrow
