#include "volumes/samplers/slice.h"

#include <set>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/support/batches_store.h"

namespace marrow {
namespace {

using testing::TemporaryStore;
using testing::uneven;

std::uint16_t only_in_slice_seven(std::int64_t i, std::int64_t, std::int64_t k) {
  return k == 7 && i > 3 ? 1 : 0;
}

TEST(Slice, IsOneVoxelThickAndReachesEverySlice) {
  const TemporaryStore data({{"a", {13, 11, 9}, {uneven}, std::nullopt}});
  const auto sampler =
      make_slice(ConfigSection("sampler").with("body", "0"), {&data.store(), {0}, {6, 5, 1}, 4});

  std::set<std::int64_t> slices;
  for (std::uint64_t position = 0; position < 200; ++position) {
    const Box box = sampler->patch(position).box;
    EXPECT_EQ(box.size, (Size3{6, 5, 1}));
    slices.insert(box.start[2]);
  }

  EXPECT_EQ(slices.size(), 9U);
}

TEST(Slice, PrefersLabelledSlicesByTheShareAskedFor) {
  const TemporaryStore data({{"a", {13, 11, 9}, {uneven}, only_in_slice_seven}});
  const auto sampler =
      make_slice(ConfigSection("sampler").with("foreground", "0.5").with("body", "0"),
                 {&data.store(), {0}, {6, 5, 1}, 4});

  int labelled = 0;
  for (std::uint64_t position = 0; position < 1000; ++position) {
    labelled += sampler->patch(position).box.start[2] == 7 ? 1 : 0;
  }

  EXPECT_NEAR(labelled / 1000.0, 0.5 + 0.5 / 9, 0.065);  // four standard deviations
}

TEST(Slice, RefusesThickPatchesAndNamesTheSamplersFor3D) {
  const TemporaryStore data({{"a", {13, 11, 9}, {uneven}, std::nullopt}});

  try {
    const auto sampler = make_slice(ConfigSection(), {&data.store(), {0}, {6, 5, 4}, 4});
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(std::string(error.what()).find("uniform_patch"), std::string::npos);
  }
}

TEST(Slice, DrawsNoSliceThatWasLeftOut) {
  const TemporaryStore data({{"a", {13, 11, 9}, {uneven}, std::nullopt}});
  SamplerInput input{&data.store(), {0}, {6, 5, 1}, 4};
  input.kept_slices[0] = {1, 4, 8};
  const auto sampler = make_slice(ConfigSection("sampler"), input);

  std::set<std::int64_t> slices;
  for (std::uint64_t position = 0; position < 200; ++position) {
    slices.insert(sampler->patch(position).box.start[2]);
  }

  EXPECT_EQ(slices, (std::set<std::int64_t>{1, 4, 8}));
}

TEST(Slice, AnEpochOfSlicesVisitsEachOnceThatIsLeft) {
  const TemporaryStore data(
      {{"a", {13, 11, 9}, {uneven}, std::nullopt}, {"b", {13, 11, 4}, {uneven}, std::nullopt}});
  SamplerInput input{&data.store(), {0, 1}, {6, 5, 1}, 4};
  input.kept_slices[0] = {1, 4, 8};
  const auto sampler = make_slice(ConfigSection("sampler").with("each", "slice"), input);

  for (std::uint64_t epoch = 0; epoch < 3; ++epoch) {
    std::set<std::pair<std::int64_t, std::int64_t>> visited;
    for (std::uint64_t n = 0; n < 7; ++n) {
      const Patch patch = sampler->patch(7 * epoch + n);
      visited.emplace(patch.case_index, patch.box.start[2]);
    }
    EXPECT_EQ(visited.size(), 7U);
    EXPECT_FALSE(visited.contains({0, 0}));
  }
}

}  // namespace
}  // namespace marrow
