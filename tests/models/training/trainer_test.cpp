#include "models/training/trainer.h"

#include <csignal>
#include <fstream>
#include <map>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "core/error.h"
#include "core/files.h"
#include "core/rng.h"
#include "models/layers/residual_block.h"
#include "models/training/checkpoint.h"

namespace marrow {
namespace {

// Batches of noise with a learnable relation, by step alone.
class NoiseBatches : public BatchSource {
 public:
  Batch batch(std::int64_t step) override {
    Batch batch;
    batch.step = step;
    batch.seed = derive_seed(5, "batch", {static_cast<std::uint64_t>(step)});
    Rng rng(batch.seed);
    at::Tensor x = torch::empty({2, 1, 6, 8, 10});
    for (std::int64_t i = 0; i < x.numel(); ++i) {
      x.mutable_data_ptr<float>()[i] = static_cast<float>(rng.normal());
    }
    if (step == poisoned_step) {
      x.fill_(std::numeric_limits<float>::quiet_NaN());
    }
    batch.views = {x};
    batch.keys = {"case-a", "case-b"};
    return batch;
  }

  std::int64_t poisoned_step = -1;
};

class Denoiser : public Objective {
 public:
  explicit Denoiser(double drop_rate = 0.0) {
    torch::manual_seed(7);
    block_ = register_module(
        "block",
        std::make_shared<ResidualBlock>(
            3, 1, 6, std::vector<std::int64_t>{1, 1, 1}, NormKind::kInstance, false, drop_rate));
    last_ = register_module("last",
                            std::make_shared<Conv>(Conv::Options{
                                .in = 6, .out = 1, .kernel = 1, .stride = {}, .bias = true}));
  }

  StepResult step(const Batch& batch) override {
    const at::Tensor x = batch.views[0];
    const at::Tensor target = x.abs();
    // random numbers of the step, as a dropout would draw them
    const at::Tensor noisy = x + 0.05 * torch::randn_like(x);
    const at::Tensor loss =
        (last_->forward(block_->forward(noisy, nullptr)) - target).square().mean();
    return {loss.to(at::kFloat), {{"error", loss.detach()}}};
  }

 private:
  std::shared_ptr<ResidualBlock> block_;
  std::shared_ptr<Conv> last_;
};

TrainOptions small_options(std::int64_t steps) {
  TrainOptions options;
  options.steps = steps;
  options.batch_size = 2;
  options.lr = 1e-2;
  options.save_every = 5;
  options.log_every = 4;
  options.precision = "fp32";
  options.layout = "channels_last";
  options.device = "cpu";
  return options;
}

TrainRun run_in(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  TrainRun run;
  run.folder = folder;
  run.label = "test";
  run.config_yaml = "train:\n  steps: 20\n";
  run.data_fingerprint = "abc";
  return run;
}

TensorFile final_weights(const std::filesystem::path& folder, std::int64_t step) {
  return read_safetensors(checkpoint_path(folder, step));
}

void expect_equal_bits(const TensorFile& a, const TensorFile& b) {
  ASSERT_EQ(a.tensors.size(), b.tensors.size());
  for (const auto& [name, tensor] : a.tensors) {
    EXPECT_TRUE(at::equal(tensor, b.find(name))) << name;
  }
}

TEST(Trainer, LearnsTheRelation) {
  const TemporaryFolder folder;
  Denoiser objective;
  NoiseBatches batches;
  const TrainResult result = train(objective, batches, small_options(60), run_in(folder.path()));

  EXPECT_EQ(result.steps, 60);
  EXPECT_LT(result.loss, 0.15);  // predicting the mean leaves 0.36
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "metrics.jsonl"));
}

// The ways to compute are chosen by speed, so they must learn alike: other layouts the same up to
// the order of sums, bfloat16 up to its rounding.
TEST(Trainer, LearnsAlikeInEveryWayToCompute) {
  std::map<std::string, double> losses;
  for (const char* precision : {"fp32", "bf16"}) {
    for (const char* layout : {"contiguous", "channels_last"}) {
      const TemporaryFolder folder;
      Denoiser objective;
      NoiseBatches batches;
      TrainOptions options = small_options(60);
      options.precision = precision;
      options.layout = layout;
      const TrainResult result = train(objective, batches, options, run_in(folder.path()));
      losses[result.mode.name()] = result.loss;
    }
  }

  ASSERT_EQ(losses.size(), 4U);
  EXPECT_NEAR(losses["fp32+channels_last"], losses["fp32"], 0.002);
  EXPECT_NEAR(losses["bf16"], losses["fp32"], 0.01);
  EXPECT_NEAR(losses["bf16+channels_last"], losses["fp32"], 0.01);
}

