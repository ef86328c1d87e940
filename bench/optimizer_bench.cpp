// One optimizer step with clipping of the gradient's norm: ours, and LibTorch's own for C++
// (torch::nn::utils::clip_grad_norm_ and torch::optim::AdamW), on the parameters of two networks.
//
//   optimizer_bench [Google Benchmark's options]
//
// ResNet50: the 161 tensors of a 2D ResNet-50 with 1000 classes. ViTSmall: the 150 tensors of a
// 3D vision transformer of width 384 and depth 12 with patches of 16 x 16 x 16. In each iteration
// both do a step, one after the other, so that what disturbs the machine disturbs both: `ratio` is
// the median over the iterations of theirs / ours, `ours_ms` and `theirs_ms` are the medians.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/randn.h>
#include <benchmark/benchmark.h>
#include <torch/nn/utils/clip_grad.h>
#include <torch/optim/adamw.h>

#include "models/training/optimizer.h"

namespace marrow {
namespace {

using Shapes = std::vector<std::vector<std::int64_t>>;

constexpr double kClip = 1.0;

void add_conv(Shapes& shapes, std::int64_t in, std::int64_t out, std::int64_t kernel) {
  shapes.push_back({out, in, kernel, kernel});
  shapes.push_back({out});  // scale and shift of the norm after it
  shapes.push_back({out});
}

Shapes resnet50() {
  Shapes shapes;
  add_conv(shapes, 3, 64, 7);
  std::int64_t in = 64;
  const std::vector<std::int64_t> blocks = {3, 4, 6, 3};
  for (std::size_t stage = 0; stage < blocks.size(); ++stage) {
    const std::int64_t width = std::int64_t{64} << stage;
    for (std::int64_t block = 0; block < blocks[stage]; ++block) {
      add_conv(shapes, in, width, 1);
      add_conv(shapes, width, width, 3);
      add_conv(shapes, width, 4 * width, 1);
      if (block == 0) {
        add_conv(shapes, in, 4 * width, 1);
      }
      in = 4 * width;
    }
  }
  shapes.push_back({1000, in});
  shapes.push_back({1000});
  return shapes;
}

Shapes vit_small() {
  constexpr std::int64_t kWidth = 384;
  Shapes shapes = {{kWidth, 1, 16, 16, 16}, {kWidth}};
  for (int block = 0; block < 12; ++block) {
    shapes.insert(shapes.end(),
                  {{kWidth},
                   {kWidth},
                   {3 * kWidth, kWidth},
                   {3 * kWidth},
                   {kWidth, kWidth},
                   {kWidth},
                   {kWidth},
                   {kWidth},
                   {4 * kWidth, kWidth},
                   {4 * kWidth},
                   {kWidth, 4 * kWidth},
                   {kWidth}});
  }
  shapes.insert(shapes.end(), {{kWidth}, {kWidth}, {1, 1, kWidth}, {1, 216, kWidth}});
  return shapes;
}

class Listed : public Objective {
 public:
  explicit Listed(const Shapes& shapes) {
    for (std::size_t n = 0; n < shapes.size(); ++n) {
      register_parameter("p" + std::to_string(n), 0.02 * at::randn(shapes[n]));
    }
    for (const at::Tensor& parameter : parameters()) {
      parameter.mutable_grad() = 0.01 * at::randn(parameter.sizes());
    }
  }

  StepResult step(const Batch& /*batch*/) override { return {}; }
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

template <class Body>
double seconds_of(const Body& body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void optimizer_step(benchmark::State& state, const Shapes& shapes) {
  at::set_num_threads(static_cast<int>(state.range(0)));
  Listed our_values(shapes);
  Listed their_values(shapes);
  AdamW ours(our_values, {.beta1 = 0.9, .beta2 = 0.95});
  torch::optim::AdamW theirs(
      their_values.parameters(),
      torch::optim::AdamWOptions(1e-4).betas({0.9, 0.95}).weight_decay(0.05));
  const std::vector<at::Tensor> their_parameters = their_values.parameters();
  const auto our_step = [&] {
    const double norm = ours.gradient_norm();
    ours.step(1e-4, 0.05, norm > kClip ? kClip / norm : 1);
  };
  const auto their_step = [&] {
    torch::nn::utils::clip_grad_norm_(their_parameters, kClip);
    theirs.step();
  };

  our_step();  // the first ones allocate
  their_step();
  std::vector<double> ratios;
  std::vector<double> our_times;
  std::vector<double> their_times;
  for (auto _ : state) {
    our_times.push_back(seconds_of(our_step));
    their_times.push_back(seconds_of(their_step));
    ratios.push_back(their_times.back() / our_times.back());
  }
  std::int64_t values = 0;
  for (const at::Tensor& parameter : their_parameters) {
    values += parameter.numel();
  }
  state.counters["ours_ms"] = 1e3 * median(our_times);
  state.counters["theirs_ms"] = 1e3 * median(their_times);
  state.counters["ratio"] = median(ratios);
  state.SetLabel(std::to_string(shapes.size()) + " tensors, " + std::to_string(values) + " values");
}

}  // namespace
}  // namespace marrow

int main(int argc, char** argv) {
  try {
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
      return 2;
    }
    const auto add = [](const char* name, const marrow::Shapes& shapes) {
      benchmark::RegisterBenchmark(
          name, [shapes](benchmark::State& state) { marrow::optimizer_step(state, shapes); })
          ->ArgName("threads")
          ->Arg(1)
          ->Arg(2)
          ->UseRealTime()
          ->MinTime(3)
          ->Unit(benchmark::kMillisecond);
    };
    add("OptimizerStep/ResNet50", marrow::resnet50());
    add("OptimizerStep/ViTSmall", marrow::vit_small());
    benchmark::RunSpecifiedBenchmarks();
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "optimizer_bench: %s\n", error.what());
    return 1;
  }
}
