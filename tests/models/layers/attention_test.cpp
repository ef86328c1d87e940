#include "models/layers/attention.h"

#include <ATen/ATen.h>
#include <ATen/cpu/Utils.h>
#include <gtest/gtest.h>

namespace marrow {
namespace {

TEST(Attention, BothKernelsAgreeInValueAndGradient) {
  at::manual_seed(1);
  const at::Tensor qkv = at::randn({3, 2, 3, 7, 5}, at::kDouble);
  const at::Tensor toward = at::randn({2, 3, 7, 5}, at::kDouble);
  std::vector<at::Tensor> results;
  std::vector<at::Tensor> gradients;
  for (const AttentionKernel kernel : {AttentionKernel::kFused, AttentionKernel::kExplicit}) {
    const at::Tensor x = qkv.clone().requires_grad_();
    results.push_back(attend(x[0], x[1], x[2], kernel));
    (results.back() * toward).sum().backward();
    gradients.push_back(x.grad());
  }

  EXPECT_LT((results[0] - results[1]).abs().max().item<double>(), 1e-12);
  EXPECT_LT((gradients[0] - gradients[1]).abs().max().item<double>(), 1e-12);
}

TEST(Attention, IsTheWeightedMeanOfItsDefinition) {
  // One head of two features; scores 0 and ln 3 give weights 1/4 and 3/4.
  const double score = std::log(3.0) * std::sqrt(2.0);
  const at::Tensor q = at::tensor({1.0, 0.0}, at::kDouble).view({1, 1, 1, 2});
  const at::Tensor k = at::tensor({0.0, 5.0, score, 7.0}, at::kDouble).view({1, 1, 2, 2});
  const at::Tensor v = at::tensor({4.0, 8.0, 8.0, 0.0}, at::kDouble).view({1, 1, 2, 2});

  for (const AttentionKernel kernel : {AttentionKernel::kFused, AttentionKernel::kExplicit}) {
    const at::Tensor y = attend(q, k, v, kernel);
    EXPECT_NEAR(y[0][0][0][0].item<double>(), 7.0, 1e-12);
    EXPECT_NEAR(y[0][0][0][1].item<double>(), 2.0, 1e-12);
  }
}

TEST(Attention, ExplicitKernelSumsItsWeightsInFloat32) {
  const at::Tensor q = at::zeros({1, 1, 1, 8}, at::kBFloat16);
  const at::Tensor k = at::zeros({1, 1, 512, 8}, at::kBFloat16);
  const at::Tensor v = at::ones({1, 1, 512, 8}, at::kBFloat16);

  const at::Tensor y = attend(q, k, v, AttentionKernel::kExplicit);

  EXPECT_EQ(y.scalar_type(), at::kBFloat16);
  EXPECT_EQ(y.to(at::kFloat).max().item<float>(), 1.0F);
}

TEST(Attention, ChoosesTheKernelByTheKindOfProcessorAndNumbers) {
  const at::Device cpu(at::kCPU);

  EXPECT_EQ(attention_kernel(cpu, at::kFloat), AttentionKernel::kFused);
  EXPECT_EQ(attention_kernel(at::Device(at::kCUDA, 0), at::kBFloat16), AttentionKernel::kFused);
  EXPECT_EQ(attention_kernel(cpu, at::kBFloat16),
            at::cpu::init_amx() ? AttentionKernel::kFused : AttentionKernel::kExplicit);
}

}  // namespace
}  // namespace marrow
