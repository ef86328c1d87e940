#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "apps/embedding_file.h"
#include "clinical/probes/probe.h"
#include "core/case.h"

namespace marrow {

// The labelled cases of a data set, with the features of their volumes.
struct ProbeSets {
  FeatureSet train, test;
  std::vector<std::string> classes;  // names, or the numbers that stand for them
  std::string test_split;            // "test" where the set has one, else "validation"
};

// Cases of `dataset` that have a class (or findings), as the splits say. Throws Error{kRefused}
// when it has no class labels, Error{kNothingFound} when one of both parts is empty.
[[nodiscard]] ProbeSets probe_sets(const Dataset& dataset, const EmbeddingFile& embeddings);

// row[name] and row[name_ci95]; null where there is none.
void put_measure(nlohmann::json& row,
                 const std::string& name,
                 const std::optional<double>& mean,
                 const std::optional<Interval>& interval);

// {"knn": {"accuracy": ..., "auroc": ...}, "linear": ..., "per_fraction": [...]}, the first two of
// the largest budget.
[[nodiscard]] nlohmann::json probe_answer(const ProbeReport& report);

// One line for each budget and kind of probe.
[[nodiscard]] std::string probe_text(const ProbeReport& report);

}  // namespace marrow