TEST(Trainer, ResumesInBfloat16WithTheSameBits) {
  const TemporaryFolder folder;
  TrainOptions options = small_options(10);
  options.precision = "bf16";
  {
    Denoiser objective;
    NoiseBatches batches;
    static_cast<void>(train(objective, batches, options, run_in(folder.path() / "whole")));
  }
  {
    Denoiser objective;
    NoiseBatches batches;
    static_cast<void>(train(objective, batches, options, run_in(folder.path() / "again")));
  }
  // as if it had been killed after its first checkpoint
  std::filesystem::remove(checkpoint_path(folder.path() / "again", 10));
  Denoiser objective;
  NoiseBatches batches;
  const TrainResult result = train(objective, batches, options, run_in(folder.path() / "again"));

  EXPECT_EQ(result.resumed_from, 5);
  expect_equal_bits(final_weights(folder.path() / "again", 10),
                    final_weights(folder.path() / "whole", 10));
}

TEST(Trainer, ResumesWithDropPathWithTheSameBits) {
  const TemporaryFolder folder;
  const auto train_in = [&](const char* name, double drop_rate) {
    Denoiser objective(drop_rate);
    NoiseBatches batches;
    return train(objective, batches, small_options(10), run_in(folder.path() / name));
  };
  static_cast<void>(train_in("without", 0.0));
  static_cast<void>(train_in("whole", 0.5));
  static_cast<void>(train_in("again", 0.5));
  // as if it had been killed after its first checkpoint
  std::filesystem::remove(checkpoint_path(folder.path() / "again", 10));

  const TrainResult result = train_in("again", 0.5);

  EXPECT_EQ(result.resumed_from, 5);
  const TensorFile whole = final_weights(folder.path() / "whole", 10);
  expect_equal_bits(final_weights(folder.path() / "again", 10), whole);
  const char* weight = "model.block.conv1.conv.weight";
  EXPECT_FALSE(
      at::equal(final_weights(folder.path() / "without", 10).find(weight), whole.find(weight)));
}

