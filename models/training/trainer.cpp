#include "models/training/trainer.h"

#include <chrono>
#include <cmath>

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include "core/error.h"
#include "core/files.h"
#include "core/interrupt.h"
#include "core/log.h"
#include "core/progress.h"
#include "core/rng.h"
#include "core/text.h"
#include "models/training/checkpoint.h"
#include "models/training/crash_note.h"
#include "models/training/device_batches.h"
#include "models/training/metrics_log.h"
#include "models/training/optimizer.h"
#include "models/training/same_run.h"
#include "models/training/schedule.h"
#include "models/training/weight_average.h"

namespace marrow {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kSkipsInARow = 3;
constexpr double kMuchWaiting = 0.1;    // of the time
constexpr double kSecondsToJudge = 30;  // shorter runs say little

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// One training run in this process.
class Run {
 public:
  Run(Objective& objective, BatchSource& batches, const TrainOptions& options, const TrainRun& run)
      : objective_(objective),
        batches_(batches),
        options_(options),
        run_(run),
        device_(resolve_device(options.device)) {}

  TrainResult train() {
    const std::optional<Checkpoint> checkpoint = latest_checkpoint(run_.folder);
    if (checkpoint.has_value()) {
      check_same_run(checkpoint->content.metadata, run_);
      warn_of_threads(*checkpoint);
      result_.mode = compute_mode_from_name(checkpoint->text("compute_mode"));
    } else {
      result_.mode = choose_compute_mode(options_.precision, options_.layout, device_);
    }
    const CrashNote crash_note(result_.mode, device_);
    objective_.to(device_);
    apply_layout(objective_, result_.mode);
    device_batches_.emplace(batches_, device_, result_.mode);
    optimizer_.emplace(objective_, AdamW::Options{options_.beta1, options_.beta2, 1e-8});
    if (options_.ema > 0) {
      average_.emplace(objective_, options_.ema);
    }
    if (checkpoint.has_value()) {
      resume(*checkpoint);
    }
    MetricsLog metrics(run_.folder, result_.resumed_from);
    metrics_ = &metrics;
    Progress progress(run_.label, options_.steps, "steps", default_progress_style());
    progress.start_at(step_);
    const bool ended_before = step_ >= options_.steps || result_.stopped_early;
    while (step_ < options_.steps && !result_.stopped_early) {
      const Clock::time_point start = Clock::now();
      one_step();
      train_seconds_ += seconds_since(start);
      progress.advance();
      const bool last = step_ == options_.steps;
      if (step_ % options_.log_every == 0 || last) {
        log_row();
        progress.note(fmt::format(
            "loss {:.4f}{}",
            result_.loss,
            result_.best.has_value() ? fmt::format("   best {:.4f}", *result_.best) : ""));
      }
      if (run_.validate &&
          ((options_.validate_every > 0 && step_ % options_.validate_every == 0) || last)) {
        validate();
      }
      if (step_ % options_.save_every == 0 || last || result_.stopped_early || interrupted()) {
        save();
      }
      throw_if_interrupted("training");
    }
    progress.finish();
    warn_of_waiting();
    if (average_.has_value()) {
      average_->swap();  // what is exported
    }
    result_.steps = step_;
    result_.seconds = train_seconds_;
    result_.samples_per_second =
        train_seconds_ > 0
            ? static_cast<double>((step_ - result_.resumed_from) * options_.batch_size) /
                  train_seconds_
            : 0;
    result_.waiting = train_seconds_ > 0 ? waiting_seconds_ / train_seconds_ : 0;
    result_.overhead = overhead();
    if (ended_before) {
      take_figures(metrics.earlier());
    }
    result_.peak_rss = peak_rss_bytes();
    result_.checkpoint = checkpoint_path(run_.folder, step_);
    return result_;
  }

 private:
  void warn_of_threads(const Checkpoint& checkpoint) const {
    if (checkpoint.text("threads") != std::to_string(at::get_num_threads())) {
      log::warn("the run was started with " + checkpoint.text("threads") +
                " threads and goes on with " + std::to_string(at::get_num_threads()) +
                ": results will differ in the last digits");
    }
  }

