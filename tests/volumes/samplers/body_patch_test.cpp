#include "volumes/samplers/body_patch.h"

#include <gtest/gtest.h>

#include "tests/support/batches_store.h"

namespace marrow {
namespace {

using testing::box_holds;
using testing::TemporaryStore;

// A bright body of 8 x 6 x 6 voxels in the far corner of a dark volume.
float corner_body(std::int64_t i, std::int64_t j, std::int64_t k) {
  return i >= 32 && j >= 24 && k >= 14 ? 1.0F + 0.01F * static_cast<float>(i % 3) : -1.0F;
}

bool holds_body(const VolumeStore& store, const Patch& patch) {
  for (const auto& voxel : store.positions(patch.case_index, 0)) {
    if (box_holds(patch.box, voxel)) {
      return true;
    }
  }
  return false;
}

TEST(BodyPatch, KeepsABodyVoxelInEveryBox) {
  const TemporaryStore data({{"a", {40, 30, 20}, {corner_body}, std::nullopt}});
  ASSERT_FALSE(data.store().positions(0, 0).empty());
  const auto sampler = make_body_patch(ConfigSection(), {&data.store(), {0}, {5, 4, 3}, 9});

  for (std::uint64_t position = 0; position < 300; ++position) {
    const Patch patch = sampler->patch(position);
    EXPECT_TRUE(holds_body(data.store(), patch));
    EXPECT_GE(patch.box.start[0], 27);
    EXPECT_LE(patch.box.start[0] + 5, 40);
    EXPECT_LE(patch.box.start[1] + 4, 30);
    EXPECT_LE(patch.box.start[2] + 3, 20);
  }
}

TEST(BodyPatch, LeavesTheShareThatIsAskedForAnywhere) {
  const TemporaryStore data({{"a", {40, 30, 20}, {corner_body}, std::nullopt}});
  const auto sampler = make_body_patch(ConfigSection("sampler").with("body", "0.25"),
                                       {&data.store(), {0}, {5, 4, 3}, 9});

  int with_body = 0;
  for (std::uint64_t position = 0; position < 2000; ++position) {
    with_body += holds_body(data.store(), sampler->patch(position)) ? 1 : 0;
  }

  // A box placed anywhere meets the body in about 6 % of draws: 0.25 + 0.75 * 0.06, within four
  // standard deviations.
  EXPECT_NEAR(with_body / 2000.0, 0.295, 0.045);
}

TEST(BodyPatch, FallsBackToAnyPlaceWithoutABody) {
  const TemporaryStore data(
      {{"a", {9, 8, 7}, {[](auto, auto, auto) { return 0.5F; }}, std::nullopt}});
  const auto sampler = make_body_patch(ConfigSection(), {&data.store(), {0}, {5, 4, 3}, 9});

  const Patch patch = sampler->patch(3);

  EXPECT_EQ(patch.box.size, (Size3{5, 4, 3}));
  EXPECT_LE(patch.box.start[0] + 5, 9);
}

}  // namespace
}  // namespace marrow
