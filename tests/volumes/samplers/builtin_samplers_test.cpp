#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/support/batches_store.h"
#include "volumes/samplers/sampler.h"

namespace marrow {
namespace {

using testing::StoreCase;
using testing::TemporaryStore;
using testing::uneven;

const Samplers& builtin_samplers() {
  static const Samplers samplers = [] {
    Samplers made("sampler");
    add_builtin_samplers(made);
    return made;
  }();
  return samplers;
}

std::vector<std::string> sampler_names() {
  std::vector<std::string> names;
  for (const auto& part : builtin_samplers().parts()) {
    names.push_back(part.name);
  }
  return names;
}

std::uint16_t some_label(std::int64_t i, std::int64_t j, std::int64_t k) {
  return i == 0 && j == 0 && k == 0 ? 2 : 0;
}

std::vector<StoreCase> assorted_cases() {
  return {{"large", {23, 19, 17}, {uneven}, some_label},
          {"narrow", {30, 2, 5}, {uneven}, std::nullopt},
          {"voxel", {1, 1, 1}, {uneven}, some_label}};
}

class SamplerContract : public ::testing::TestWithParam<std::string> {
 protected:
  [[nodiscard]] std::unique_ptr<Sampler> make(std::uint64_t seed) const {
    const SamplerInput input{&data_.store(), data_.all_cases(), {6, 5, 1}, seed};
    return builtin_samplers().find(GetParam()).make(ConfigSection("sampler"), input);
  }

  TemporaryStore data_{assorted_cases()};
};

bool same_patch(const Patch& a, const Patch& b) {
  return a.case_index == b.case_index && a.box.start == b.box.start && a.box.size == b.box.size &&
         a.seed == b.seed;
}

TEST_P(SamplerContract, IsAPureFunctionOfPositionAndSeed) {
  const auto first = make(11);
  const auto second = make(11);

  for (const std::uint64_t position : {90U, 3U, 0U, 90U, 1000003U}) {
    EXPECT_TRUE(same_patch(first->patch(position), second->patch(position)));
  }
}

TEST_P(SamplerContract, DrawsOtherPatchesWithAnotherSeed) {
  const auto first = make(11);
  const auto second = make(12);

  int same = 0;
  for (std::uint64_t position = 0; position < 60; ++position) {
    same += same_patch(first->patch(position), second->patch(position)) ? 1 : 0;
  }

  EXPECT_EQ(same, 0);
}

TEST_P(SamplerContract, VisitsEachCaseOnceAnEpochWithBoxesThatFitOrAreCentred) {
  const auto sampler = make(11);

  std::vector<int> visits(3, 0);
  for (std::uint64_t position = 0; position < 300; ++position) {
    const Patch patch = sampler->patch(position);
    const Size3& grid = data_.store().info(patch.case_index).geometry.size;
    ++visits[static_cast<std::size_t>(patch.case_index)];
    EXPECT_EQ(patch.box.size, (Size3{6, 5, 1}));
    for (std::size_t axis = 0; axis < 3; ++axis) {
      const std::int64_t before = -patch.box.start[axis];
      const std::int64_t after = patch.box.start[axis] + patch.box.size[axis] - grid[axis];
      if (grid[axis] >= patch.box.size[axis]) {
        EXPECT_LE(before, 0);
        EXPECT_LE(after, 0);
      } else {
        EXPECT_TRUE(before == after || before == after + 1) << before << " " << after;
      }
    }
  }

  EXPECT_EQ(visits, (std::vector<int>{100, 100, 100}));
}

TEST_P(SamplerContract, GivesTheSamePatchesToManyThreads) {
  const auto sampler = make(11);
  std::vector<Patch> expected(400);
  for (std::size_t position = 0; position < expected.size(); ++position) {
    expected[position] = sampler->patch(position);
  }

  std::vector<int> wrong(4, 0);
  {
    std::vector<std::jthread> threads;
    for (std::size_t thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&, thread] {
        for (std::size_t position = 0; position < expected.size(); ++position) {
          wrong[thread] += same_patch(sampler->patch(position), expected[position]) ? 0 : 1;
        }
      });
    }
  }

  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

TEST_P(SamplerContract, RefusesAnUnknownOption) {
  const SamplerInput input{&data_.store(), data_.all_cases(), {6, 5, 1}, 0};

  EXPECT_THROW((void)builtin_samplers()
                   .find(GetParam())
                   .make(ConfigSection("sampler").with("foregrund", "0.5"), input),
               Error);
}

INSTANTIATE_TEST_SUITE_P(Builtin,
                         SamplerContract,
                         ::testing::ValuesIn(sampler_names()),
                         [](const auto& test) { return test.param; });

TEST(BuiltinSamplers, AreTheFiveThatTheDocumentationNames) {
  EXPECT_EQ(sampler_names(),
            (std::vector<std::string>{
                "uniform_patch", "body_patch", "label_patch", "slice", "whole_case"}));
}

}  // namespace
}  // namespace marrow
