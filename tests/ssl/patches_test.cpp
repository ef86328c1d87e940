#include "ssl/patches.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace marrow {
namespace {

TEST(Patches, MayHaveAnotherSizeAlongEachAxis) {
  const at::Tensor x = at::arange(2 * 2 * 4 * 6 * 6).view({2, 2, 4, 6, 6});

  const at::Tensor patches = patchify(x, {2, 3, 6});

  ASSERT_EQ(patches.sizes(), at::IntArrayRef({2, 4, 72}));
  // Patch 3 begins at (2, 3, 0); its value at (pd, ph, pw, c) = (1, 2, 4, 1) is voxel (3, 5, 4).
  EXPECT_EQ(patches[1][3][((1 * 3 + 2) * 6 + 4) * 2 + 1].item<std::int64_t>(),
            x[1][1][3][5][4].item<std::int64_t>());
  EXPECT_TRUE(at::equal(unpatchify(patches, {2, 2, 1}, {2, 3, 6}, 2), x));
}

}  // namespace
}  // namespace marrow
