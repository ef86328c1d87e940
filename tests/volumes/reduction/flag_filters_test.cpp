#include "volumes/reduction/flag_filters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/volumes/reduction/volume_filter_items.h"

namespace marrow {
namespace {

using testing::drops_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::keys_of;
using testing::read_item;
using testing::refusal_of;
using testing::volume_filter;

TEST(FlagFilters, LeaveOutWhatHasTheirFlagAndSayWhy) {
  std::vector<ReductionItem> items{read_item("a"), read_item("b"), read_item("c"), read_item("d")};
  items[0].fingerprint.flags.blank = "all is air";
  items[1].fingerprint.flags.scout = "3 voxels along k";
  items[2].fingerprint.flags.phantom = "water";

  const std::vector<VolumeDrop> scouts = drops_of(*volume_filter("scout"), items);

  ASSERT_EQ(scouts.size(), 1U);
  EXPECT_EQ(scouts[0].item, 1U);
  EXPECT_EQ(scouts[0].because, "3 voxels along k");
  EXPECT_FALSE(scouts[0].kept.has_value());
  EXPECT_THAT(keys_of(drops_of(*volume_filter("blank"), items), items), ElementsAre("a"));
  EXPECT_THAT(keys_of(drops_of(*volume_filter("phantom"), items), items), ElementsAre("c"));
}

TEST(FlagFilters, KnowPhantomsByTheHeaderOfAnyModality) {
  std::vector<ReductionItem> items{read_item("a"), read_item("b"), read_item("c")};
  items[0].one.modality = Modality::kMr;
  items[0].facts["body_part"] = "ACR_PHANTOM";
  items[1].facts["sequence"] = "daily qa";
  items[2].facts["manufacturer"] = "Phantom Works";

  const std::vector<VolumeDrop> drops = drops_of(*volume_filter("phantom"), items);

  EXPECT_THAT(keys_of(drops, items), ElementsAre("a", "b"));
  EXPECT_EQ(drops[0].because, "the header says \"phantom\"");
}

TEST(FlagFilters, LeaveLabelledAndHeldOutVolumesWhereTheyAre) {
  std::vector<ReductionItem> items{read_item("a"), read_item("b"), read_item("c")};
  for (ReductionItem& item : items) {
    item.fingerprint.flags = {"blank", "scout", "phantom"};
  }
  items[0].labels = "1";
  items[1].held_out = true;

  for (const char* const name : {"blank", "scout", "phantom"}) {
    EXPECT_THAT(keys_of(drops_of(*volume_filter(name), items), items), ElementsAre("c")) << name;
    EXPECT_EQ(flag_phrase(name, items[0]), name);
  }
  EXPECT_EQ(flag_phrase("exact", items[0]), "");
}

TEST(FlagFilters, HaveNoOptions) {
  EXPECT_THAT(refusal_of([] { (void)volume_filter("blank", "blank: {empty_share: 0.9}"); }),
              HasSubstr("there is no key \"empty_share\""));
}

}  // namespace
}  // namespace marrow
