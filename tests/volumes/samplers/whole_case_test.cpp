#include "volumes/samplers/whole_case.h"

#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/support/batches_store.h"

namespace marrow {
namespace {

using testing::StoreCase;
using testing::TemporaryStore;
using testing::uneven;

StoreCase of_class(const std::string& key, std::vector<double> targets) {
  StoreCase item{key, {6, 5, 1}, {uneven}, std::nullopt};
  item.targets = std::move(targets);
  return item;
}

std::string balance_refusal(const TemporaryStore& data) {
  try {
    const auto sampler = make_whole_case(ConfigSection("sampler").with("balance", "classes"),
                                         {&data.store(), data.all_cases(), {4, 4, 1}, 1});
  } catch (const Error& error) {
    return error.code() == ErrorCode::kInvalidArgument ? error.what() : "another code";
  }
  return "no error";
}

TEST(WholeCase, CentresTheBoxWhereTheCaseIsLargerAndWhereItIsSmaller) {
  const TemporaryStore data({{"a", {13, 4, 9}, {uneven}, std::nullopt}});
  const auto sampler = make_whole_case(ConfigSection(), {&data.store(), {0}, {5, 7, 1}, 4});

  const Box box = sampler->patch(3).box;

  EXPECT_EQ(box.start, (std::array<std::int64_t, 3>{4, -2, 4}));
  EXPECT_EQ(box.size, (Size3{5, 7, 1}));
}

TEST(WholeCase, ReachesEveryPlaceThatTouchesNoBorderWithAFullShift) {
  const TemporaryStore data({{"a", {9, 4, 6}, {uneven}, std::nullopt}});
  const auto sampler = make_whole_case(ConfigSection("sampler").with("shift", "1"),
                                       {&data.store(), {0}, {6, 7, 1}, 4});

  std::array<std::set<std::int64_t>, 3> starts;
  for (std::uint64_t position = 0; position < 300; ++position) {
    for (std::size_t axis = 0; axis < 3; ++axis) {
      starts[axis].insert(sampler->patch(position).box.start[axis]);
    }
  }

  EXPECT_EQ(starts[0], (std::set<std::int64_t>{0, 1, 2, 3}));
  EXPECT_EQ(starts[1], (std::set<std::int64_t>{-3, -2, -1, 0}));
  EXPECT_EQ(starts[2], (std::set<std::int64_t>{0, 1, 2, 3, 4, 5}));
}

TEST(WholeCase, ShiftsByTheShareAskedFor) {
  const TemporaryStore data({{"a", {20, 4, 12}, {uneven}, std::nullopt}});
  const auto sampler = make_whole_case(ConfigSection("sampler").with("shift", "0.5"),
                                       {&data.store(), {0}, {12, 4, 4}, 4});

  std::set<std::int64_t> starts;
  std::set<std::int64_t> bags;
  for (std::uint64_t position = 0; position < 300; ++position) {
    starts.insert(sampler->patch(position).box.start[0]);
    bags.insert(sampler->patch(position).box.start[2]);
  }

  EXPECT_EQ(starts, (std::set<std::int64_t>{2, 3, 4, 5, 6}));
  EXPECT_EQ(bags, (std::set<std::int64_t>{2, 3, 4, 5, 6}));
}

TEST(WholeCase, DrawsNoSliceThatWasLeftOut) {
  const TemporaryStore data({{"a", {6, 5, 11}, {uneven}, std::nullopt}});
  SamplerInput input{&data.store(), {0}, {6, 5, 1}, 4};
  input.kept_slices[0] = {1, 4, 7, 10};
  const auto middle = make_whole_case(ConfigSection(), input);
  const auto shifted = make_whole_case(ConfigSection("sampler").with("shift", "0.6"), input);

  std::set<std::int64_t> slices;
  for (std::uint64_t position = 0; position < 100; ++position) {
    slices.insert(shifted->patch(position).box.start[2]);
  }

  EXPECT_EQ(middle->patch(0).box.start[2], 4);        // of 5
  EXPECT_EQ(slices, (std::set<std::int64_t>{4, 7}));  // of 2 to 8
}

TEST(WholeCase, VisitsEveryClassEquallyOftenAndItsCasesInTurn) {
  const TemporaryStore data({of_class("a", {0}),
                             of_class("b", {0}),
                             of_class("c", {0}),
                             of_class("d", {2}),
                             of_class("e", {5}),
                             of_class("f", {5})});
  const auto sampler = make_whole_case(ConfigSection("sampler").with("balance", "classes"),
                                       {&data.store(), data.all_cases(), {4, 4, 1}, 9});

  std::map<std::int64_t, int> visits;
  for (std::uint64_t round = 0; round < 60; ++round) {
    std::set<double> classes;
    for (std::uint64_t place = 0; place < 3; ++place) {
      const std::int64_t index = sampler->patch(3 * round + place).case_index;
      classes.insert(data.store().info(index).targets.front());
      ++visits[index];
    }
    EXPECT_EQ(classes, (std::set<double>{0, 2, 5}));
  }

  EXPECT_EQ(visits,
            (std::map<std::int64_t, int>{{0, 20}, {1, 20}, {2, 20}, {3, 60}, {4, 30}, {5, 30}}));
}

TEST(WholeCase, GoesThroughAClassInAnOrderThatChanges) {
  const TemporaryStore data(
      {of_class("a", {1}), of_class("b", {1}), of_class("c", {1}), of_class("d", {1})});
  const auto sampler = make_whole_case(ConfigSection("sampler").with("balance", "classes"),
                                       {&data.store(), data.all_cases(), {4, 4, 1}, 9});

  std::set<std::vector<std::int64_t>> orders;
  for (std::uint64_t epoch = 0; epoch < 20; ++epoch) {
    std::vector<std::int64_t> order;
    for (std::uint64_t place = 0; place < 4; ++place) {
      order.push_back(sampler->patch(4 * epoch + place).case_index);
    }
    EXPECT_EQ(std::set<std::int64_t>(order.begin(), order.end()).size(), 4U);
    orders.insert(order);
  }

  EXPECT_GT(orders.size(), 5U);
}

TEST(WholeCase, RefusesToBalanceWhereThereIsNoOneClass) {
  const TemporaryStore several({of_class("a", {1}), of_class("b", {1, 0, 1})});
  const TemporaryStore none({of_class("a", {1}), of_class("b", {})});
  const TemporaryStore unknown({of_class("a", {1}), of_class("b", {std::nan("")})});

  EXPECT_NE(balance_refusal(several).find("case \"b\" has 3 targets (multi-label)"),
            std::string::npos);
  EXPECT_NE(balance_refusal(none).find("case \"b\" has none"), std::string::npos);
  EXPECT_NE(balance_refusal(unknown).find("an unknown one"), std::string::npos);
}

}  // namespace
}  // namespace marrow
