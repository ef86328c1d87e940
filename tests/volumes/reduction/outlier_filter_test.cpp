#include "volumes/reduction/outlier_filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/rng.h"
#include "tests/volumes/reduction/volume_filter_items.h"

namespace marrow {
namespace {

using testing::drops_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::keys_of;
using testing::read_item;
using testing::refusal_of;
using testing::volume_filter;

// Ordinary volumes of one modality: means around -400, spacings of 1 to 3 mm.
std::vector<ReductionItem> ordinary(std::int64_t count, Modality modality) {
  Rng rng(1);
  std::vector<ReductionItem> items;
  for (std::int64_t n = 0; n < count; ++n) {
    ReductionItem item =
        read_item(std::string(modality_name(modality)) + std::to_string(n), std::to_string(n));
    item.one.modality = modality;
    item.fingerprint.mean = -400 + 50 * rng.normal();
    item.fingerprint.deviation = 400 + 20 * rng.normal();
    item.fingerprint.spacing_mm = {0.7, 0.7, rng.uniform(1, 3)};
    items.push_back(std::move(item));
  }
  return items;
}

TEST(OutlierFilter, LeavesOutWhatLiesFarAndSaysWhichFactAndHowFar) {
  std::vector<ReductionItem> items = ordinary(40, Modality::kCt);
  items[7].fingerprint.mean = 900;
  items[9].fingerprint.slices.resize(4000);
  items[9].fingerprint.voxels = 80'000'000;

  const std::vector<VolumeDrop> drops = drops_of(*volume_filter("outlier"), items);

  ASSERT_THAT(keys_of(drops, items), ElementsAre("CT7", "CT9"));
  const VolumeDrop& mean = items[drops[0].item].one.key == "CT7" ? drops[0] : drops[1];
  EXPECT_THAT(mean.because, HasSubstr("the mean 900 is "));
  EXPECT_THAT(mean.because, HasSubstr("robust deviations above the median -"));
  EXPECT_GT(mean.measure, 6);
  const VolumeDrop& size = items[drops[0].item].one.key == "CT7" ? drops[1] : drops[0];
  EXPECT_THAT(size.because, HasSubstr("and 1 more of its facts"));
}

TEST(OutlierFilter, ComparesWithinAModalityAndNothingInSmallOnes) {
  std::vector<ReductionItem> items = ordinary(40, Modality::kCt);
  for (ReductionItem& item : ordinary(12, Modality::kMr)) {
    item.fingerprint.mean += 5000;
    items.push_back(item);
  }
  items.push_back(read_item("PT0"));
  items.back().one.modality = Modality::kPet;
  items.back().fingerprint.mean = 1e6;

  EXPECT_THAT(drops_of(*volume_filter("outlier"), items), IsEmpty());
}

TEST(OutlierFilter, LeavesLabelledAndHeldOutVolumesAndDoesNotAskForTheOrder) {
  std::vector<ReductionItem> items = ordinary(40, Modality::kCt);
  for (const std::size_t n : {3U, 4U, 5U}) {
    items[n].fingerprint.mean = 900;
  }
  items[3].labels = "1";
  items[4].held_out = true;
  const std::vector<ReductionItem> turned(items.rbegin(), items.rend());

  EXPECT_THAT(keys_of(drops_of(*volume_filter("outlier"), items), items), ElementsAre("CT5"));
  EXPECT_THAT(keys_of(drops_of(*volume_filter("outlier"), turned), turned), ElementsAre("CT5"));
  EXPECT_THAT(drops_of(*volume_filter("outlier", "outlier: {limit: 999}"), items), IsEmpty());
}

// A protocol that a whole archive shares makes no other one infinitely far.
TEST(OutlierFilter, AllowsForSmallDifferencesFromASharedProtocol) {
  std::vector<ReductionItem> items = ordinary(40, Modality::kCt);
  for (ReductionItem& item : items) {
    item.fingerprint.spacing_mm = {0.7, 0.7, 1};
    item.fingerprint.empty_share = 1e-6;
  }
  items[0].fingerprint.spacing_mm[2] = 1.5;
  items[1].fingerprint.empty_share = 0.1;
  items[2].fingerprint.spacing_mm[2] = 12;

  EXPECT_THAT(keys_of(drops_of(*volume_filter("outlier"), items), items), ElementsAre("CT2"));
}

TEST(OutlierFilter, RefusesALimitOutOfRange) {
  EXPECT_THAT(refusal_of([] { (void)volume_filter("outlier", "outlier: {limit: 0}"); }),
              HasSubstr("1 to 1000"));
}

}  // namespace
}  // namespace marrow
