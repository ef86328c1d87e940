#include "volumes/samplers/label_patch.h"

#include <array>
#include <string>

#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/support/batches_store.h"

namespace marrow {
namespace {

using testing::box_holds;
using testing::StoreCase;
using testing::TemporaryStore;
using testing::uneven;

// Class 1 fills a block of 10 x 6 x 4 voxels at the low corner; class 3 is one voxel at the high
// end.
std::uint16_t common_and_rare(std::int64_t i, std::int64_t j, std::int64_t k) {
  if (i == 37 && j == 28 && k == 18) {
    return 3;
  }
  return i < 10 && j < 6 && k < 4 ? 1 : 0;
}

StoreCase labelled(const std::string& key) {
  return {key, {40, 30, 20}, {uneven}, common_and_rare};
}

TEST(LabelPatch, CentresEveryPatchOnAClassVoxelWhenTheShareIsOne) {
  const TemporaryStore data({labelled("a")});
  const auto sampler = make_label_patch(ConfigSection("sampler").with("foreground", "1.0"),
                                        {&data.store(), {0}, {5, 4, 3}, 2});

  for (std::uint64_t position = 0; position < 200; ++position) {
    const Box box = sampler->patch(position).box;
    const bool rare = box_holds(box, {37, 28, 18});
    const bool common = box.start[0] < 10 && box.start[1] < 6 && box.start[2] < 4;
    EXPECT_TRUE(rare || common);
  }
}

TEST(LabelPatch, ShowsARareClassAsOftenAsACommonOne) {
  const TemporaryStore data({labelled("a")});
  const auto sampler = make_label_patch(ConfigSection("sampler").with("foreground", "1.0"),
                                        {&data.store(), {0}, {5, 4, 3}, 2});

  int rare = 0;
  for (std::uint64_t position = 0; position < 1000; ++position) {
    rare += box_holds(sampler->patch(position).box, {37, 28, 18}) ? 1 : 0;
  }

  EXPECT_NEAR(rare / 1000.0, 0.5, 0.065);  // four standard deviations
}

TEST(LabelPatch, KeepsTheShareOfForegroundNearTheOption) {
  const TemporaryStore data({labelled("a")});
  const auto sampler = make_label_patch(ConfigSection("sampler").with("foreground", "0.4"),
                                        {&data.store(), {0}, {1, 1, 1}, 2});

  int foreground = 0;
  for (std::uint64_t position = 0; position < 2000; ++position) {
    const Box box = sampler->patch(position).box;
    foreground += common_and_rare(box.start[0], box.start[1], box.start[2]) > 0 ? 1 : 0;
  }

  // One voxel placed anywhere is foreground in 1 % of draws.
  EXPECT_NEAR(foreground / 2000.0, 0.406, 0.044);
}

TEST(LabelPatch, TakesAnUnlabelledCaseAmongLabelledOnesAnywhere) {
  const TemporaryStore data({labelled("a"), {"b", {40, 30, 20}, {uneven}, std::nullopt}});
  const auto sampler = make_label_patch(ConfigSection("sampler").with("foreground", "1.0"),
                                        {&data.store(), {0, 1}, {5, 4, 3}, 2});

  int seen = 0;
  for (std::uint64_t position = 0; position < 20; ++position) {
    seen += sampler->patch(position).case_index == data.find("b") ? 1 : 0;
  }

  EXPECT_EQ(seen, 10);
}

TEST(LabelPatch, RefusesDataWithoutLabels) {
  const TemporaryStore data({{"b", {8, 7, 6}, {uneven}, std::nullopt}});

  try {
    const auto sampler = make_label_patch(ConfigSection(), {&data.store(), {0}, {5, 4, 3}, 2});
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(std::string(error.what()).find("use body_patch"), std::string::npos);
  }
}

}  // namespace
}  // namespace marrow
