#include "volumes/loader/loader.h"

#include <atomic>
#include <set>
#include <string>
#include <vector>

#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/support/batches_store.h"

namespace marrow {
namespace {

using testing::StoreCase;
using testing::TemporaryStore;
using testing::uneven;

std::uint16_t high_is_two(std::int64_t i, std::int64_t j, std::int64_t k) {
  return uneven(i, j, k) > 0.3F ? 2 : 0;
}

std::vector<StoreCase> three_cases() {
  return {{"a", {13, 11, 9}, {uneven}, high_is_two},
          {"b", {17, 12, 10}, {uneven}, high_is_two},
          {"c", {9, 14, 8}, {uneven}, high_is_two}};
}

// Walks through the cases; fails at one position when asked to.
class WalkingSampler final : public Sampler {
 public:
  explicit WalkingSampler(std::int64_t cases,
                          const Size3& size = {6, 5, 4},
                          std::int64_t fails_at = -1)
      : cases_(cases), size_(size), fails_at_(fails_at) {}

  [[nodiscard]] Patch patch(std::uint64_t position) const override {
    if (static_cast<std::int64_t>(position) == fails_at_) {
      throw Error(ErrorCode::kUnreadable, "case x: block 3 fails its checksum");
    }
    const auto n = static_cast<std::int64_t>(position);
    return {n % cases_, {{n % 3, n % 4, n % 2}, size_}, derive_seed(5, "patch", {position})};
  }

