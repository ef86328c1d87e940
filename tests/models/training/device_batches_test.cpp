#include "models/training/device_batches.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

namespace marrow {
namespace {

// Two views and labels of noise, by step alone; counts how often it was asked.
class NoiseViews : public BatchSource {
 public:
  Batch batch(std::int64_t step) override {
    ++asked;
    Batch batch;
    batch.step = step;
    torch::manual_seed(static_cast<std::uint64_t>(step));
    batch.views = {torch::randn({2, 3, 6, 8, 10}), torch::randn({2, 1, 4, 4, 4})};
    batch.labels = torch::randint(0, 3, {2, 6, 8, 10}, torch::kLong);
    batch.targets = torch::randint(0, 5, {2}, torch::kLong);
    batch.keys = {"a", "b"};
    return batch;
  }

  int asked = 0;
};

void expect_same_batches(const at::Device& device) {
  NoiseViews source;
  NoiseViews expected_source;
  DeviceBatches batches(source, device, {.bf16 = false, .channels_last = true});
  for (std::int64_t step = 4; step < 9; ++step) {
    const Batch batch = batches.batch(step);
    if (step != 7) {  // without a prefetch, too
      batches.prefetch(step + 1);
    }
    const Batch expected = expected_source.batch(step);
    ASSERT_EQ(batch.views.size(), 2U);
    for (std::size_t n = 0; n < 2; ++n) {
      EXPECT_EQ(batch.views[n].device().type(), device.type());
      EXPECT_TRUE(at::equal(batch.views[n].cpu(), expected.views[n])) << "step " << step;
    }
    EXPECT_TRUE(batch.views[0].is_contiguous(at::MemoryFormat::ChannelsLast3d));
    EXPECT_TRUE(at::equal(batch.labels.cpu(), expected.labels));
    EXPECT_TRUE(at::equal(batch.targets.cpu(), expected.targets));
    EXPECT_EQ(batch.keys, expected.keys);
    EXPECT_EQ(batch.step, step);
  }
}

TEST(DeviceBatches, OnTheCpuTheyAreTheSourcesInTheAskedLayoutAndAskedForOnce) {
  expect_same_batches(at::kCPU);

  NoiseViews source;
  DeviceBatches batches(source, at::kCPU, {});
  static_cast<void>(batches.batch(0));
  batches.prefetch(1);
  static_cast<void>(batches.batch(1));
  EXPECT_EQ(source.asked, 2);
}

TEST(DeviceBatchesCuda, CopiesFromPinnedMemoryOneBatchAheadAreTheSources) {
  if (!at::hasCUDA()) {
    GTEST_SKIP() << "no GPU";
  }
  expect_same_batches(at::Device(at::kCUDA));
}

}  // namespace
}  // namespace marrow
