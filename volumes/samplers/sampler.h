#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/config/config.h"
#include "core/registry.h"
#include "core/rng.h"
#include "volumes/store/volume_store.h"

namespace marrow {

// A recipe for one example: which case, which box of its prepared grid (before augmentation), and
// the seed of every further random choice made for it.
struct Patch {
  std::int64_t case_index = 0;
  Box box;
  std::uint64_t seed = 0;
};

class Sampler {
 public:
  virtual ~Sampler() = default;

  // The `position`-th patch of the stream (position = step * batch + place in the batch). A pure
  // function of the position and the seed that the sampler was made with; safe to call from any
  // thread.
  [[nodiscard]] virtual Patch patch(std::uint64_t position) const = 0;
};

// Samplers draw from these cases of the store; `patch_size` is (i, j, k).
struct SamplerInput {
  const VolumeStore* store = nullptr;
  std::vector<std::int64_t> cases;
  Size3 patch_size{1, 1, 1};
  std::uint64_t seed = 0;
  // Of cases that were reduced: the slices along k of the prepared grid that are left, ascending.
  // Samplers of single slices draw no others; those of 3D patches look at whole volumes.
  std::map<std::int64_t, std::vector<std::int64_t>> kept_slices = {};
};

using SamplerFactory =
    std::function<std::unique_ptr<Sampler>(const ConfigSection&, const SamplerInput&)>;
using Samplers = Registry<SamplerFactory>;

// uniform_patch, body_patch, label_patch, slice, whole_case
void add_builtin_samplers(Samplers& samplers);

}  // namespace marrow
