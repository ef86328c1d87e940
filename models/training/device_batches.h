#pragma once

#include <cstdint>
#include <memory>

#include <ATen/core/Tensor.h>

#include "models/training/precision.h"
#include "volumes/loader/loader.h"

namespace marrow {

// Batches of a source on the training's device and in its memory layout. For a GPU in a program
// that was built with CUDA they travel from pinned memory on a stream of their own, one batch
// ahead, while the GPU computes; elsewhere they are copied when asked for. The source must outlive
// the object.
class DeviceBatches {
 public:
  DeviceBatches(BatchSource& source, const at::Device& device, const ComputeMode& mode);
  ~DeviceBatches();
  DeviceBatches(const DeviceBatches&) = delete;
  DeviceBatches& operator=(const DeviceBatches&) = delete;

  // Batch `step`; work launched on the current stream from now on sees it whole.
  [[nodiscard]] Batch batch(std::int64_t step);
  // Starts the journey of batch `step`, which must be the next one asked for. Call it when the work
  // on the present batch has been launched. Does nothing where there is no second stream.
  void prefetch(std::int64_t step);

 private:
  struct Ahead;  // the second stream and what travels on it

  [[nodiscard]] at::Tensor moved(const at::Tensor& tensor) const;

  BatchSource& source_;
  at::Device device_;
  ComputeMode mode_;
  std::unique_ptr<Ahead> ahead_;  // null where copies wait
};

}  // namespace marrow
