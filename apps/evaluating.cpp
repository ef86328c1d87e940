#include "apps/evaluating.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

#include <fmt/format.h>

#include "core/error.h"
#include "core/interrupt.h"
#include "core/progress.h"
#include "core/text.h"

namespace marrow {

CasesToScore cases_to_score(const Dataset& dataset,
                            const std::string& asked,
                            const std::function<bool(const Case&)>& can_be_scored) {
  for (const std::string& split :
       asked.empty() ? std::vector<std::string>{"test", "validation"} : std::vector{asked}) {
    std::vector<std::string> keys;
    for (const Case& item : dataset.cases) {
      if (item.split == split && can_be_scored(item)) {
        keys.push_back(item.key);
      }
    }
    if (!keys.empty()) {
      return {split, keys};
    }
  }
  std::map<std::string, std::size_t> labelled;
  for (const Case& item : dataset.cases) {
    labelled[item.split] += can_be_scored(item) ? 1 : 0;
  }
  std::vector<std::string> splits;
  for (const auto& [split, count] : labelled) {
    splits.push_back(fmt::format("{} {}", count, split.empty() ? "without a split" : split));
  }
  throw Error(ErrorCode::kNothingFound,
              fmt::format("evaluate: expected labelled cases of the split {} in {}, found none "
                          "(labelled are {}); name another with --split",
                          asked.empty() ? "test or validation" : printable(asked),
                          dataset.name,
                          join(splits, ", ")));
}

void refuse_seen_cases(const Dataset& dataset,
                       const std::vector<std::string>& keys,
                       const std::string& training) {
  const std::vector<std::string> seen_keys = split_words(training, ',');
  std::set<std::string> patients;
  for (const Case& item : dataset.cases) {
    if (std::find(seen_keys.begin(), seen_keys.end(), item.key) != seen_keys.end()) {
      patients.insert(item.patient);
    }
  }
  std::vector<std::string> leaked;
  for (const Case& item : dataset.cases) {
    if (std::find(keys.begin(), keys.end(), item.key) != keys.end() &&
        patients.contains(item.patient)) {
      leaked.push_back(item.key);
    }
  }
  if (!leaked.empty()) {
    throw Error(ErrorCode::kRefused,
                fmt::format("evaluate: {} of the {} cases belong to patients that the run was "
                            "trained on (first: {}); choose "
                            "another split, or say --allow-seen-cases to measure on training data",
                            leaked.size(),
                            keys.size(),
                            printable(leaked.front())));
  }
}

std::vector<std::string> for_cases_to_score(
    const TrainingData& data,
    const std::vector<std::string>& keys,
    const ScoredBy& by,
    const std::function<void(const Case&, std::int64_t)>& body) {
  std::map<std::string_view, const Case*> cases;
  for (const Case& item : data.dataset.cases) {
    cases[item.key] = &item;
  }
  std::vector<std::string> refused;
  Progress progress(
      "evaluate", static_cast<std::int64_t>(keys.size()), "cases", default_progress_style());
  for (const std::string& key : keys) {
    throw_if_interrupted("evaluating");
    const std::int64_t index = data.store->find(key);
    if (index < 0) {
      refused.push_back(key);
    } else {
      const Case& item = *cases.at(key);
      const StoredCase& info = data.store->info(index);
      const std::string name = "case \"" + printable(key) + "\"";
      check_channels(name, info.channels, by.channels);
      settle_breach(by.rule, name, contract_breach(by.contract, item.modality, info.geometry));
      body(item, index);
    }
    progress.advance();
  }
  progress.finish();
  return refused;
}

}  // namespace marrow
