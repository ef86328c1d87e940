// What joins the branches of a vision transformer, forward and backward, beside the same written
// with LibTorch's operations: the branch is added to the stream, whose norm is taken (under
// autocast in bfloat16).
//
//   add_norm_bench [Google Benchmark's options]
//
// 32 samples of 37 tokens, width 384: the visible tokens of the masked autoencoder of
// training_bench.

#include <cstdio>
#include <exception>
#include <string>

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <benchmark/benchmark.h>
#include <torch/csrc/autograd/autograd.h>

#include "models/layers/add_norm.h"
#include "models/layers/token_norm.h"
#include "models/training/precision.h"

namespace marrow {
namespace {

constexpr std::int64_t kWidth = 384;

at::Tensor tokens(std::int64_t width, at::ScalarType type) {
  return at::randn({32, 37, width}).to(type).requires_grad_();
}

NormedSum with_libtorch(const at::Tensor& x,
                        const at::Tensor& branch,
                        const at::Tensor& weight,
                        const at::Tensor& bias,
                        at::ScalarType type) {
  const at::Tensor sum = x + branch;
  return {sum, at::layer_norm(sum, {x.size(-1)}, weight, bias, kTokenNormEps).to(type)};
}

void sum_and_norm(benchmark::State& state, bool ours, bool bf16) {
  at::set_num_threads(1);
  const at::ScalarType type = bf16 ? at::kBFloat16 : at::kFloat;
  const at::Tensor x = tokens(kWidth, at::kFloat);
  const at::Tensor branch = tokens(kWidth, type);
  const at::Tensor weight = at::ones({kWidth}).requires_grad_();
  const at::Tensor bias = at::zeros({kWidth}).requires_grad_();
  const at::Tensor dsum = at::randn(x.sizes());
  const at::Tensor dy = at::randn(x.sizes()).to(type);
  for (auto _ : state) {
    NormedSum made;
    {
      const AutocastGuard autocast({.bf16 = bf16}, at::Device(at::kCPU));
      made = ours ? add_norm(x, branch, weight, bias, kTokenNormEps)
                  : with_libtorch(x, branch, weight, bias, type);
    }
    benchmark::DoNotOptimize(
        torch::autograd::grad({made.sum, made.normed}, {x, branch, weight, bias}, {dsum, dy}));
  }
}

}  // namespace
}  // namespace marrow

int main(int argc, char** argv) {
  try {
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
      return 1;
    }
    for (const bool bf16 : {false, true}) {
      for (const bool ours : {true, false}) {
        const std::string ending =
            std::string(bf16 ? "bf16" : "fp32") + (ours ? "/ours" : "/libtorch");
        benchmark::RegisterBenchmark(
            ("sum_and_norm/" + ending).c_str(), marrow::sum_and_norm, ours, bf16)
            ->Unit(benchmark::kMillisecond);
      }
    }
    benchmark::RunSpecifiedBenchmarks();
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "add_norm_bench: %s\n", error.what());
    return 1;
  }
}
