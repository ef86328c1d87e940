#include "volumes/reduction/coreset_filter.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/rng.h"
#include "tests/volumes/reduction/volume_filter_items.h"

namespace marrow {
namespace {

using testing::drops_of;
using ::testing::HasSubstr;
using testing::keys_of;
using testing::read_item;
using testing::refusal_of;
using testing::volume_filter;

constexpr std::size_t kDimensions = 8;

std::vector<float> near_axis(std::size_t axis, double noise, Rng& rng) {
  std::vector<double> row(kDimensions);
  double square = 0;
  for (std::size_t n = 0; n < row.size(); ++n) {
    row[n] = (n == axis ? 1 : 0) + noise * rng.normal();
    square += row[n] * row[n];
  }
  std::vector<float> unit;
  for (const double value : row) {
    unit.push_back(static_cast<float>(value / std::sqrt(square)));
  }
  return unit;
}

// 60 volumes, those of every third about what the target is about; three a patient.
class CoresetFilter : public ::testing::Test {
 protected:
  CoresetFilter() {
    Rng rng(3);
    for (std::size_t n = 0; n < 60; ++n) {
      rows_.push_back(near_axis(n % 3 == 0 ? 0 : 1 + n % 7, 0.05, rng));
    }
    for (std::size_t n = 0; n < 60; ++n) {
      items_.push_back(read_item((n % 3 == 0 ? "near" : "far") + std::to_string(n),
                                 "p" + std::to_string(n / 6)));
      items_.back().vectors.volume = rows_[n];
    }
    for (int n = 0; n < 5; ++n) {
      const std::vector<float> row = near_axis(0, 0.05, rng);
      target_.insert(target_.end(), row.begin(), row.end());
    }
  }

  [[nodiscard]] std::vector<VolumeDrop> drops(const std::string& yaml) const {
    return drops_of(*volume_filter("coreset", yaml), items_, rows());
  }

  [[nodiscard]] UnitRows rows() const { return {target_, kDimensions}; }

  std::vector<std::vector<float>> rows_;
  std::vector<ReductionItem> items_;
  std::vector<float> target_;
};

TEST_F(CoresetFilter, KeepsTheVolumesNearestToTheTarget) {
  const std::vector<VolumeDrop> gone = drops("coreset: {budget: 20, stop_ratio: 0}");

  EXPECT_EQ(gone.size(), 40U);
  for (const VolumeDrop& drop : gone) {
    EXPECT_EQ(items_[drop.item].one.key.substr(0, 3), "far");
    EXPECT_FALSE(drop.kept.has_value());
    EXPECT_LT(drop.measure, 0.6);
    EXPECT_THAT(drop.because, HasSubstr("to the nearest of its centroids"));
  }
  EXPECT_EQ(drops("coreset: {share: 0.1}").size(), 54U);
}

TEST_F(CoresetFilter, LeavesLabelledAndHeldOutVolumesAndDoesNotChooseThem) {
  items_[1].labels = "1";
  items_[2].held_out = true;
  items_[4].labels = "report of 4";
  items_[4].only_reported = true;

  const std::set<std::string> gone = keys_of(drops("coreset: {budget: 10}"), items_);

  EXPECT_EQ(gone.size(), 47U);
  EXPECT_FALSE(gone.contains("far1") || gone.contains("far2") || gone.contains("far4"));
  EXPECT_TRUE(
      keys_of(drops("coreset: {budget: 10, thin_reported: true}"), items_).contains("far4"));
}

TEST_F(CoresetFilter, DependsNotOnTheOrderAndCapsPatients) {
  const std::string yaml = "coreset: {budget: 9, per_patient: 1, stop_ratio: 0}";
  const std::set<std::string> gone = keys_of(drops(yaml), items_);
  std::set<std::string> patients;
  std::size_t kept = 0;
  for (const ReductionItem& item : items_) {
    if (!gone.contains(item.one.key)) {
      patients.insert(item.one.patient);
      ++kept;
    }
  }
  EXPECT_EQ(kept, 9U);
  EXPECT_EQ(patients.size(), kept);

  std::reverse(items_.begin(), items_.end());
  EXPECT_EQ(keys_of(drops(yaml), items_), gone);
}

TEST_F(CoresetFilter, RefusesWhatDoesNotFitTogether) {
  EXPECT_THAT(refusal_of([&] { (void)drops("coreset: {budget: 3, share: 0.5}"); }),
              HasSubstr("a budget or a share, found both"));
  EXPECT_TRUE(volume_filter("coreset")->needs().vectors);
  EXPECT_TRUE(volume_filter("coreset")->needs().target);

  const std::vector<float> other{1, 0, 0};
  EXPECT_THAT(refusal_of([&] {
                (void)drops_of(*volume_filter("coreset"), items_, {other, 3});
              }),
              HasSubstr("found 3 for each volume of the target and 8 for"));
}

}  // namespace
}  // namespace marrow
