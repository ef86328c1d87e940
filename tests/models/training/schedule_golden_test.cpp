#include <gtest/gtest.h>
#include <torch/torch.h>

#include "models/training/optimizer.h"
#include "models/training/schedule.h"
#include "tests/support/golden_tensors.h"

namespace marrow {
namespace {

TEST(ScheduleGolden, SparksLearningRateAndWeightDecay) {
  const auto vectors = testing::golden("optim")["spark_lr_wd"];
  const double peak = vectors["peak"];
  for (const auto& [step, expected] : vectors["at"].items()) {
    const std::int64_t it = std::stoll(step);
    EXPECT_NEAR(warmup_cosine(it, vectors["total_it"], vectors["warmup_it"], peak, 0.005, 0.001),
                expected[0].get<double>(),
                1e-15);
    EXPECT_NEAR(cosine_between(it, vectors["total_it"], vectors["wd"], vectors["wde"]),
                expected[1].get<double>(),
                1e-12);
  }
}

class OneVector : public Objective {
 public:
  explicit OneVector(const at::Tensor& start) {
    vector = register_parameter("vector", start.clone());
  }

  StepResult step(const Batch&) override { return {}; }

  at::Tensor vector;
};

TEST(ScheduleGolden, AdamWFollowsTheReferenceTrajectory) {
  const auto vectors = testing::golden("optim")["adamw"];
  // A matrix of one row: vectors of one dimension would not decay.
  OneVector objective(testing::golden_tensor(vectors["p0"]).unsqueeze(0));
  AdamW optimizer(objective, {vectors["betas"][0], vectors["betas"][1], 1e-8});
  for (std::size_t step = 0; step < vectors["grads"].size(); ++step) {
    objective.vector.mutable_grad() = testing::golden_tensor(vectors["grads"][step]).unsqueeze(0);
    optimizer.step(vectors["lr"], vectors["wd"]);
    EXPECT_LT(testing::largest_difference(objective.vector.detach()[0],
                                          testing::golden_tensor(vectors["params_after"][step])),
              1e-9)
        << "step " << step;
  }
}

TEST(ScheduleGolden, VectorsOfOneDimensionDoNotDecay) {
  OneVector objective(torch::ones({3}));
  AdamW optimizer(objective, {});
  objective.vector.mutable_grad() = torch::zeros({3});
  optimizer.step(0.1, 0.5);
  EXPECT_TRUE(at::equal(objective.vector.detach(), torch::ones({3})));
}

class OneToken : public Objective {
 public:
  OneToken() { token = register_parameter("token0", torch::ones({1, 3, 1, 1, 1})); }

  StepResult step(const Batch&) override { return {}; }

  at::Tensor token;
};

TEST(Optimizer, MaskTokensDoNotDecay) {
  OneToken objective;
  AdamW optimizer(objective, {});
  objective.token.mutable_grad() = torch::zeros({1, 3, 1, 1, 1});
  optimizer.step(0.1, 0.5);
  EXPECT_TRUE(at::equal(objective.token.detach(), torch::ones({1, 3, 1, 1, 1})));
}

TEST(Optimizer, ChannelsLastParametersWithContiguousGradientsAreUpdatedAsContiguousOnes) {
  torch::manual_seed(2);
  const at::Tensor start = torch::randn({4, 3, 3, 3, 3});
  const at::Tensor gradient = torch::randn({4, 3, 3, 3, 3});
  OneVector plain(start);
  OneVector last(start);
  last.vector.set_data(last.vector.detach().contiguous(at::MemoryFormat::ChannelsLast3d));
  AdamW plain_optimizer(plain, {});
  AdamW last_optimizer(last, {});
  for (int step = 0; step < 3; ++step) {
    plain.vector.mutable_grad() = gradient * (step + 1);
    last.vector.mutable_grad() = gradient * (step + 1);
    plain_optimizer.step(0.01, 0.1);
    last_optimizer.step(0.01, 0.1);
  }
  EXPECT_LT((plain.vector - last.vector).abs().max().item<double>(), 1e-7);
}

}  // namespace
}  // namespace marrow