  void resume(const Checkpoint& checkpoint) {
    restore_weights(objective_, checkpoint.content, "model.");
    restore_optimizer(*optimizer_, checkpoint.content);
    if (average_.has_value()) {
      average_->load(checkpoint.content, "ema.");
    }
    step_ = checkpoint.step;
    result_.resumed_from = checkpoint.step;
    train_seconds_ = 0;
    if (!checkpoint.text("best").empty()) {
      result_.best = std::stod(checkpoint.text("best"));
      result_.best_step = std::stoll(checkpoint.text("best_step"));
      without_better_ = std::stoll(checkpoint.text("without_better"));
      result_.stopped_early = patience_ran_out();
    }
    log::info(fmt::format("resuming {} at step {}", run_.folder.string(), format_count(step_)));
  }

  // What an earlier call of a run that has ended said in its last row.
  void take_figures(const std::map<std::string, double>& row) {
    const auto take = [&](const char* name, double& figure) {
      const auto found = row.find(name);
      figure = found != row.end() ? found->second : figure;
    };
    take("loss", result_.loss);
    take("seconds", result_.seconds);
    take("samples_per_second", result_.samples_per_second);
    take("waiting", result_.waiting);
    take("overhead", result_.overhead);
  }

  void one_step() {
    const Clock::time_point asked = Clock::now();
    const Batch batch = device_batches_->batch(step_);
    waiting_seconds_ += seconds_since(asked);
    // Layers that draw random numbers draw the same ones after a resume.
    at::manual_seed(derive_seed(run_.seed, "step", {static_cast<std::uint64_t>(step_)}));
    objective_.train();
    Clock::time_point start = Clock::now();
    StepResult result;
    {
      const AutocastGuard autocast(result_.mode, device_);
      result = objective_.step(batch);
    }
    if (step_ + 1 < options_.steps) {
      device_batches_->prefetch(step_ + 1);  // before the loss is waited for
    }
    const double loss = result.loss.item<double>();
    compute_seconds_ += seconds_since(start);
    optimizer_->zero_gradients();
    double norm = std::nan("");
    if (std::isfinite(loss)) {
      start = Clock::now();
      result.loss.backward();
      compute_seconds_ += seconds_since(start);
      norm = optimizer_->gradient_norm();
    }
    if (!std::isfinite(norm)) {
      refuse_update(batch, loss);
    } else {
      skipped_ = 0;
      optimizer_->set_lr_factors(
          [this](std::size_t group) { return objective_.lr_factor(group, step_); });
      const bool clips = options_.clip > 0 && norm > options_.clip;
      optimizer_->step(lr(), weight_decay(), clips ? options_.clip / norm : 1);
      loss_sum_ += loss;
      norm_sum_ += norm;
      ++logged_;
      for (const auto& [name, value] : result.parts) {
        parts_[name] += value.item<double>();
      }
    }
    ++step_;
    objective_.after_update(static_cast<double>(step_) / static_cast<double>(options_.steps));
    if (average_.has_value()) {
      average_->update(step_);
    }
  }

  // Share of the time that went neither into forward nor into backward. (A GPU works on while we go
  // on: there the end of the backward pass counts as overhead.)
  [[nodiscard]] double overhead() const {
    return train_seconds_ > 0 ? std::max(0.0, 1 - compute_seconds_ / train_seconds_) : 0;
  }

  void warn_of_waiting() const {
    if (train_seconds_ > kSecondsToJudge && waiting_seconds_ > kMuchWaiting * train_seconds_) {
      log::warn(
          fmt::format("{:.0f} % of the time of training went into waiting for patches, not "
                      "into learning from them; raise train.loader_threads (it was {})",
                      100 * waiting_seconds_ / train_seconds_,
                      options_.loader_threads));
    }
  }

  void refuse_update(const Batch& batch, double loss) {
    ++skipped_;
    const std::string where = fmt::format("step {} ({} {}, cases {})",
                                          step_,
                                          std::isfinite(loss) ? "gradient" : "loss",
                                          "not finite",
                                          join(batch.keys, ", "));
    if (skipped_ >= kSkipsInARow) {
      throw Error(ErrorCode::kInternal,
                  fmt::format("training does not go on: {} updates in a row were not finite, the "
                              "last at {}; the last good "
                              "checkpoint is kept; lower train.lr or look at these cases",
                              skipped_,
                              where));
    }
    log::warn("update skipped at " + where);
  }

