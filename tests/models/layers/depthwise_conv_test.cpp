#include "models/layers/depthwise_conv.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "models/layers/depthwise_kernel.h"

namespace marrow {
namespace {

struct DepthwiseCase {
  std::vector<std::int64_t> shape;
  std::int64_t kernel;
  bool channels_last;
  bool bfloat16 = false;
};

class DepthwiseConv : public ::testing::TestWithParam<DepthwiseCase> {};

// Against LibTorch's own gradients in float64.
TEST_P(DepthwiseConv, EqualsLibTorchInValueAndGradient) {
  const DepthwiseCase& item = GetParam();
  torch::manual_seed(1);
  const std::size_t rank = item.shape.size() - 2;
  const auto layout = !item.channels_last ? at::MemoryFormat::Contiguous
                      : rank == 3         ? at::MemoryFormat::ChannelsLast3d
                                          : at::MemoryFormat::ChannelsLast;
  const at::ScalarType type = item.bfloat16 ? at::kBFloat16 : at::kFloat;
  std::vector<std::int64_t> weights = {item.shape[1], 1};
  weights.insert(weights.end(), rank, item.kernel);
  const at::Tensor x = torch::randn(item.shape).to(type).contiguous(layout).requires_grad_();
  const at::Tensor w = torch::randn(weights).to(type).requires_grad_();
  const at::Tensor b = torch::randn({item.shape[1]}).to(type).requires_grad_();
  const at::Tensor dy = torch::randn(item.shape).to(type);
  const auto exact = [](const at::Tensor& a) {
    return a.detach().to(at::kDouble).requires_grad_();
  };
  const at::Tensor x64 = exact(x);
  const at::Tensor w64 = exact(w);
  const at::Tensor b64 = exact(b);

  const at::Tensor y = depthwise_conv(x, w, b);
  y.backward(dy);
  const at::Tensor y64 = depthwise_conv(x64, w64, b64);
  y64.backward(dy.to(at::kDouble));

  // bfloat16 results are rounded once: 2^-9 of their size.
  const double tolerance = item.bfloat16 ? 1.0 / 250 : 2e-6;
  const auto expect_near = [&](const at::Tensor& a, const at::Tensor& b64_, const char* what) {
    const double scale = b64_.abs().max().item<double>();
    EXPECT_EQ(a.scalar_type(), type) << what;
    EXPECT_LT((a.to(at::kDouble) - b64_).abs().max().item<double>(), tolerance * scale) << what;
  };
  expect_near(y.detach(), y64.detach(), "value");
  expect_near(x.grad(), x64.grad(), "gradient of x");
  expect_near(w.grad(), w64.grad(), "gradient of the weights");
  expect_near(b.grad(), b64.grad(), "gradient of the bias");
}

INSTANTIATE_TEST_SUITE_P(Shapes,
                         DepthwiseConv,
                         ::testing::Values(DepthwiseCase{{2, 16, 5, 6, 7}, 5, true},
                                           DepthwiseCase{{1, 35, 3, 9, 4}, 3, true},
                                           DepthwiseCase{{2, 7, 4, 2, 11}, 5, false},
                                           DepthwiseCase{{2, 32, 13, 9}, 7, true},
                                           DepthwiseCase{{3, 20, 6, 2}, 7, false},
                                           DepthwiseCase{{2, 17, 12, 10}, 9, true},
                                           DepthwiseCase{{2, 16, 5, 6, 7}, 5, true, true},
                                           DepthwiseCase{{2, 33, 13, 9}, 7, false, true}));

TEST(DepthwiseKernel, GivesTheSameSumsOnEveryProcessor) {
  torch::manual_seed(2);
  const at::Tensor x = torch::randn({2, 3, 5, 8, 16});
  const at::Tensor dy = torch::randn({2, 3, 5, 8, 16});
  DepthwiseShape shape;
  shape.batch = 2;
  shape.depth = 3;
  shape.height = 5;
  shape.width = 8;
  shape.channels = 16;
  shape.kernel_depth = 3;
  shape.kernel = 3;
  shape.lanes = 13;
  std::vector<DepthwiseKernels> kernels = {depthwise_kernels_baseline()};
  if (__builtin_cpu_supports("x86-64-v3")) {
    kernels.push_back(depthwise_kernels_avx2());
  }
  if (__builtin_cpu_supports("x86-64-v4")) {
    kernels.push_back(depthwise_kernels_avx512());
  }
  // Tap (0, 0, 1): a plane and a row before. Channel 12 is the last asked for.
  const double expected =
      (dy.slice(1, 1).slice(2, 1).select(-1, 12) * x.slice(1, 0, 2).slice(2, 0, 4).select(-1, 12))
          .sum()
          .item<double>();

  for (const DepthwiseKernels& item : kernels) {
    std::vector<double> sums(9 * 16);
    item.of_float.weight_gradient(
        shape, 0, x.const_data_ptr<float>(), dy.const_data_ptr<float>(), sums.data());
    EXPECT_NEAR(sums[1 * 16 + 12], expected, 1e-4);
    EXPECT_EQ(sums[1 * 16 + 13], 0.0);
  }
}

TEST(DepthwiseConvBits, DoNotDependOnTheNumberOfThreads) {
  const auto gradient = [](int threads) {
    at::set_num_threads(threads);
    torch::manual_seed(3);
    const at::Tensor w = torch::randn({40, 1, 3, 3, 3}).requires_grad_();
    const at::Tensor x = torch::randn({2, 40, 6, 7, 8});
    depthwise_conv(x, w, torch::zeros({40})).square().sum().backward();
    return w.grad();
  };

  EXPECT_TRUE(at::equal(gradient(1), gradient(2)));
}

}  // namespace
}  // namespace marrow
