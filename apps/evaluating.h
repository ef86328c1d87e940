#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "apps/input_contract.h"
#include "apps/training_data.h"
#include "core/case.h"

namespace marrow {

struct CommandContext;

struct EvaluateArguments {
  std::filesystem::path run;
  std::filesystem::path data;
  std::string split;
  bool allow_seen_cases = false;
  std::string contract = "match";
};

struct CasesToScore {
  std::string split;
  std::vector<std::string> keys;
};

// Cases of the asked split that can be scored; nothing asked: of the test split where there are
// any, else of the validation split. Throws Error{kNothingFound} when there are none.
[[nodiscard]] CasesToScore cases_to_score(const Dataset& dataset,
                                          const std::string& asked,
                                          const std::function<bool(const Case&)>& can_be_scored);

// The same patient in training and evaluation makes every figure worthless: throws Error{kRefused}.
// `training`: keys that the run was trained on, with commas between them.
void refuse_seen_cases(const Dataset& dataset,
                       const std::vector<std::string>& keys,
                       const std::string& training);

// What a case must be like to be scored.
struct ScoredBy {
  const InputContract& contract;
  ContractRule rule;
  std::int64_t channels;
};

// Calls body(case, its place in the store) for each of `keys`, in their order, with progress.
// Throws as check_channels() and settle_breach() do. Returns the keys that are not in the store:
// they were refused when it was prepared.
[[nodiscard]] std::vector<std::string> for_cases_to_score(
    const TrainingData& data,
    const std::vector<std::string>& keys,
    const ScoredBy& by,
    const std::function<void(const Case&, std::int64_t)>& body);

int evaluate_segmenter(const CommandContext& context, const EvaluateArguments& arguments);
int evaluate_classifier(const CommandContext& context, const EvaluateArguments& arguments);

}  // namespace marrow
