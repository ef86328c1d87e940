// One training step beside the same networks in eager PyTorch (bench/peers/training_peer.py):
// forward, loss, backward, clipping, AdamW; the batch is drawn beforehand.
//
//   training_bench [Google Benchmark's options]
//
// mae      ViT of width 384, depth 12, 6 heads on 96x96 pictures with patch 8, 75 % hidden, decoder
// 192 x 2 resnet   ResNet-18 on 96x96 pictures, two classes resenc   residual encoder 32, 64, 128
// and a U-Net decoder on 32x48x32 patches, three classes Batches of 32 pictures or 2 patches.

#include <cstdio>
#include <exception>
#include <memory>
#include <string>

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/one_hot.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <benchmark/benchmark.h>

#include "clinical/tasks/classification.h"
#include "clinical/tasks/segmentation.h"
#include "core/config/config.h"
#include "core/error.h"
#include "models/encoders/resenc_unet.h"
#include "models/encoders/resnet.h"
#include "models/encoders/vit.h"
#include "models/heads/linear_classifier.h"
#include "models/heads/unet_decoder.h"
#include "models/training/optimizer.h"
#include "models/training/precision.h"
#include "ssl/mae.h"

namespace marrow {
namespace {

struct Job {
  std::shared_ptr<Objective> objective;
  Batch batch;
};

Job make_job(const std::string& name, const ComputeMode& mode) {
  Job job;
  if (name == "mae") {
    job.objective = make_mae(ConfigSection("method")
                                 .with("decoder_width", "192")
                                 .with("decoder_depth", "2")
                                 .with("decoder_heads", "6"),
                             make_vit(ConfigSection("encoder")
                                          .with("dimensions", "2")
                                          .with("size", "small")
                                          .with("patch", "[8]")
                                          .with("image_size", "[96]")));
    job.batch.views = {at::randn({32, 1, 96, 96})};
  } else if (name == "resnet") {
    const auto encoder =
        make_resnet(ConfigSection("encoder").with("dimensions", "2").with("depth", "18"));
    job.objective = std::make_shared<ClassificationTask>(
        encoder,
        make_linear_classifier(ConfigSection("head"), {encoder->stages().back().channels, 2}),
        ClassificationOptions{},
        ClassificationSetting{});
    job.batch.views = {at::randn({32, 1, 96, 96})};
    job.batch.targets = at::one_hot(at::randint(2, {32}, at::kLong), 2).to(at::kFloat);
  } else {
    const auto encoder = make_resenc_unet(ConfigSection("encoder")
                                              .with("dimensions", "3")
                                              .with("features", "[32, 64, 128]")
                                              .with("strides", "[1, 2, 2]")
                                              .with("blocks", "[1, 1, 1]"));
    UnetDecoderOptions decoder;
    decoder.deep_supervision = false;
    job.objective = std::make_shared<SegmentationTask>(
        encoder, make_unet_decoder(decoder, {encoder->stages(), 3, 3}), SegmentationOptions{});
    job.batch.views = {at::randn({2, 1, 32, 48, 32})};
    job.batch.labels = at::randint(3, {2, 32, 48, 32}, at::kLong);
  }
  job.objective->train();
  apply_layout(*job.objective, mode);
  job.batch.views[0] = with_layout(job.batch.views[0], mode);
  return job;
}

void training_step(benchmark::State& state, const std::string& name, const std::string& precision) {
  constexpr double kClip = 5.0;
  at::set_num_threads(static_cast<int>(state.range(0)));
  const at::Device device(at::kCPU);
  const ComputeMode mode = choose_compute_mode(precision, "auto", device);
  Job job = make_job(name, mode);
  AdamW optimizer(*job.objective, {.beta1 = 0.9, .beta2 = 0.95});
  std::int64_t step = -1;
  const auto train_once = [&] {
    job.batch.step = ++step;
    job.batch.seed = static_cast<std::uint64_t>(step);
    at::Tensor loss;
    {
      const AutocastGuard autocast(mode, device);
      loss = job.objective->step(job.batch).loss;
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
  state.SetItemsProcessed(state.iterations() * job.batch.views[0].size(0));
  state.SetLabel(mode.name());
}

}  // namespace
}  // namespace marrow

int main(int argc, char** argv) {
  try {
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
      return 1;
    }

    for (const std::string name : {"mae", "resnet", "resenc"}) {
      for (const std::string precision : {"fp32", "bf16", "auto"}) {
        benchmark::RegisterBenchmark((name + "/" + precision).c_str(),
                                     [name, precision](benchmark::State& state) {
                                       marrow::training_step(state, name, precision);
                                     })
            ->ArgName("threads")
            ->Arg(1)
            ->Arg(2)
            ->UseRealTime()
            ->Unit(benchmark::kMillisecond);
      }
    }
    benchmark::RunSpecifiedBenchmarks();
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "training_bench: %s\n", error.what());
    return 1;
  }
}
