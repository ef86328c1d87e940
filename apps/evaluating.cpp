#include "apps/evaluating.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "core/error.h"
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
  throw Error(ErrorCode::kNothingFound,
              "evaluate: " + dataset.name + " has no labelled cases in its " +
                  (asked.empty() ? "test or validation" : asked) + " split; name one with --split");
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

}  // namespace marrow
