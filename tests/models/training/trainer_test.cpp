#include "models/training/trainer.h"

#include <csignal>
#include <fstream>
#include <map>
#include <random>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "core/error.h"
#include "core/files.h"
#include "core/interrupt.h"
#include "core/rng.h"
#include "models/layers/residual_block.h"
#include "models/training/checkpoint.h"
#include "models/training/same_run.h"

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
  // Shares of the time: waiting is a part of what is neither forward nor backward.
  EXPECT_GE(result.waiting, 0);
  EXPECT_GT(result.overhead, result.waiting);
  EXPECT_LT(result.overhead, 1);
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

// Raises a signal while step `at` asks for its batch.
class SignalledBatches : public NoiseBatches {
 public:
  SignalledBatches(int signal, std::int64_t at) : signal_(signal), at_(at) {}

  Batch batch(std::int64_t step) override {
    if (step == at_) {
      raise(signal_);
    }
    return NoiseBatches::batch(step);
  }

 private:
  int signal_;
  std::int64_t at_;
};

// Trains in a child process of one thread, which `signal` meets at step `at`; returns how it ended.
int status_of_child(int signal,
                    std::int64_t at,
                    const std::filesystem::path& folder,
                    const TrainOptions& options) {
  const pid_t child = fork();
  if (child == 0) {
    at::set_num_threads(1);
    install_interrupt_handlers();
    Denoiser objective;
    SignalledBatches batches(signal, at);
    try {
      static_cast<void>(train(objective, batches, options, run_in(folder)));
    } catch (const Error& error) {
      _exit(exit_code(error.code()));
    }
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

// Steps at which a run is stopped: others in every run of the tests, and told when one fails.
std::vector<std::int64_t> random_steps(std::int64_t last) {
  std::random_device device;
  std::vector<std::int64_t> steps = {0, last - 1};
  for (int n = 0; n < 3; ++n) {
    steps.push_back(std::uniform_int_distribution<std::int64_t>(1, last - 2)(device));
  }
  return steps;
}

TEST(Trainer, StoppedAtAnyStepItEndsWithTheSameBits) {
  const TemporaryFolder folder;
  TrainOptions options = small_options(20);
  options.ema = 0.9;
  const int threads = at::get_num_threads();
  // The children run with one thread: their uninterrupted reference must, too.
  at::set_num_threads(1);
  {
    Denoiser objective;
    NoiseBatches batches;
    static_cast<void>(train(objective, batches, options, run_in(folder.path() / "whole")));
  }
  const TensorFile expected = final_weights(folder.path() / "whole", 20);
  ASSERT_TRUE(expected.find("ema.last.weight").defined());

  for (const int signal : {SIGKILL, SIGTERM}) {
    for (const std::int64_t at : random_steps(20)) {
      SCOPED_TRACE("signal " + std::to_string(signal) + " at step " + std::to_string(at));
      const std::filesystem::path stopped =
          folder.path() / (std::to_string(signal) + "-" + std::to_string(at));
      const int status = status_of_child(signal, at, stopped, options);
      Denoiser objective;
      NoiseBatches batches;
      const TrainResult result = train(objective, batches, options, run_in(stopped));

      if (signal == SIGKILL) {
        ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        EXPECT_EQ(result.resumed_from, at / 5 * 5);
      } else {  // it finishes the step and saves
        ASSERT_TRUE(WIFEXITED(status));
        EXPECT_EQ(WEXITSTATUS(status), exit_code(ErrorCode::kInterrupted));
        EXPECT_EQ(result.resumed_from, at + 1);
      }
      expect_equal_bits(final_weights(stopped, 20), expected);
      std::filesystem::remove_all(stopped);
    }
  }
  at::set_num_threads(threads);
}

// Keeps the weights that every step ended with.
class Recorder : public Denoiser {
 public:
  void after_update(double) override { steps.push_back(last_weight().clone()); }

  [[nodiscard]] at::Tensor last_weight() const {
    return named_parameters()["last.weight"].detach();
  }

  std::vector<at::Tensor> steps;
};

TEST(Trainer, AveragedWeightsAreThoseThatAreValidatedKeptAndLeftInTheObjective) {
  const TemporaryFolder folder;
  Recorder objective;
  const at::Tensor start = objective.last_weight().clone();
  NoiseBatches batches;
  TrainOptions options = small_options(15);
  options.ema = 0.5;
  options.validate_every = 5;
  TrainRun run = run_in(folder.path());
  std::vector<at::Tensor> seen;
  run.validate = [&](std::int64_t step, const ComputeMode&) {
    seen.push_back(objective.last_weight().clone());
    return step == 10 ? 1.0 : 0.0;
  };
  static_cast<void>(train(objective, batches, options, run));

  // By hand: momentum 2/11, 3/12, 4/13, 5/14, 6/15, 7/16, 8/17, then 1/2.
  std::vector<at::Tensor> averages = {start};
  for (std::int64_t t = 1; t <= 15; ++t) {
    const double momentum =
        t <= 7 ? (1.0 + static_cast<double>(t)) / (10.0 + static_cast<double>(t)) : 0.5;
    averages.push_back(momentum * averages.back() +
                       (1 - momentum) * objective.steps[static_cast<std::size_t>(t - 1)]);
  }
  const auto expect_near = [](const at::Tensor& found, const at::Tensor& expected) {
    EXPECT_LT((found - expected).abs().max().item<double>(), 1e-6);
  };
  ASSERT_EQ(seen.size(), 3U);
  expect_near(seen[0], averages[5]);
  expect_near(seen[2], averages[15]);
  expect_near(read_safetensors(best_checkpoint_path(folder.path())).find("model.last.weight"),
              averages[10]);
  const TensorFile last = final_weights(folder.path(), 15);
  expect_near(last.find("ema.last.weight"), averages[15]);
  EXPECT_TRUE(at::equal(last.find("model.last.weight"), objective.steps[14]));
  EXPECT_TRUE(at::equal(objective.last_weight(), last.find("ema.last.weight")));
  EXPECT_GT((averages[15] - objective.steps[14]).abs().max().item<double>(), 1e-4);
}

TEST(Trainer, WhatARunIsJudgedByAreItsAveragedWeights) {
  const TemporaryFolder folder;
  TrainOptions options = small_options(5);
  options.ema = 0.9;
  Denoiser trained;
  NoiseBatches batches;
  static_cast<void>(train(trained, batches, options, run_in(folder.path())));
  Denoiser restored;
  restore_trained_weights(restored, final_weights(folder.path(), 5));

  EXPECT_TRUE(at::equal(restored.parameters().back(), trained.parameters().back()));
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
  changed.accept_changed_data = true;
  changed.metadata = {{"classes", "0=a"}};
  EXPECT_EQ(code_of(changed), ErrorCode::kRefused);
  // What writes into the folder before it trains asks first.
  EXPECT_THROW(check_resumable(changed), Error);
  EXPECT_NO_THROW(check_resumable(run_in(folder.path())));
  EXPECT_NO_THROW(check_resumable(run_in(folder.path() / "empty")));
}

TEST(Trainer, ARunThatHasEndedSaysTheSameWhenItIsRepeated) {
  const TemporaryFolder folder;
  NoiseBatches batches;
  Denoiser first;
  const TrainResult ended = train(first, batches, small_options(20), run_in(folder.path()));
  Denoiser second;
  const TrainResult repeated = train(second, batches, small_options(20), run_in(folder.path()));

  EXPECT_EQ(repeated.resumed_from, 20);
  EXPECT_EQ(repeated.steps, 20);
  EXPECT_EQ(repeated.loss, ended.loss);
  EXPECT_GT(repeated.seconds, 0);
  EXPECT_GT(repeated.samples_per_second, 0);
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

  Denoiser again;
  const TrainResult repeated = train(again, batches, options, run);
  EXPECT_EQ(repeated.steps, 25) << "what has stopped does not go on";
  EXPECT_TRUE(repeated.stopped_early);
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
