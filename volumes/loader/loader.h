#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "volumes/augment/augmenter.h"
#include "volumes/loader/batch.h"
#include "volumes/samplers/sampler.h"

namespace marrow {

// Batches by step. `batch(step)` is a pure function of (seed, step), whatever the number of
// threads.
class BatchSource {
 public:
  virtual ~BatchSource() = default;
  // Steps must be asked for in order after the first (which may be any: that is how a run resumes).
  [[nodiscard]] virtual Batch batch(std::int64_t step) = 0;
};

struct LoaderOptions {
  std::int64_t batch_size = 4;
  std::int64_t threads = 1;   // 0: made in the calling thread
  std::int64_t prefetch = 4;  // batches that may wait in the queue
  std::uint64_t seed = 0;
  bool with_labels = false;
  bool two_dimensional = false;  // patches are one voxel thick along k and come as [B, C, H, W]
  std::int64_t views = 1;        // independent augmentations of each patch
  // Classification: what is true of each case that the sampler draws, K numbers; empty: no targets.
  std::map<std::int64_t, std::vector<float>> targets = {};
};

// Threads cut and augment patches of `store` and fill a bounded queue; batch() takes them in order.
// An error in a thread is rethrown by batch() at its step. Labels belong to the first view. The
// references must outlive the loader.
[[nodiscard]] std::unique_ptr<BatchSource> make_loader(const VolumeStore& store,
                                                       const Sampler& sampler,
                                                       const AugmentOptions& augment,
                                                       const LoaderOptions& options);

}  // namespace marrow
