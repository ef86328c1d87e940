#include "volumes/loader/loader.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <span>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <ATen/ops/empty.h>

#include "core/error.h"
#include "volumes/augment/spatial.h"

namespace marrow {

namespace {

// What every row of every batch has: found at the first patch, demanded of all others.
struct RowShape {
  std::int64_t channels = 1;
  Size3 size{1, 1, 1};

  [[nodiscard]] std::size_t voxels() const {
    return static_cast<std::size_t>(size[0] * size[1] * size[2]);
  }
};

// A place in the ring of batches that are being made.
struct Slot {
  Batch batch;
  std::int64_t missing = 0;  // examples not yet in the batch
  // Of the first failing example in the order of the batch, so that the error too is the same for
  // any thread count.
  std::exception_ptr error;
  std::int64_t error_example = 0;
};

void check_loader_options(const LoaderOptions& options) {
  const auto at_least = [](std::int64_t value, std::int64_t least, const char* name) {
    if (value < least) {
      throw Error(ErrorCode::kInvalidArgument,
                  std::string("loader: expected ") + name + " of at least " +
                      std::to_string(least) + ", found " + std::to_string(value));
    }
  };
  at_least(options.batch_size, 1, "a batch size");
  at_least(options.threads, 0, "a number of threads");
  at_least(options.prefetch, 1, "a number of waiting batches");
  at_least(options.views, 1, "a number of views");
}

std::string size_text(const Size3& size) {
  return std::to_string(size[0]) + "x" + std::to_string(size[1]) + "x" + std::to_string(size[2]);
}

// Threads claim single examples (a view of a row) in the order of the stream and write them
// straight into tensors that the calling thread has allocated; they make no torch call that
// computes or allocates.
class Loader final : public BatchSource {
 public:
  Loader(const VolumeStore& store,
         const Sampler& sampler,
         const AugmentOptions& augment,
         const LoaderOptions& options)
      : store_(store), sampler_(sampler), augment_(augment), options_(options) {
    check_loader_options(options);
    check_augment(augment);
    const Patch first = sampler.patch(0);
    shape_ = {store.info(first.case_index).channels, first.box.size};
    if (options.two_dimensional && shape_.size[2] != 1) {
      throw Error(ErrorCode::kInvalidArgument,
                  "loader: a 2D network takes patches one voxel thick along k, found " +
                      size_text(shape_.size) + "; use the sampler \"slice\"");
    }
    slots_.resize(static_cast<std::size_t>(options.threads == 0 ? 1 : options.prefetch));
  }

  ~Loader() override {
    for (std::jthread& thread : threads_) {
      thread.request_stop();
    }
  }

  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  Batch batch(std::int64_t step) override {
    MARROW_CHECK(step >= 0 && (next_step_ < 0 || step == next_step_));
    if (next_step_ < 0) {
      start(step);
    }
    Slot& slot = slot_of(step);
    if (threads_.empty()) {
      // An error is kept, as it is with threads.
      for (std::int64_t example = 0; slot.missing > 0 && !slot.error; ++example) {
        add_example(step, example);
      }
    } else {
      std::unique_lock lock(mutex_);
      batch_ready_.wait(lock, [&slot] { return slot.missing == 0; });
    }
    if (slot.error) {
      std::rethrow_exception(slot.error);
    }
    Batch made = std::move(slot.batch);
    Slot fresh = empty_slot(step + static_cast<std::int64_t>(slots_.size()));
    {
      const std::lock_guard lock(mutex_);
      slot = std::move(fresh);
      ++next_step_;
    }
    work_ready_.notify_all();
    return made;
  }

 private:
  [[nodiscard]] std::int64_t examples_per_batch() const {
    return options_.batch_size * options_.views;
  }

  Slot& slot_of(std::int64_t step) {
    return slots_[static_cast<std::size_t>(step) % slots_.size()];
  }

  void start(std::int64_t step) {
    for (std::size_t n = 0; n < slots_.size(); ++n) {
      const std::int64_t ahead = step + static_cast<std::int64_t>(n);
      slot_of(ahead) = empty_slot(ahead);
    }
    next_step_ = step;
    claim_step_ = step;
    for (std::int64_t n = 0; n < options_.threads; ++n) {
      threads_.emplace_back([this](const std::stop_token& stop) { work(stop); });
    }
  }

  [[nodiscard]] Slot empty_slot(std::int64_t step) const {
    std::vector<std::int64_t> size{options_.batch_size, shape_.channels};
    std::vector<std::int64_t> label_size{options_.batch_size};
    for (std::size_t axis = options_.two_dimensional ? 2 : 3; axis-- > 0;) {
      size.push_back(shape_.size[axis]);
      label_size.push_back(shape_.size[axis]);
    }
    Slot slot;
    for (std::int64_t view = 0; view < options_.views; ++view) {
      slot.batch.views.push_back(at::empty(size, at::kFloat));
    }
    if (options_.with_labels) {
      slot.batch.labels = at::empty(label_size, at::kLong);
    }
    if (!options_.targets.empty()) {
      slot.batch.targets = at::empty(
          {options_.batch_size, std::ssize(options_.targets.begin()->second)}, at::kFloat);
    }
    slot.batch.keys.resize(static_cast<std::size_t>(options_.batch_size));
    slot.batch.step = step;
    slot.batch.seed = derive_seed(options_.seed, "batch", {static_cast<std::uint64_t>(step)});
    slot.missing = examples_per_batch();
    return slot;
  }

