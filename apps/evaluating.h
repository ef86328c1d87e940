#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

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

int evaluate_segmenter(const CommandContext& context, const EvaluateArguments& arguments);
int evaluate_classifier(const CommandContext& context, const EvaluateArguments& arguments);

}  // namespace marrow
