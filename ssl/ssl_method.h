#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/config/config.h"
#include "core/registry.h"
#include "models/encoder.h"
#include "models/training/objective.h"

namespace marrow {

// What a method asks of the loader.
struct DataNeeds {
  std::int64_t views = 1;
};

// One pretraining example as pictures: what it was, what the network saw, what it restored. All [C,
// D, H, W] (2D: [C, H, W]) float32 in normalised units.
struct Reconstruction {
  at::Tensor original;
  at::Tensor masked;
  at::Tensor restored;
  // [D, H, W] (2D: [H, W]) bool: what the network did not see; undefined for methods that hide
  // nothing.
  at::Tensor hidden;
};

class SslMethod : public Objective {
 public:
  [[nodiscard]] virtual DataNeeds needs() const = 0;
  [[nodiscard]] virtual std::shared_ptr<Encoder> encoder() const = 0;

  // A pretrained decoder that a segmentation may start from, in the names of its head; null when
  // the method has none.
  [[nodiscard]] virtual std::shared_ptr<torch::nn::Module> head() const { return nullptr; }

  // Empty for methods that restore nothing.
  [[nodiscard]] virtual std::vector<Reconstruction> reconstruct(const Batch& /*batch*/) {
    return {};
  }
};

using SslFactory = std::function<std::shared_ptr<SslMethod>(const ConfigSection&,
                                                            const std::shared_ptr<Encoder>&)>;
using SslMethods = Registry<SslFactory>;

// mae, spark
void add_builtin_methods(SslMethods& methods);

}  // namespace marrow
