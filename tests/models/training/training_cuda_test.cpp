// What training computes on a GPU against the CPU. Skipped where there is none.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "models/layers/norm_act.h"
#include "models/layers/residual_block.h"
#include "models/training/optimizer.h"
#include "models/training/precision.h"

namespace marrow {
namespace {

class TrainingCuda : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!at::hasCUDA()) {
      GTEST_SKIP() << "no GPU";
    }
  }
};

double relative_difference(const at::Tensor& found, const at::Tensor& expected) {
  const at::Tensor difference = found.detach().cpu().to(at::kDouble) - expected.detach();
  return difference.abs().max().item<double>() / expected.abs().max().item<double>();
}

// Learns |x| from x; draws no random numbers.
class AbsoluteValue : public Objective {
 public:
  AbsoluteValue() {
    torch::manual_seed(7);
    block_ = register_module(
        "block",
        std::make_shared<ResidualBlock>(
            3, 1, 16, std::vector<std::int64_t>{1, 1, 1}, NormKind::kInstance, false));
    last_ = register_module("last",
                            std::make_shared<Conv>(Conv::Options{
                                .in = 16, .out = 1, .kernel = 1, .stride = {}, .bias = true}));
  }

  StepResult step(const Batch& batch) override {
    const at::Tensor x = batch.views[0];
    return {(last_->forward(block_->forward(x, nullptr)) - x.abs()).square().mean(), {}};
  }

 private:
  std::shared_ptr<ResidualBlock> block_;
  std::shared_ptr<Conv> last_;
};

TEST_F(TrainingCuda, OneStepInFloat32EqualsThatOnTheCpu) {
  const at::NoTF32Guard no_tf32;
  AbsoluteValue on_cpu;
  AbsoluteValue on_gpu;
  on_gpu.to(at::kCUDA);
  torch::manual_seed(1);
  const at::Tensor x = torch::randn({2, 1, 16, 20, 24});
  const auto train_once = [&](AbsoluteValue& objective, const at::Device& device) {
    const ComputeMode mode{.bf16 = false, .channels_last = true};
    apply_layout(objective, mode);
    AdamW optimizer(objective, {});
    Batch batch;
    batch.views = {with_layout(x.to(device), mode)};
    const at::Tensor loss = objective.step(batch).loss;
    loss.backward();
    const double norm = optimizer.gradient_norm();
    optimizer.step(0.01, 0.1, 0.5 / norm);
    return loss.item<double>();
  };

  const double cpu_loss = train_once(on_cpu, at::kCPU);
  const double gpu_loss = train_once(on_gpu, at::kCUDA);

  EXPECT_NEAR(gpu_loss, cpu_loss, 1e-5);  // sums of float32 in another order
  for (const auto& item : on_cpu.named_parameters()) {
    const at::Tensor& found = on_gpu.named_parameters()[item.key()];
    // A first step of AdamW is lr * the sign of the gradient, which is near 0 for some.
    const at::Tensor far = (found.detach().cpu() - item.value().detach()).abs() > 1e-4;
    EXPECT_LT(far.to(at::kDouble).mean().item<double>(), 0.01) << item.key();
  }
}

TEST_F(TrainingCuda, TheOptimizerEqualsThatOnTheCpu) {
  class Two : public Objective {
   public:
    Two() {
      torch::manual_seed(5);
      register_parameter("matrix", torch::randn({300, 257}));
      register_parameter("vector", torch::randn({33}));
    }

    StepResult step(const Batch&) override { return {}; }
  };

  Two on_cpu;
  Two on_gpu;
  on_gpu.to(at::kCUDA);
  AdamW cpu_optimizer(on_cpu, {0.9, 0.95, 1e-8});
  AdamW gpu_optimizer(on_gpu, {0.9, 0.95, 1e-8});
  for (int step = 0; step < 4; ++step) {
    for (std::size_t n = 0; n < 2; ++n) {
      const at::Tensor gradient = torch::randn(on_cpu.parameters()[n].sizes());
      on_cpu.parameters()[n].mutable_grad() = gradient;
      on_gpu.parameters()[n].mutable_grad() = gradient.cuda();
    }
    const double norm = cpu_optimizer.gradient_norm();
    EXPECT_NEAR(gpu_optimizer.gradient_norm(), norm, 1e-3);
    cpu_optimizer.step(0.01, 0.2, 2 / norm);
    gpu_optimizer.step(0.01, 0.2, 2 / norm);
  }
  for (std::size_t n = 0; n < 2; ++n) {
    EXPECT_LT(relative_difference(on_gpu.parameters()[n], on_cpu.parameters()[n]), 1e-5);
  }
}

TEST_F(TrainingCuda, LargeConvolutionsInBfloat16AreThoseInFloat32UpToTheirRounding) {
  const at::NoTF32Guard no_tf32;
  torch::manual_seed(2);
  const at::TensorOptions gpu = at::TensorOptions().device(at::kCUDA);
  const at::Tensor x =
      torch::randn({2, 32, 96, 96, 96}, gpu).contiguous(at::MemoryFormat::ChannelsLast3d);
  const at::Tensor weight = torch::randn({32, 32, 3, 3, 3}, gpu) / 30;
  const at::Tensor exact = torch::conv3d(x, weight, {}, 1, 1);
  const at::Tensor rounded =
      torch::conv3d(x.to(at::kBFloat16), weight.to(at::kBFloat16), {}, 1, 1).to(at::kFloat);

  EXPECT_GT(exact.std().item<double>(), 0.5);
  // 8 bits in x, weight and the result, over sums of 864 products: 1 % of the spread at most.
  EXPECT_LT((rounded - exact).square().mean().sqrt().item<double>(),
            0.01 * exact.std().item<double>());
}

TEST_F(TrainingCuda, NormAndActivationEqualTheKernelOfTheCpu) {
  torch::manual_seed(3);
  for (const bool over_batch : {false, true}) {
    const NormActOptions options{.over_batch = over_batch, .eps = 1e-5, .slope = 0.01};
    const at::Tensor x = torch::randn({2, 20, 6, 7, 9});
    const at::Tensor gamma = torch::rand({20}) + 0.5;
    const at::Tensor beta = torch::randn({20});
    const at::Tensor mask = torch::rand({2, 1, 6, 7, 9}) > 0.3;
    const at::Tensor residual = torch::randn_like(x);
    const at::Tensor dy = torch::randn_like(x);
    const auto run = [&](const at::Device& device) {
      const at::Tensor input = x.to(device).detach().clone().requires_grad_();
      const NormActResult result = norm_act(
          input, gamma.to(device), beta.to(device), mask.to(device), residual.to(device), options);
      result.y.backward(dy.to(device));
      return std::vector<at::Tensor>{result.y, result.mean, result.variance, input.grad()};
    };
    const std::vector<at::Tensor> expected = run(at::kCPU);
    const std::vector<at::Tensor> found = run(at::kCUDA);
    for (std::size_t n = 0; n < expected.size(); ++n) {
      EXPECT_LT(relative_difference(found[n], expected[n]), 1e-4)
          << "output " << n << (over_batch ? " over the batch" : "");
    }
  }
}

}  // namespace
}  // namespace marrow