 private:
  std::int64_t cases_;
  Size3 size_;
  std::int64_t fails_at_;
};

AugmentOptions everything() {
  AugmentOptions options;
  options.flip = 0.5;
  options.flip_axes = {"left-right", "front-back", "foot-head"};
  options.rotate = options.scale = options.noise = options.blur = options.gamma = 0.7;
  options.brightness = options.contrast = options.bias_field = 0.7;
  return options;
}

LoaderOptions loader_options(std::int64_t threads) {
  LoaderOptions options;
  options.batch_size = 3;
  options.threads = threads;
  options.prefetch = 2;
  options.seed = 21;
  options.with_labels = true;
  options.views = 2;
  return options;
}

void expect_equal_batches(const Batch& a, const Batch& b) {
  ASSERT_EQ(a.views.size(), b.views.size());
  for (std::size_t view = 0; view < a.views.size(); ++view) {
    EXPECT_TRUE(at::equal(a.views[view], b.views[view]));
  }
  EXPECT_TRUE(at::equal(a.labels, b.labels));
  EXPECT_EQ(a.keys, b.keys);
  EXPECT_EQ(a.step, b.step);
  EXPECT_EQ(a.seed, b.seed);
}

TEST(Loader, GivesTheSameBatchesForAnyNumberOfThreads) {
  const TemporaryStore data(three_cases());
  const WalkingSampler sampler(3);
  const auto alone = make_loader(data.store(), sampler, everything(), loader_options(0));
  const auto one = make_loader(data.store(), sampler, everything(), loader_options(1));
  const auto three = make_loader(data.store(), sampler, everything(), loader_options(3));

  for (std::int64_t step = 0; step < 12; ++step) {
    const Batch expected = alone->batch(step);
    expect_equal_batches(expected, one->batch(step));
    expect_equal_batches(expected, three->batch(step));
  }
}

TEST(Loader, ContinuesAtAnyStepAsIfItHadNotStopped) {
  const TemporaryStore data(three_cases());
  const WalkingSampler sampler(3);
  const auto whole = make_loader(data.store(), sampler, everything(), loader_options(2));
  const auto resumed = make_loader(data.store(), sampler, everything(), loader_options(3));
  for (std::int64_t step = 0; step < 7; ++step) {
    (void)whole->batch(step);
  }

  for (std::int64_t step = 7; step < 12; ++step) {
    expect_equal_batches(whole->batch(step), resumed->batch(step));
  }
}

TEST(Loader, PutsThePatchesOfTheStreamIntoTheRows) {
  const TemporaryStore data(three_cases());
  const WalkingSampler sampler(3);
  const auto loader = make_loader(data.store(), sampler, AugmentOptions{}, loader_options(1));

  const Batch batch = loader->batch(4);

  ASSERT_EQ(batch.views.size(), 2U);
  EXPECT_EQ(batch.views[0].sizes(), (std::vector<std::int64_t>{3, 1, 4, 5, 6}));
  EXPECT_EQ(batch.labels.sizes(), (std::vector<std::int64_t>{3, 4, 5, 6}));
  EXPECT_EQ(batch.labels.scalar_type(), at::kLong);
  EXPECT_EQ(batch.step, 4);
  for (std::int64_t row = 0; row < 3; ++row) {
    const Patch patch = sampler.patch(static_cast<std::uint64_t>(12 + row));
    const Example expected = make_example(data.store(), patch, {}, true);
    EXPECT_EQ(batch.keys[static_cast<std::size_t>(row)], data.store().info(patch.case_index).key);
    const float* image = batch.views[0].const_data_ptr<float>() + row * 120;
    EXPECT_EQ(std::vector<float>(image, image + 120), expected.image);
    const std::int64_t* labels = batch.labels.const_data_ptr<std::int64_t>() + row * 120;
    EXPECT_EQ(std::vector<std::uint8_t>(labels, labels + 120), expected.labels);
  }
}

TEST(Loader, AugmentsTheViewsOfAPatchDifferently) {
  const TemporaryStore data(three_cases());
  const WalkingSampler sampler(3);
  const auto loader = make_loader(data.store(), sampler, everything(), loader_options(1));

  const Batch batch = loader->batch(0);

  EXPECT_FALSE(at::equal(batch.views[0], batch.views[1]));
}

TEST(Loader, SqueezesTheDepthOfSlices) {
  const TemporaryStore data(three_cases());
  const WalkingSampler sampler(3, {6, 5, 1});
  LoaderOptions options = loader_options(1);
  options.two_dimensional = true;
  const auto loader = make_loader(data.store(), sampler, everything(), options);

  const Batch batch = loader->batch(0);

  EXPECT_EQ(batch.views[1].sizes(), (std::vector<std::int64_t>{3, 1, 5, 6}));
  EXPECT_EQ(batch.labels.sizes(), (std::vector<std::int64_t>{3, 5, 6}));
}

TEST(Loader, GivesEveryStepASeedOfItsOwn) {
  const TemporaryStore data(three_cases());
  const WalkingSampler sampler(3);
  const auto loader = make_loader(data.store(), sampler, {}, loader_options(1));

  std::set<std::uint64_t> seeds;
  for (std::int64_t step = 0; step < 20; ++step) {
    seeds.insert(loader->batch(step).seed);
  }

  EXPECT_EQ(seeds.size(), 20U);
}

TEST(Loader, LeavesLabelsUndefinedWhenNoneAreWanted) {
  const TemporaryStore data({{"a", {13, 11, 9}, {uneven}, std::nullopt}});
  const WalkingSampler sampler(1);
  LoaderOptions options = loader_options(1);
  options.with_labels = false;

  const Batch batch = make_loader(data.store(), sampler, {}, options)->batch(0);

  EXPECT_FALSE(batch.labels.defined());
}

TEST(Loader, RethrowsTheErrorOfAThreadAtItsOwnStepAndAgainWhenAskedAgain) {
  const TemporaryStore data(three_cases());
  for (const std::int64_t threads : {0, 1, 3}) {
    const WalkingSampler sampler(3, {6, 5, 4}, 10);  // step 3
    const auto loader = make_loader(data.store(), sampler, everything(), loader_options(threads));
    for (std::int64_t step = 0; step < 3; ++step) {
      EXPECT_EQ(loader->batch(step).step, step);
    }

    for (int attempt = 0; attempt < 2; ++attempt) {
      try {
        (void)loader->batch(3);
        FAIL() << "expected an error";
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kUnreadable);
        EXPECT_STREQ(error.what(), "case x: block 3 fails its checksum");
      }
    }
  }
}

TEST(Loader, EndsAtOnceWhileThreadsWaitOrWork) {
  const TemporaryStore data(three_cases());
  const WalkingSampler sampler(3);
  for (int round = 0; round < 30; ++round) {
    const auto loader = make_loader(data.store(), sampler, everything(), loader_options(3));
    for (std::int64_t step = 0; step < round % 4; ++step) {
      (void)loader->batch(step);
    }
  }
  SUCCEED();
}

TEST(Loader, MakesNoMoreBatchesThanMayWait) {
  // Counts how far the stream has been read while the first batch is in the caller's hands.
  class CountingSampler final : public Sampler {
   public:
    [[nodiscard]] Patch patch(std::uint64_t position) const override {
      std::uint64_t seen = furthest.load();
      while (position > seen && !furthest.compare_exchange_weak(seen, position)) {
      }
      return {0, {{0, 0, 0}, {6, 5, 4}}, position};
    }

    mutable std::atomic<std::uint64_t> furthest{0};
  };

  const TemporaryStore data(three_cases());
  const CountingSampler sampler;
  const auto loader = make_loader(data.store(), sampler, {}, loader_options(3));

  for (std::int64_t step = 0; step < 10; ++step) {
    (void)loader->batch(step);
    // Handed out: step + 1 batches; waiting or being made: 2.
    EXPECT_LT(sampler.furthest.load(), static_cast<std::uint64_t>((step + 3) * 3));
  }
}

TEST(Loader, NamesTheCaseThatHasNoLabels) {
  std::vector<StoreCase> cases = three_cases();
  cases.push_back({"d", {13, 11, 9}, {uneven}, std::nullopt});
  const TemporaryStore data(cases);
  const WalkingSampler sampler(4);
  const auto loader = make_loader(data.store(), sampler, {}, loader_options(2));

  try {
    for (std::int64_t step = 0; step < 3; ++step) {
      (void)loader->batch(step);
    }
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(std::string(error.what()).find("case d has none"), std::string::npos);
  }
}

TEST(Loader, NamesTheCaseWithAnotherNumberOfChannels) {
  std::vector<StoreCase> cases = three_cases();
  cases[1].channels.emplace_back(uneven);
  const TemporaryStore data(cases);
  const WalkingSampler sampler(3);
  const auto loader = make_loader(data.store(), sampler, {}, loader_options(2));

  try {
    (void)loader->batch(0);
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(std::string(error.what()).find("case b gives 2 channels"), std::string::npos);
  }
}

TEST(Loader, RefusesThickPatchesForATwoDimensionalNetwork) {
  const TemporaryStore data(three_cases());
  const WalkingSampler sampler(3);
  LoaderOptions options = loader_options(1);
  options.two_dimensional = true;

  try {
    (void)make_loader(data.store(), sampler, {}, options);
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(std::string(error.what()).find("found 6x5x4"), std::string::npos);
  }
}

TEST(Loader, RefusesABatchSizeOfZero) {
  const TemporaryStore data(three_cases());
  const WalkingSampler sampler(3);
  LoaderOptions options = loader_options(1);
  options.batch_size = 0;

  EXPECT_THROW((void)make_loader(data.store(), sampler, {}, options), Error);
}

TEST(Loader, RefusesStepsOutOfOrder) {
  const TemporaryStore data(three_cases());
  const WalkingSampler sampler(3);
  const auto loader = make_loader(data.store(), sampler, {}, loader_options(1));
  (void)loader->batch(5);

  EXPECT_THROW((void)loader->batch(5), Error);
  EXPECT_THROW((void)loader->batch(7), Error);
}

}  // namespace
}  // namespace marrow
