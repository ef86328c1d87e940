#include "models/training/device_batches.h"

#include <optional>
#include <utility>

#ifdef MARROW_CUDA
#include <ATen/cuda/CUDAEvent.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#endif

namespace marrow {

#ifdef MARROW_CUDA

struct DeviceBatches::Ahead {
  explicit Ahead(const at::Device& device)
      : stream(c10::cuda::getStreamFromPool(false, device.index())) {}

  c10::cuda::CUDAStream stream;
  at::cuda::CUDAEvent arrived;
  std::optional<Batch> waiting;
};

#else

struct DeviceBatches::Ahead {
  std::optional<Batch> waiting;
};

#endif

DeviceBatches::DeviceBatches(BatchSource& source, const at::Device& device, const ComputeMode& mode)
    : source_(source), device_(device), mode_(mode) {
#ifdef MARROW_CUDA
  if (device.is_cuda()) {
    if (!device_.has_index()) {
      device_.set_index(c10::cuda::current_device());
    }
    ahead_ = std::make_unique<Ahead>(device_);
  }
#endif
}

DeviceBatches::~DeviceBatches() = default;

at::Tensor DeviceBatches::moved(const at::Tensor& tensor) const {
  if (!tensor.defined() || ahead_ == nullptr) {
    return tensor.defined() ? tensor.to(device_) : tensor;
  }
  // The allocator of pinned memory keeps the copy's source until the stream has passed it.
  return tensor.pin_memory().to(device_, tensor.scalar_type(), /*non_blocking=*/true);
}

void DeviceBatches::prefetch([[maybe_unused]] std::int64_t step) {
#ifdef MARROW_CUDA
  if (ahead_ == nullptr) {
    return;
  }
  Batch batch = source_.batch(step);
  const c10::cuda::CUDAStreamGuard guard(ahead_->stream);
  for (at::Tensor& view : batch.views) {
    view = with_layout(moved(view), mode_);
  }
  batch.labels = moved(batch.labels);
  batch.targets = moved(batch.targets);
  ahead_->arrived.record(ahead_->stream);
  ahead_->waiting = std::move(batch);
#endif
}

Batch DeviceBatches::batch(std::int64_t step) {
#ifdef MARROW_CUDA
  if (ahead_ != nullptr) {
    if (!ahead_->waiting.has_value() || ahead_->waiting->step != step) {
      prefetch(step);
    }
    Batch batch = std::move(*ahead_->waiting);
    ahead_->waiting.reset();
    const c10::cuda::CUDAStream current = c10::cuda::getCurrentCUDAStream(device_.index());
    ahead_->arrived.block(current);
    // Their memory belongs to the other stream: it must not be given away before this one is done.
    for (const at::Tensor& view : batch.views) {
      view.record_stream(current);
    }
    for (const at::Tensor& answer : {batch.labels, batch.targets}) {
      if (answer.defined()) {
        answer.record_stream(current);
      }
    }
    return batch;
  }
#endif
  Batch batch = source_.batch(step);
  for (at::Tensor& view : batch.views) {
    view = with_layout(moved(view), mode_);
  }
  batch.labels = moved(batch.labels);
  batch.targets = moved(batch.targets);
  return batch;
}

}  // namespace marrow
