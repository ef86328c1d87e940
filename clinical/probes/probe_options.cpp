#include "clinical/probes/probe_options.h"

#include <fmt/format.h>

#include "core/error.h"

namespace marrow {

void check_probe(const ProbeOptions& options) {
  for (const std::string& kind : options.kinds) {
    if (kind != "knn" && kind != "linear") {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("probe.kinds: expected knn or linear, found {}", kind));
    }
  }
  const char* const empty = options.kinds.empty()    ? "kinds: expected knn or linear"
                            : options.c_grid.empty() ? "c_grid: expected at least one number"
                            : options.budgets.empty() && options.fractions.empty()
                                ? "budgets: expected a number here or in probe.fractions"
                                : nullptr;
  if (empty != nullptr) {
    throw Error(ErrorCode::kInvalidArgument, fmt::format("probe.{}, found an empty list", empty));
  }
}

std::vector<LabelBudget> label_budgets(const ProbeOptions& options) {
  std::vector<LabelBudget> budgets;
  for (const std::int64_t per_class : options.budgets) {
    budgets.push_back({per_class, 0});
  }
  for (const double fraction : options.fractions) {
    budgets.push_back({0, fraction});
  }
  return budgets;
}

KnnOptions knn_options(const ProbeOptions& options) {
  return {options.k, options.temperature};
}

LinearOptions linear_options(const ProbeOptions& options) {
  return {options.c_grid,
          options.c_default,
          options.folds,
          options.class_weight == "balanced",
          static_cast<std::uint64_t>(options.seed)};
}

}  // namespace marrow
