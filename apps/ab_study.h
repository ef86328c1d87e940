#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/config/config.h"
#include "core/config/options.h"
#include "core/reduction.h"

namespace marrow {

struct CommandContext;

// The `ab:` section of `marrow reduce --ab`.
struct AbOptions {
  static constexpr std::string_view kName = "ab";

  std::int64_t seeds = 3;
  std::vector<std::string> arms = {"all", "reduced", "every_n"};
  std::vector<std::string> budgets = {"steps", "epochs"};

  template <class Visit>
  void describe(Visit&& visit) {
    visit("seeds", seeds, Range{1, 100}, "pretrainings of each arm, from --seed on");
    visit(
        "arms",
        arms,
        "all: nothing left out; reduced: as decided; every_n: the same volumes, and evenly spaced "
        "slices, as many as `reduced` has (2D encoders)");
    visit("budgets",
          budgets,
          "steps: every arm takes as many; epochs: every arm sees each of its slices (3D: volumes) "
          "as often, so that what is reduced takes fewer steps");
  }
};

// What is compared.
struct AbStudy {
  std::filesystem::path out;   // cells lie in it; a finished one is not trained again
  std::filesystem::path data;  // a data set; empty: the archive of --work
  Config pretraining;          // of `marrow pretrain`; its train.steps is the budget of `all`
  Reduction reduction;
  std::vector<std::filesystem::path> probes;  // data sets with classes
  AbOptions options;
};

// Pretrains every arm at every budget from `seeds` seeds, and probes each encoder, and the
// untrained one ("initial"), on every data set with the same labels. Returns, and writes to
// out/ab.json after each seed, what docs/methods/reduction.md describes, and its page out/ab.html.
// Sections `embed` and `probe` of the context's configuration say how. Interrupted, the same call
// goes on.
//
// Throws Error{kRefused} when the reduction leaves out nothing that the pretraining would use, and
// what pretraining, embedding and probing throw.
[[nodiscard]] nlohmann::json run_ab_study(const CommandContext& context, const AbStudy& study);

}  // namespace marrow
