// One SparK pretraining step: masking, forward, loss, backward, clipping, AdamW. The batch is drawn
// beforehand.
//
//   spark_bench [Google Benchmark's options]
//
// The encoder is resenc_unet with its default widths, the batch 4 patches of 40 x 56 x 40. Once in
// float32 and once in bfloat16; the memory layout is what a training run chooses. The benchmark's
// label tells it, after the number of parameters.

#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/randn.h>
#include <benchmark/benchmark.h>

#include "core/config/config.h"
#include "models/encoders/resenc_unet.h"
#include "models/training/optimizer.h"
#include "models/training/precision.h"
#include "ssl/spark.h"

namespace marrow {
namespace {

void spark_step(benchmark::State& state, const std::string& precision) {
  constexpr std::int64_t kBatch = 4;
  constexpr double kClip = 5.0;
  at::set_num_threads(static_cast<int>(state.range(0)));
  const at::Device device(at::kCPU);
  const ComputeMode mode = choose_compute_mode(precision, "auto", device);
  const std::shared_ptr<SslMethod> spark =
      make_spark(ConfigSection("spark"), make_resenc_unet(ConfigSection("encoder")));
  spark->train();
  apply_layout(*spark, mode);
  AdamW optimizer(*spark, {.beta1 = 0.9, .beta2 = 0.95});
  std::int64_t parameters = 0;
  for (const at::Tensor& parameter : spark->parameters()) {
    parameters += parameter.numel();
  }
  Batch batch;
  batch.views = {with_layout(at::randn({kBatch, 1, 40, 56, 40}), mode)};

  std::int64_t step = -1;
  const auto train_once = [&] {
    batch.step = ++step;
    batch.seed = static_cast<std::uint64_t>(step);
    at::Tensor loss;
    {
      const AutocastGuard autocast(mode, device);
      loss = spark->step(batch).loss;
    }
    loss.backward();
    const double norm = optimizer.gradient_norm();
    optimizer.step(1e-4, 0.05, norm > kClip ? kClip / norm : 1);
    optimizer.zero_gradients();
  };

  train_once();  // the first one allocates
  for (auto _ : state) {
    train_once();
  }
  state.SetItemsProcessed(state.iterations() * kBatch);
  state.SetLabel(std::to_string(parameters) + " parameters, " + mode.name());
}

}  // namespace
}  // namespace marrow

int main(int argc, char** argv) {
  try {
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
      return 2;
    }
    for (const std::string precision : {"fp32", "bf16"}) {
      benchmark::RegisterBenchmark(
          ("SparkStep/" + precision).c_str(),
          [precision](benchmark::State& state) { marrow::spark_step(state, precision); })
          ->ArgName("threads")
          ->Arg(1)
          ->Arg(2)
          ->UseRealTime()
          ->Unit(benchmark::kMillisecond);
    }
    benchmark::RunSpecifiedBenchmarks();
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "spark_bench: %s\n", error.what());
    return 1;
  }
}
