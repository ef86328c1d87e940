#include "models/training/optimizer.h"

#include <limits>

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "core/error.h"
#include "models/training/adamw_kernel.h"

namespace marrow {
namespace {

// Parameters of several shapes: below and above a block of the optimizer's, and of lengths that no
// vector divides.
class Shapes : public Objective {
 public:
  explicit Shapes(at::ScalarType type = at::kFloat, std::vector<double> lr_scales = {1})
      : lr_scales_(std::move(lr_scales)) {
    torch::manual_seed(3);
    for (const std::vector<std::int64_t>& shape :
         {std::vector<std::int64_t>{7}, {33, 3, 5, 5}, {300, 257}, {1}, {64}}) {
      register_parameter("p" + std::to_string(parameters().size()), torch::randn(shape).to(type));
    }
  }

  StepResult step(const Batch&) override { return {}; }

  [[nodiscard]] std::vector<ParameterGroup> parameter_groups() const override {
    std::vector<ParameterGroup> groups(lr_scales_.size());
    std::size_t next = 0;
    for (const auto& item : named_parameters()) {
      groups[next % groups.size()].parameters.push_back(item.key());
      groups[next % groups.size()].lr_scale = lr_scales_[next % groups.size()];
      ++next;
    }
    return groups;
  }

  void draw_gradients(std::uint64_t seed) {
    torch::manual_seed(seed);
    for (at::Tensor& parameter : parameters()) {
      parameter.mutable_grad() = torch::randn(parameter.sizes()).to(parameter.scalar_type());
    }
  }