TEST(Trainer, KilledAtAnyMomentItEndsWithTheSameBits) {
  const TemporaryFolder folder;
  {
    Denoiser objective;
    NoiseBatches batches;
    static_cast<void>(
        train(objective, batches, small_options(20), run_in(folder.path() / "whole")));
  }
  for (const std::int64_t kill_at : {3, 8, 17}) {
    const std::filesystem::path killed = folder.path() / ("killed-" + std::to_string(kill_at));
    const pid_t child = fork();
    if (child == 0) {
      // In the child: the process dies without any clean-up while step `kill_at` asks for its
      // batch.
      class Killer : public NoiseBatches {
       public:
        explicit Killer(std::int64_t at) : at_(at) {}

        Batch batch(std::int64_t step) override {
          if (step == at_) {
            raise(SIGKILL);
          }
          return NoiseBatches::batch(step);
        }

       private:
        std::int64_t at_;
      };

      at::set_num_threads(1);
      Denoiser objective;
      Killer batches(kill_at);
      static_cast<void>(train(objective, batches, small_options(20), run_in(killed)));
      _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  }
  // The children ran with one thread: their uninterrupted reference must, too.
  at::set_num_threads(1);
  {
    Denoiser objective;
    NoiseBatches batches;
    static_cast<void>(train(objective, batches, small_options(20), run_in(folder.path() / "one")));
  }
  const TensorFile expected = final_weights(folder.path() / "one", 20);
  for (const std::int64_t kill_at : {3, 8, 17}) {
    const std::filesystem::path killed = folder.path() / ("killed-" + std::to_string(kill_at));
    Denoiser objective;
    NoiseBatches batches;
    const TrainResult result = train(objective, batches, small_options(20), run_in(killed));
    EXPECT_EQ(result.resumed_from, kill_at / 5 * 5);
    expect_equal_bits(final_weights(killed, 20), expected);
  }
  at::set_num_threads(2);
}

TEST(Trainer, ADamagedCheckpointIsPassedOverForTheOneBeforeIt) {
  const TemporaryFolder folder;
  {
    Denoiser objective;
    NoiseBatches batches;
    static_cast<void>(train(objective, batches, small_options(20), run_in(folder.path())));
  }
  const TensorFile expected = final_weights(folder.path(), 20);
  std::fstream file(checkpoint_path(folder.path(), 20),
                    std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(-40, std::ios::end);
  file.put('\x55');
  file.close();

  Denoiser objective;
  NoiseBatches batches;
  const TrainResult result = train(objective, batches, small_options(20), run_in(folder.path()));

  EXPECT_EQ(result.resumed_from, 15);
  expect_equal_bits(final_weights(folder.path(), 20), expected);
}

TEST(Trainer, RefusesToResumeWithAnotherConfigurationSeedOrData) {
  const TemporaryFolder folder;
  Denoiser objective;
  NoiseBatches batches;
  static_cast<void>(train(objective, batches, small_options(5), run_in(folder.path())));
  const auto code_of = [&](const TrainRun& run) {
    try {
      static_cast<void>(train(objective, batches, small_options(5), run));
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::kInternal;
  };

  TrainRun changed = run_in(folder.path());
  changed.config_yaml = "train:\n  steps: 21\n";
  EXPECT_EQ(code_of(changed), ErrorCode::kRefused);
  changed = run_in(folder.path());
  changed.seed = 18;
  EXPECT_EQ(code_of(changed), ErrorCode::kRefused);
  changed = run_in(folder.path());
  changed.data_fingerprint = "other";
  EXPECT_EQ(code_of(changed), ErrorCode::kRefused);
}

TEST(Trainer, SkipsOneUpdateThatIsNotFiniteAndKeepsTheWeightsFinite) {
  const TemporaryFolder folder;
  Denoiser objective;
  NoiseBatches batches;
  batches.poisoned_step = 2;
  static_cast<void>(train(objective, batches, small_options(5), run_in(folder.path())));

  for (const auto& item : objective.named_parameters()) {
    EXPECT_TRUE(item.value().isfinite().all().item<bool>()) << item.key();
  }
}

TEST(Trainer, StopsNamingStepAndCasesWhenUpdatesStayNotFinite) {
  class AllPoisoned : public NoiseBatches {
   public:
    Batch batch(std::int64_t step) override {
      poisoned_step = step;
      return NoiseBatches::batch(step);
    }
  };

  const TemporaryFolder folder;
  Denoiser objective;
  AllPoisoned batches;
  try {
    static_cast<void>(train(objective, batches, small_options(20), run_in(folder.path())));
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("case-a"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("step 2"), std::string::npos) << error.what();
  }
  EXPECT_FALSE(std::filesystem::exists(checkpoint_path(folder.path(), 5)));
}

TEST(Trainer, KeepsTheBestByValidationAndStopsWhenItNoLongerImproves) {
  const TemporaryFolder folder;
  Denoiser objective;
  NoiseBatches batches;
  TrainOptions options = small_options(100);
  options.validate_every = 5;
  options.patience = 2;
  TrainRun run = run_in(folder.path());
  run.validate = [](std::int64_t step, const ComputeMode&) {
    return step <= 15 ? static_cast<double>(step) : 0.0;
  };
  const TrainResult result = train(objective, batches, options, run);

  EXPECT_EQ(result.best_step, 15);
  EXPECT_EQ(result.steps, 25);
  EXPECT_TRUE(result.stopped_early);
  EXPECT_EQ(read_safetensors_metadata(best_checkpoint_path(folder.path())).at("step"), "15");
}

TEST(Trainer, MetricsHaveEveryStepOnceAfterAResume) {
  const TemporaryFolder folder;
  const auto train_to_end = [&] {
    Denoiser objective;
    NoiseBatches batches;
    static_cast<void>(train(objective, batches, small_options(20), run_in(folder.path())));
  };
  train_to_end();
  std::filesystem::remove(checkpoint_path(folder.path(), 20));  // as if killed after step 15
  train_to_end();

  std::ifstream file(folder.path() / "metrics.jsonl");
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    lines.push_back(line.substr(0, line.find(',')));
  }
  EXPECT_EQ(lines,
            (std::vector<std::string>{
                "{\"step\":4", "{\"step\":8", "{\"step\":12", "{\"step\":16", "{\"step\":20"}));
}

}  // namespace
}  // namespace marrow
