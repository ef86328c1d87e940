#include "models/layers/add_norm.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "models/layers/token_kernel.h"
#include "models/training/precision.h"

namespace marrow {
namespace {

struct AddNormCase {
  std::vector<std::int64_t> shape;
  bool bfloat16;
  bool branch;
};

class AddNorm : public ::testing::TestWithParam<AddNormCase> {};

// Against LibTorch's own sum and norm in float64.
TEST_P(AddNorm, EqualsTheSumAndItsLayerNormInValueAndGradient) {
  const AddNormCase& item = GetParam();
  torch::manual_seed(1);
  const at::ScalarType type = item.bfloat16 ? at::kBFloat16 : at::kFloat;
  const std::int64_t width = item.shape.back();
  // Off centre, so that a variance that is not centred would show.
  const at::Tensor x = (torch::randn(item.shape) + 5).requires_grad_();
  const at::Tensor branch =
      item.branch ? torch::randn(item.shape).to(type).requires_grad_() : at::Tensor();
  const at::Tensor weight = torch::randn({width}).requires_grad_();
  const at::Tensor bias = torch::randn({width}).requires_grad_();
  const at::Tensor dsum = torch::randn(item.shape);
  const at::Tensor dy = torch::randn(item.shape).to(type);
  const auto exact = [](const at::Tensor& a) {
    return a.defined() ? a.detach().to(at::kDouble).requires_grad_() : at::Tensor();
  };
  const std::vector<at::Tensor> given = {x, branch, weight, bias};
  std::vector<at::Tensor> given64;
  for (const at::Tensor& tensor : given) {
    given64.push_back(exact(tensor));
  }

  NormedSum made;
  {
    const AutocastGuard autocast({item.bfloat16, false}, at::Device(at::kCPU));
    made = add_norm(x, branch, weight, bias, 1e-6);
  }
  torch::autograd::backward({made.sum, made.normed}, {dsum, dy});
  const NormedSum exact64 = add_norm(given64[0], given64[1], given64[2], given64[3], 1e-6);
  torch::autograd::backward({exact64.sum, exact64.normed},
                            {dsum.to(at::kDouble), dy.to(at::kDouble)});

  EXPECT_EQ(made.sum.scalar_type(), at::kFloat);
  EXPECT_EQ(made.normed.scalar_type(), type);
  const auto expect_near = [](const at::Tensor& a, const at::Tensor& b, double share) {
    EXPECT_LT((a.detach().to(at::kDouble) - b.detach()).abs().max().item<double>(),
              share * b.abs().max().item<double>());
  };
  // One rounding to bfloat16: 2^-9. In float32 the rounding of values about 5 is what is left.
  const double rounding = item.bfloat16 ? 1.0 / 250 : 2e-5;
  expect_near(made.sum, exact64.sum, 1e-6);
  expect_near(made.normed, exact64.normed, rounding);
  for (std::size_t n = 0; n < given.size(); ++n) {
    if (given[n].defined()) {
      EXPECT_EQ(given[n].grad().scalar_type(), given[n].scalar_type()) << n;
      expect_near(given[n].grad(), given64[n].grad(), n == 1 ? rounding : 2e-5);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes,
                         AddNorm,
                         ::testing::Values(AddNormCase{{2, 37, 384}, false, true},
                                           AddNormCase{{2, 37, 384}, true, true},
                                           AddNormCase{{3, 70, 40}, false, true},
                                           AddNormCase{{3, 70, 40}, true, true},
                                           AddNormCase{{2, 5, 3}, true, true},
                                           AddNormCase{{2, 5, 3}, false, false},
                                           AddNormCase{{2, 5, 64}, true, false}));

TEST(AddNorm, PassesTheGradientOnWhereTheNormIsNotUsed) {
  const at::Tensor x = torch::randn({2, 3, 16}).requires_grad_();
  const at::Tensor branch = torch::randn({2, 3, 16}).requires_grad_();

  const NormedSum made = add_norm(x, branch, torch::ones({16}), torch::zeros({16}), 1e-6);
  (made.sum * 2).sum().backward();

  EXPECT_TRUE(at::equal(x.grad(), at::full({2, 3, 16}, 2.0F)));
  EXPECT_TRUE(at::equal(branch.grad(), x.grad()));
}

TEST(AddNorm, SaysTheSameOnOneThreadAndOnTwo) {
  const at::Tensor x = torch::randn({4, 65, 48}).requires_grad_();
  const at::Tensor branch = torch::randn({4, 65, 48});
  const at::Tensor weight = torch::randn({48}).requires_grad_();
  const int before = at::get_num_threads();
  std::vector<at::Tensor> gradients;
  for (const int threads : {1, 2}) {
    at::set_num_threads(threads);
    x.mutable_grad() = at::Tensor();
    weight.mutable_grad() = at::Tensor();
    const NormedSum made = add_norm(x, branch, weight, torch::zeros({48}), 1e-6);
    (made.normed * made.sum).sum().backward();
    gradients.push_back(x.grad().clone());
    gradients.push_back(weight.grad().clone());
  }
  at::set_num_threads(before);

  EXPECT_TRUE(at::equal(gradients[0], gradients[2]));
  EXPECT_TRUE(at::equal(gradients[1], gradients[3]));
}

// Every variant of the loops that this processor runs, also those that it would not choose.
TEST(TokenKernel, SaysTheSameForEveryKindOfProcessor) {
  std::vector<TokenKernels> variants = {token_kernels_baseline()};
  if (__builtin_cpu_supports("x86-64-v3")) {
    variants.push_back(token_kernels_avx2());
  }
  if (__builtin_cpu_supports("x86-64-v4")) {
    variants.push_back(token_kernels_avx512());
  }
  const TokenRows rows{.rows = 5, .width = 37};
  const at::Tensor x = torch::randn({5, 37});
  const at::Tensor branch = torch::randn({5, 37});
  const at::Tensor weight = torch::randn({37});
  const auto of = [](const at::Tensor& tensor) { return tensor.const_data_ptr<float>(); };
  const at::Tensor expected = at::layer_norm(x + branch, {37}, weight, weight, 1e-6);
  for (const TokenKernels& variant : variants) {
    at::Tensor sum = at::empty_like(x);
    at::Tensor y = at::empty_like(x);
    at::Tensor statistics = torch::empty({2, 5});
    variant.of_float.add_norm(rows,
                              of(x),
                              of(branch),
                              of(weight),
                              of(weight),
                              1e-6F,
                              sum.mutable_data_ptr<float>(),
                              y.mutable_data_ptr<float>(),
                              statistics.mutable_data_ptr<float>(),
                              statistics.mutable_data_ptr<float>() + 5);
    EXPECT_TRUE(at::equal(sum, x + branch));
    EXPECT_LT((y - expected).abs().max().item<float>(), 1e-5F);
  }
}

}  // namespace
}  // namespace marrow
