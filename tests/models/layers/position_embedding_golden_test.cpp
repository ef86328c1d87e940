#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "models/layers/position_embedding.h"
#include "tests/support/golden_tensors.h"

namespace marrow {
namespace {

using testing::golden;
using testing::golden_tensor;
using testing::largest_difference;

TEST(PositionEmbeddingGolden, SinesAndCosinesIn2DAnd3D) {
  const auto vectors = golden("pos_embed");
  for (const char* const name : {"pe2d", "pe3d"}) {
    const auto grid = vectors[name]["grid"].get<std::vector<std::int64_t>>();

    const at::Tensor positions = sincos_positions(grid, vectors[name]["D"].get<std::int64_t>());

    // The vectors begin with the class token's row.
    EXPECT_LT(largest_difference(positions, golden_tensor(vectors[name]["out"]).slice(0, 1)), 1e-9)
        << name;
  }
}

}  // namespace
}  // namespace marrow