  void work(const std::stop_token& stop) {
    while (true) {
      std::int64_t step = 0;
      std::int64_t example = 0;
      {
        std::unique_lock lock(mutex_);
        const auto room = [this] {
          return claim_step_ < next_step_ + static_cast<std::int64_t>(slots_.size());
        };
        if (!work_ready_.wait(lock, stop, room) || stop.stop_requested()) {
          return;
        }
        step = claim_step_;
        example = claim_example_;
        if (++claim_example_ == examples_per_batch()) {
          claim_example_ = 0;
          ++claim_step_;
        }
      }
      add_example(step, example);
    }
  }

  // Makes one example and puts it, or the error met, into its slot.
  void add_example(std::int64_t step, std::int64_t example) {
    Slot& slot = slot_of(step);
    std::exception_ptr error;
    try {
      fill(slot.batch, step, example / options_.views, example % options_.views);
    } catch (const std::exception&) {
      error = std::current_exception();
    }
    bool complete = false;
    {
      const std::lock_guard lock(mutex_);
      if (error && (!slot.error || example < slot.error_example)) {
        slot.error = error;
        slot.error_example = example;
      }
      complete = --slot.missing == 0;
    }
    if (complete) {
      batch_ready_.notify_one();
    }
  }

  void fill(Batch& batch, std::int64_t step, std::int64_t row, std::int64_t view) const {
    Patch patch = sampler_.patch(static_cast<std::uint64_t>(step * options_.batch_size + row));
    const StoredCase& info = store_.info(patch.case_index);
    if (info.channels != shape_.channels || patch.box.size != shape_.size) {
      throw Error(ErrorCode::kInvalidArgument,
                  "loader: expected patches of " + std::to_string(shape_.channels) +
                      " channels and " + size_text(shape_.size) +
                      " voxels, as the first one, but case " + info.key + " gives " +
                      std::to_string(info.channels) + " channels and " + size_text(patch.box.size) +
                      "; leave the case out or prepare it alike");
    }
    const bool labelled = options_.with_labels && view == 0;
    if (labelled && !info.has_labels) {
      throw Error(ErrorCode::kInvalidArgument,
                  "loader: labels are needed, but case " + info.key +
                      " has none; leave the case out of the split or add its label map");
    }
    if (view > 0) {
      patch.seed = derive_seed(patch.seed, "view", {static_cast<std::uint64_t>(view)});
    }
    const Example example = make_example(store_, patch, augment_, labelled);
    const at::Tensor& image = batch.views[static_cast<std::size_t>(view)];
    std::copy(
        example.image.begin(),
        example.image.end(),
        image.mutable_data_ptr<float>() + row * static_cast<std::int64_t>(example.image.size()));
    if (labelled) {
      std::copy(example.labels.begin(),
                example.labels.end(),
                batch.labels.mutable_data_ptr<std::int64_t>() +
                    row * static_cast<std::int64_t>(example.labels.size()));
    }
    if (view == 0) {
      batch.keys[static_cast<std::size_t>(row)] = info.key;
      if (batch.targets.defined()) {
        const std::vector<float>& targets = options_.targets.at(patch.case_index);
        MARROW_CHECK(std::ssize(targets) == batch.targets.size(1));
        std::copy(targets.begin(),
                  targets.end(),
                  batch.targets.mutable_data_ptr<float>() + row * std::ssize(targets));
      }
    }
  }

  const VolumeStore& store_;
  const Sampler& sampler_;
  const AugmentOptions augment_;
  const LoaderOptions options_;
  RowShape shape_;

  // Guards everything below but the examples that a thread has claimed.
  std::mutex mutex_;
  std::condition_variable_any work_ready_;
  std::condition_variable_any batch_ready_;
  std::vector<Slot> slots_;      // batch `step` is made in slot step % size
  std::int64_t next_step_ = -1;  // to be handed out next; -1 before the first
  std::int64_t claim_step_ = 0;  // next example to be made
  std::int64_t claim_example_ = 0;
  std::vector<std::jthread> threads_;  // last: joined before the rest goes
};

}  // namespace

std::unique_ptr<BatchSource> make_loader(const VolumeStore& store,
                                         const Sampler& sampler,
                                         const AugmentOptions& augment,
                                         const LoaderOptions& options) {
  return std::make_unique<Loader>(store, sampler, augment, options);
}

}  // namespace marrow