 private:
  std::vector<double> lr_scales_;
};

double largest_difference(const Shapes& a, const Shapes& b) {
  double largest = 0;
  for (std::size_t n = 0; n < a.parameters().size(); ++n) {
    const at::Tensor difference = a.parameters()[n].to(at::kDouble) - b.parameters()[n];
    largest = std::max(largest, difference.abs().max().item<double>());
  }
  return largest;
}

TEST(Optimizer, FollowsLibTorchsAdamWWithClipping) {
  Shapes ours;
  Shapes theirs;
  AdamW optimizer(ours, {0.9, 0.95, 1e-8});
  std::vector<at::Tensor> decaying;
  std::vector<at::Tensor> others;
  for (const at::Tensor& parameter : theirs.parameters()) {
    (parameter.dim() > 1 ? decaying : others).push_back(parameter);
  }
  torch::optim::AdamW reference(
      {torch::optim::OptimizerParamGroup(
           decaying,
           std::make_unique<torch::optim::AdamWOptions>(
               torch::optim::AdamWOptions(0.01).betas({0.9, 0.95}).weight_decay(0.3))),
       torch::optim::OptimizerParamGroup(
           others,
           std::make_unique<torch::optim::AdamWOptions>(
               torch::optim::AdamWOptions(0.01).betas({0.9, 0.95}).weight_decay(0)))},
      torch::optim::AdamWOptions(0.01));
  for (std::uint64_t step = 0; step < 5; ++step) {
    ours.draw_gradients(step);
    theirs.draw_gradients(step);

    const double norm = optimizer.gradient_norm();
    optimizer.step(0.01, 0.3, 2.0 / norm);
    const double expected = torch::nn::utils::clip_grad_norm_(theirs.parameters(), 2.0);
    reference.step();

    EXPECT_NEAR(norm, expected, 1e-3);  // about 280, which LibTorch sums in float32
  }
  EXPECT_LT(largest_difference(ours, theirs), 2e-6);  // values of about 3 in float32
}

TEST(Optimizer, TheNumberOfThreadsChangesNoBit) {
  Shapes one;
  Shapes two;
  const auto train = [](Shapes& objective, int threads) {
    at::set_num_threads(threads);
    AdamW optimizer(objective, {});
    for (std::uint64_t step = 0; step < 3; ++step) {
      objective.draw_gradients(step);
      optimizer.step(0.01, 0.1, 1 / optimizer.gradient_norm());
    }
  };
  train(one, 1);
  train(two, 2);
  EXPECT_EQ(largest_difference(one, two), 0);
}

TEST(Optimizer, ParametersThatOurKernelDoesNotTakeFollowTheOthersUpToTheirRounding) {
  Shapes exact;
  Shapes rounded(at::kBFloat16);
  AdamW exact_optimizer(exact, {});
  AdamW rounded_optimizer(rounded, {});
  for (std::uint64_t step = 0; step < 3; ++step) {
    exact.draw_gradients(step);
    rounded.draw_gradients(step);
    const double norm = rounded_optimizer.gradient_norm();
    EXPECT_NEAR(norm,
                exact_optimizer.gradient_norm(),
                1);  // of about 280, in float32 from gradients of 8 bits
    exact_optimizer.step(0.1, 0.1, 0.01);
    rounded_optimizer.step(0.1, 0.1, 0.01);
  }
  EXPECT_LT(largest_difference(exact, rounded), 0.05);  // each moved by about 0.1 a step
  EXPECT_GT(largest_difference(rounded, Shapes(at::kBFloat16)), 0.1);
}

TEST(Optimizer, ALearningRateScaleOfNothingFreezesParametersAndMoments) {
  Shapes objective(at::kFloat, {1, 0});
  const Shapes start;
  AdamW optimizer(objective, {});
  objective.draw_gradients(1);
  optimizer.step(0.1, 0.1);

  EXPECT_FALSE(at::equal(objective.parameters()[0], start.parameters()[0]));
  EXPECT_TRUE(at::equal(objective.parameters()[1], start.parameters()[1]));
  for (const auto& [name, tensor] : optimizer.state()) {
    if (name == "square.p1") {
      EXPECT_EQ(tensor.abs().max().item<double>(), 0);
    }
  }
}

TEST(Optimizer, AParameterWithoutAGradientIsNeitherMovedNorCounted) {
  Shapes objective;
  const Shapes start;
  AdamW optimizer(objective, {});
  objective.draw_gradients(1);
  objective.parameters()[2].mutable_grad().reset();
  optimizer.step(0.1, 0.1);

  EXPECT_TRUE(at::equal(objective.parameters()[2], start.parameters()[2]));
  EXPECT_FALSE(at::equal(objective.parameters()[4], start.parameters()[4]));
  for (const auto& [name, tensor] : optimizer.state()) {
    if (name.starts_with("count.")) {
      EXPECT_EQ(tensor.item<double>(), name == "count.p2" ? 0 : 1) << name;
    }
  }
}

TEST(Optimizer, AStateThatWasSavedGoesOnWithTheSameBits) {
  Shapes whole;
  Shapes resumed;
  AdamW optimizer(whole, {});
  AdamW before(resumed, {});
  for (std::uint64_t step = 0; step < 2; ++step) {
    whole.draw_gradients(step);
    resumed.draw_gradients(step);
    optimizer.step(0.01, 0.1);
    before.step(0.01, 0.1);
  }
  AdamW after(resumed, {});
  for (const auto& [name, tensor] : before.state()) {
    after.load(name, tensor.clone());  // counts are float32 scalars, as in every version so far
  }
  whole.draw_gradients(9);
  resumed.draw_gradients(9);
  optimizer.step(0.01, 0.1);
  after.step(0.01, 0.1);

  EXPECT_EQ(largest_difference(whole, resumed), 0);
  EXPECT_THROW(after.load("average.p9", torch::zeros({1})), Error);
}

TEST(Optimizer, TheNormOfAGradientThatIsNotFiniteIsNotFinite) {
  Shapes objective;
  AdamW optimizer(objective, {});
  objective.draw_gradients(1);
  objective.parameters()[2].mutable_grad()[299][256] = std::numeric_limits<float>::infinity();
  EXPECT_FALSE(std::isfinite(optimizer.gradient_norm()));
  objective.draw_gradients(1);
  objective.parameters()[3].mutable_grad()[0] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_FALSE(std::isfinite(optimizer.gradient_norm()));
}

TEST(Optimizer, TheKernelsOfAllProcessorsAgree) {
  const auto run = [](const AdamWKernels& kernels) {
    torch::manual_seed(4);
    const at::Tensor gradient = torch::randn({4, 1001});
    const at::Tensor values = torch::randn({3, 1001}).abs();
    for (std::int64_t step = 0; step < 4; ++step) {
      kernels.of_float.update(
          {.gradient_scale = 0.5, .decay = 0.99, .step_size = 0.1, .root_scale = 1.5},
          1001,
          gradient[step].const_data_ptr<float>(),
          values[0].mutable_data_ptr<float>(),
          values[1].mutable_data_ptr<float>(),
          values[2].mutable_data_ptr<float>());
    }
    return values;
  };
  const at::Tensor expected = run(adamw_kernels_baseline());
  if (__builtin_cpu_supports("x86-64-v3")) {
    EXPECT_LT((run(adamw_kernels_avx2()) - expected).abs().max().item<double>(), 1e-5);
  }
  if (__builtin_cpu_supports("x86-64-v4")) {
    EXPECT_LT((run(adamw_kernels_avx512()) - expected).abs().max().item<double>(), 1e-5);
  }
}

}  // namespace
}  // namespace marrow
