#include "volumes/reduction/balance_filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/files.h"
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

// 300 chests, 12 hands, 4 without a body part.
std::vector<ReductionItem> archive() {
  std::vector<ReductionItem> items;
  for (int n = 0; n < 316; ++n) {
    items.push_back(read_item("s" + std::to_string(n), "p" + std::to_string(n / 2)));
    if (n < 312) {
      items.back().facts["body_part"] = n < 300 ? "CHEST" : "Hand";
    }
  }
  return items;
}

std::set<std::string> dropped(const std::string& yaml, const std::vector<ReductionItem>& items) {
  return keys_of(drops_of(*volume_filter("balance", yaml), items), items);
}

TEST(BalanceFilter, ThinsWhatIsFrequentAndLeavesWhatIsRare) {
  const std::vector<ReductionItem> items = archive();
  const auto filter = volume_filter("balance", "balance: {facts: [body_part], limit: 20}");

  const std::vector<VolumeDrop> drops = drops_of(*filter, items);

  EXPECT_NEAR(static_cast<double>(drops.size()), 280, 15);  // 3 sd of 300 draws at 20 / 300
  for (const VolumeDrop& drop : drops) {
    EXPECT_EQ(items[drop.item].facts.at("body_part"), "CHEST");
    EXPECT_FALSE(drop.kept.has_value());
    EXPECT_DOUBLE_EQ(drop.measure, 20.0 / 300);
  }
  EXPECT_THAT(drops[0].because,
              HasSubstr(" of 300 volumes of its rarest concept (body_part=chest) stay"));
  EXPECT_THAT(filter->concepts(items[305]), ElementsAre("body_part=hand"));
}

TEST(BalanceFilter, KeepsLabelledAndHeldOutVolumesAndCountsThem) {
  std::vector<ReductionItem> items = archive();
  for (std::size_t n = 0; n < 300; n += 3) {
    items[n].labels = n % 2 == 0 ? "1" : "";
    items[n].held_out = n % 2 == 1;
  }

  const std::set<std::string> gone = dropped("balance: {facts: [body_part], wanted: 150}", items);

  EXPECT_EQ(items.size() - gone.size(), 150U);
  for (const ReductionItem& item : items) {
    EXPECT_FALSE(gone.contains(item.one.key) && (!item.labels.empty() || item.held_out));
  }
  EXPECT_THAT(refusal_of([&] { (void)dropped("balance: {wanted: 99}", items); }),
              HasSubstr("at least as many wanted records as the 100 that stay"));
}

TEST(BalanceFilter, ThinsWhatOnlyAReportLabelsWhenToldTo) {
  std::vector<ReductionItem> items = archive();
  for (ReductionItem& item : items) {
    item.labels = "report of " + item.one.key;
    item.only_reported = true;
  }

  EXPECT_TRUE(dropped("balance: {limit: 5}", items).empty());
  EXPECT_GT(dropped("balance: {limit: 5, thin_reported: true}", items).size(), 200U);
  items[0].only_reported = false;
  EXPECT_FALSE(dropped("balance: {wanted: 1, thin_reported: true, keep_unmatched: false}", items)
                   .contains("s0"));
}

TEST(BalanceFilter, DependsOnTheSeedAndNotOnTheOrder) {
  const std::vector<ReductionItem> items = archive();
  const std::vector<ReductionItem> turned(items.rbegin(), items.rend());

  EXPECT_EQ(dropped("balance: {share: 0.25}", items), dropped("balance: {share: 0.25}", turned));
  EXPECT_EQ(dropped("balance: {share: 0.25}", items).size(), 237U);
  EXPECT_NE(dropped("balance: {share: 0.25}", items),
            dropped("balance: {share: 0.25, seed: 1}", items));
}

TEST(BalanceFilter, WithoutAConceptVolumesStayUnlessTheyShallGo) {
  const std::vector<ReductionItem> items = archive();
  const std::string yaml = "balance: {facts: [body_part], limit: 1000";

  EXPECT_TRUE(dropped(yaml + "}", items).empty());
  EXPECT_THAT(dropped(yaml + ", keep_unmatched: false}", items),
              ElementsAre("s312", "s313", "s314", "s315"));
}

TEST(BalanceFilter, FindsTermsInFactsAndReportsAndNamesNone) {
  TemporaryFolder folder;
  const std::string file = (folder.path() / "terms.txt").string();
  write_atomically(file, std::string_view("lung nodule\r\n\n  Lung  Nodule\nB30f\n"));
  const auto filter =
      volume_filter("balance", "balance: {facts: [], limit: 3, terms: " + file + "}");
  std::vector<ReductionItem> items = archive();
  for (std::size_t n = 0; n < 100; ++n) {
    items[n].report = "A lung nodule, left.";
  }
  items[0].facts["kernel"] = "B30f";

  EXPECT_TRUE(filter->needs().reports);
  EXPECT_FALSE(volume_filter("balance", "balance: {limit: 3}")->needs().reports);
  EXPECT_THAT(filter->concepts(items[0]), ElementsAre("term=lung nodule", "term=B30f"));
  const std::vector<VolumeDrop> drops = drops_of(*filter, items);
  EXPECT_GT(drops.size(), 80U);
  for (const VolumeDrop& drop : drops) {
    EXPECT_EQ(drop.because, "thinned: the rarest of its concepts is a term");
    EXPECT_EQ(drop.measure, 0);
  }
}

TEST(BalanceFilter, RefusesWhatContradictsItselfOrIsMissing) {
  const auto why = [](const std::string& options) {
    return refusal_of([&] { (void)volume_filter("balance", "balance: " + options); });
  };
  TemporaryFolder folder;
  const std::string empty = (folder.path() / "empty.txt").string();
  write_atomically(empty, std::string_view("\n\n"));

  EXPECT_THAT(why("{}"), HasSubstr("one of limit, share and wanted above 0, found none"));
  EXPECT_THAT(why("{limit: 3, wanted: 4}"), HasSubstr("found several"));
  EXPECT_THAT(why("{limit: 3, terms: nowhere.txt}"), HasSubstr("nowhere.txt"));
  EXPECT_THAT(why("{limit: 3, terms: " + empty + "}"), HasSubstr("found no term in"));
  EXPECT_THAT(why("{limit: 3, facts: []}"), HasSubstr("found neither"));
  EXPECT_THAT(refusal_of([&] {
                (void)dropped("balance: {limit: 3, facts: [bodypart], keep_unmatched: false}",
                              archive());
              }),
              HasSubstr("(bodypart), found none among 316; their facts are body_part, modality"));
  // Of volumes that say nothing all stay, as keep_unmatched has it.
  EXPECT_TRUE(dropped("balance: {limit: 3, facts: [bodypart]}", archive()).empty());
}

}  // namespace
}  // namespace marrow
