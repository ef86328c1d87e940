#include "volumes/fingerprints/unit_vectors.h"

#include <vector>

#include <gtest/gtest.h>

namespace marrow {
namespace {

TEST(UnitRows, TheCosineTakesEveryElementOnce) {
  for (const std::size_t size : {1, 15, 16, 17, 40}) {
    std::vector<float> a;
    double expected = 0;
    for (std::size_t n = 0; n < size; ++n) {
      a.push_back(static_cast<float>(n + 1));
      expected += static_cast<double>((n + 1) * (n + 1));
    }
    EXPECT_EQ(unit_cosine(a, a), static_cast<float>(expected));
  }
}

}  // namespace
}  // namespace marrow
