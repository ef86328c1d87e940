#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/config/options.h"
#include "models/training/objective.h"
#include "models/training/precision.h"
#include "volumes/loader/loader.h"

namespace marrow {

struct TrainOptions {
  static constexpr std::string_view kName = "train";

  std::int64_t steps = 1000;
  std::int64_t batch_size = 4;
  double lr = 1e-3;
  double warmup = 0.05;
  double start_lr = 0.005;
  double end_lr = 0.001;
  double weight_decay = 0.05;
  double end_weight_decay = -1;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double clip = 5.0;
  double ema = 0;
  std::string precision = "auto";
  std::string layout = "auto";
  std::string device = "auto";
  std::int64_t loader_threads = 1;
  std::int64_t log_every = 20;
  std::int64_t save_every = 200;
  std::int64_t validate_every = 0;
  std::int64_t patience = 0;

  template <class Visit>
  void describe(Visit&& visit) {
    visit("steps", steps, Range{1, 100000000}, "optimizer steps");
    visit("batch_size", batch_size, Range{1, 65536}, "patches a step");
    visit("lr", lr, Range{0.0, 10.0}, "peak learning rate (absolute, not scaled by the batch)");
    visit("warmup", warmup, Range{0.0, 1.0}, "share of the steps with rising learning rate");
    visit(
        "start_lr", start_lr, Range{0.0, 1.0}, "learning rate of the first step, as a share of lr");
    visit("end_lr", end_lr, Range{0.0, 1.0}, "learning rate of the last step, as a share of lr");
    visit("weight_decay",
          weight_decay,
          Range{0.0, 10.0},
          "decoupled weight decay; not on biases and norms");
    visit("end_weight_decay",
          end_weight_decay,
          Range{-1.0, 10.0},
          "weight decay of the last step (cosine); -1: constant");
    visit("beta1", beta1, Range{0.0, 0.9999}, "AdamW's first moment");
    visit("beta2", beta2, Range{0.0, 0.99999}, "AdamW's second moment");
    visit("clip", clip, Range{0.0, 1e6}, "largest gradient norm; 0: no clipping");
    visit("ema",
          ema,
          Range{0.0, 0.99999},
          "momentum of averaged weights, which are validated, kept as the best and exported; 0: "
          "none");
    visit("precision",
          precision,
          OneOf{{"auto", "fp32", "bf16"}},
          "auto: bf16 where the processor multiplies matrices of it");
    visit("layout", layout, OneOf{{"auto", "contiguous", "channels_last"}}, "auto: channels_last");
    visit("device", device, "auto | cpu | cuda | cuda:N");
    visit("loader_threads",
          loader_threads,
          Range{0, 256},
          "threads that cut and augment patches; 0: none besides");
    visit("log_every", log_every, Range{1, 1000000}, "steps between rows of metrics.jsonl");
    visit("save_every", save_every, Range{1, 10000000}, "steps between checkpoints");
    visit("validate_every",
          validate_every,
          Range{0, 10000000},
          "steps between validations; 0: at the end only");
    visit("patience",
          patience,
          Range{0, 100000},
          "stop after so many validations without a better score; 0: never");
  }
};

// Where and on what a run trains. The folder is locked by the caller.
struct TrainRun {
  std::filesystem::path folder;
  std::string label;             // for the progress line: "spark"
  std::string config_yaml;       // resolved; must be equal on resume
  std::string data_fingerprint;  // must be equal on resume unless `accept_changed_data`
  bool accept_changed_data = false;
  std::uint64_t seed = 17;
  // A score (higher is better) of the present weights; module in eval mode, autocast as in
  // training. May be empty.
  std::function<double(std::int64_t step, const ComputeMode& mode)> validate;
  // Extra metadata for every checkpoint (class names, ...); must be equal on resume.
  std::vector<std::pair<std::string, std::string>> metadata;
};

struct TrainResult {
  std::int64_t steps = 0;         // reached, earlier runs included
  std::int64_t resumed_from = 0;  // 0: from the start
  double loss = 0;                // mean over the last log interval
  std::optional<double> best;     // best validation score
  std::int64_t best_step = 0;
  double seconds = 0;  // of training in this process, validation excluded
  double samples_per_second = 0;
  double waiting = 0;   // share of `seconds` spent waiting for batches
  double overhead = 0;  // share of `seconds` outside forward and backward, waiting included
  std::uint64_t peak_rss = 0;
  std::filesystem::path checkpoint;  // the last one
  ComputeMode mode;
  bool stopped_early = false;  // patience ran out
};

// Trains to options.steps, resuming from the newest checkpoint in the folder. Writes metrics.jsonl,
// TensorBoard events and checkpoints (the last two, and the best where there is validation). On a
// signal it saves and throws Error{kInterrupted}. A loss or gradient that is not finite skips that
// update; three in a row end the run with Error{kInternal} naming step and cases, without saving.
// On the CPU the weights after step n are a function of the arguments, the thread count and the
// kind of processor only: resuming changes no bit. With options.ema the objective ends with the
// averaged weights.
[[nodiscard]] TrainResult train(Objective& objective,
                                BatchSource& batches,
                                const TrainOptions& options,
                                const TrainRun& run);

// "auto", "cpu", "cuda", "cuda:1"; an explicit cuda without a usable GPU, and a cuDNN
// older than 9.15, are Error{kUnsupported}.
[[nodiscard]] at::Device resolve_device(const std::string& word);

}  // namespace marrow
