#include "volumes/samplers/uniform_patch.h"

#include <set>

#include <gtest/gtest.h>

#include "tests/support/batches_store.h"

namespace marrow {
namespace {

using testing::TemporaryStore;
using testing::uneven;

TEST(UniformPatch, ReachesEveryPlaceInTheVolumeAndNoneOutside) {
  const TemporaryStore data({{"a", {7, 6, 5}, {uneven}, std::nullopt}});
  const auto sampler = make_uniform_patch(ConfigSection(), {&data.store(), {0}, {4, 5, 3}, 1});

  std::set<std::array<std::int64_t, 3>> starts;
  for (std::uint64_t position = 0; position < 600; ++position) {
    starts.insert(sampler->patch(position).box.start);
  }

  EXPECT_EQ(starts.size(), 4U * 2U * 3U);
  EXPECT_EQ(*starts.begin(), (std::array<std::int64_t, 3>{0, 0, 0}));
  EXPECT_EQ(*starts.rbegin(), (std::array<std::int64_t, 3>{3, 1, 2}));
}

}  // namespace
}  // namespace marrow