  [[nodiscard]] double lr() const {
    const auto warmup = static_cast<std::int64_t>(
        std::llround(options_.warmup * static_cast<double>(options_.steps)));
    return warmup_cosine(
        step_, options_.steps, warmup, options_.lr, options_.start_lr, options_.end_lr);
  }

  [[nodiscard]] double weight_decay() const {
    return options_.end_weight_decay < 0
               ? options_.weight_decay
               : cosine_between(
                     step_, options_.steps, options_.weight_decay, options_.end_weight_decay);
  }

  void log_row() {
    const double count = std::max<double>(1, static_cast<double>(logged_));
    result_.loss = logged_ > 0 ? loss_sum_ / count : result_.loss;
    std::vector<std::pair<std::string, double>> values = {{"loss", result_.loss}};
    for (const auto& [name, sum] : parts_) {
      values.emplace_back(name, sum / count);
    }
    values.emplace_back("grad_norm", norm_sum_ / count);
    values.emplace_back("lr", lr());
    values.emplace_back("weight_decay", weight_decay());
    values.emplace_back("seconds", train_seconds_);
    values.emplace_back("waiting", waiting_seconds_ / train_seconds_);
    values.emplace_back("overhead", overhead());
    values.emplace_back(
        "samples_per_second",
        static_cast<double>((step_ - result_.resumed_from) * options_.batch_size) / train_seconds_);
    metrics_->row(step_, values);
    loss_sum_ = 0;
    norm_sum_ = 0;
    logged_ = 0;
    parts_.clear();
  }

  void validate() {
    const AveragedWeights averaged(average());
    objective_.eval();
    double score = 0;
    {
      const at::NoGradGuard no_grad;
      score = run_.validate(step_, result_.mode);
    }
    metrics_->row(step_, {{"validation", score}});
    if (!result_.best.has_value() || score > *result_.best) {
      result_.best = score;
      result_.best_step = step_;
      without_better_ = 0;
      TensorFile best = weights_of(objective_, "model.");
      best.metadata = metadata();
      best.metadata["step"] = std::to_string(step_);
      write_safetensors(best_checkpoint_path(run_.folder), best);
    } else {
      ++without_better_;
      result_.stopped_early = patience_ran_out();
    }
  }

  [[nodiscard]] bool patience_ran_out() const {
    return options_.patience > 0 && without_better_ >= options_.patience;
  }

  [[nodiscard]] std::map<std::string, std::string> metadata() const {
    std::map<std::string, std::string> metadata(run_.metadata.begin(), run_.metadata.end());
    metadata["config"] = run_.config_yaml;
    metadata["seed"] = std::to_string(run_.seed);
    metadata["threads"] = std::to_string(at::get_num_threads());
    metadata["compute_mode"] = result_.mode.name();
    metadata["data_fingerprint"] = run_.data_fingerprint;
    if (result_.best.has_value()) {
      metadata["best"] = fmt::format("{}", *result_.best);
      metadata["best_step"] = std::to_string(result_.best_step);
      metadata["without_better"] = std::to_string(without_better_);
    }
    return metadata;
  }

  // Null when there is none.
  [[nodiscard]] WeightAverage* average() { return average_.has_value() ? &*average_ : nullptr; }

  void save() {
    save_checkpoint(run_.folder, step_, {objective_, *optimizer_, average()}, metadata());
    prune_checkpoints(run_.folder);
  }

  Objective& objective_;
  BatchSource& batches_;
  const TrainOptions& options_;
  const TrainRun& run_;
  at::Device device_;
  std::optional<DeviceBatches> device_batches_;
  std::optional<AdamW> optimizer_;
  std::optional<WeightAverage> average_;
  MetricsLog* metrics_ = nullptr;
  TrainResult result_;
  std::int64_t step_ = 0;
  std::int64_t without_better_ = 0;
  int skipped_ = 0;
  double train_seconds_ = 0;
  double waiting_seconds_ = 0;  // for batches
  double compute_seconds_ = 0;  // forward and backward
  double loss_sum_ = 0;
  double norm_sum_ = 0;
  std::int64_t logged_ = 0;
  std::map<std::string, double> parts_;
};

}  // namespace

TrainResult train(Objective& objective,
                  BatchSource& batches,
                  const TrainOptions& options,
                  const TrainRun& run) {
  return Run(objective, batches, options, run).train();
}

}  // namespace marrow
