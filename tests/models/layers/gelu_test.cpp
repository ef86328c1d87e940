#include "models/layers/gelu.h"

#include <limits>

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "models/layers/token_kernel.h"

namespace marrow {
namespace {

// Against LibTorch in float64, from where it is 0 to where it is the identity.
TEST(Gelu, EqualsItsDefinitionInValueAndGradient) {
  const at::Tensor x = at::linspace(-100, 100, 40003).requires_grad_();
  const at::Tensor x64 = x.detach().to(at::kDouble).requires_grad_();

  const at::Tensor y = exact_gelu(x);
  y.sum().backward();
  const at::Tensor y64 = at::gelu(x64);
  y64.sum().backward();

  const at::Tensor size = x64.detach().abs().clamp_min(1);
  EXPECT_LT(((y.detach().to(at::kDouble) - y64.detach()) / size).abs().max().item<double>(), 2e-7);
  EXPECT_LT((x.grad().to(at::kDouble) - x64.grad()).abs().max().item<double>(), 4e-7);
}

TEST(Gelu, RoundsOnceInBfloat16) {
  const at::Tensor x = at::linspace(-6, 6, 1003).to(at::kBFloat16).requires_grad_();
  const at::Tensor x64 = x.detach().to(at::kDouble).requires_grad_();

  const at::Tensor y = exact_gelu(x);
  y.sum().backward();
  const at::Tensor y64 = at::gelu(x64);
  y64.sum().backward();

  EXPECT_EQ(y.scalar_type(), at::kBFloat16);
  const auto expect_rounded = [](const at::Tensor& a, const at::Tensor& b) {
    const at::Tensor apart = (a.detach().to(at::kDouble) - b.detach()).abs();
    EXPECT_TRUE((apart <= b.detach().abs() / 256 + 1e-6).all().item<bool>());
  };
  expect_rounded(y, y64);
  expect_rounded(x.grad(), x64.grad());
}

TEST(Gelu, KeepsValuesThatAreNotNumbersAndInfinity) {
  const float infinity = std::numeric_limits<float>::infinity();
  const at::Tensor y =
      exact_gelu(torch::tensor({std::numeric_limits<float>::quiet_NaN(), infinity}));

  EXPECT_TRUE(std::isnan(y[0].item<float>()));
  EXPECT_EQ(y[1].item<float>(), infinity);
}

// Every variant of the loops that this processor runs, also those that it would not choose.
TEST(TokenKernel, MakesTheSameGeluForEveryKindOfProcessor) {
  std::vector<TokenKernels> variants = {token_kernels_baseline()};
  if (__builtin_cpu_supports("x86-64-v3")) {
    variants.push_back(token_kernels_avx2());
  }
  const at::Tensor x = at::linspace(-9, 9, 61);
  for (const TokenKernels& variant : variants) {
    at::Tensor y = at::empty_like(x);
    variant.of_float.gelu(61, x.const_data_ptr<float>(), y.mutable_data_ptr<float>());
    EXPECT_LT((y - exact_gelu(x)).abs().max().item<float>(), 1e-6F);
  }
}

}  // namespace
}  // namespace marrow
