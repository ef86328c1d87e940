#include "io/datasets/dataset_splits.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "core/digest.h"
#include "core/files.h"
#include "core/log.h"
#include "core/rng.h"
#include "core/text.h"
#include "io/datasets/dataset_checks.h"
#include "io/datasets/dataset_json.h"

namespace marrow {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

using CasesByKey = std::map<std::string, Case*>;

CasesByKey cases_by_key(Dataset& dataset) {
  CasesByKey cases;
  for (Case& c : dataset.cases) {
    cases[c.key] = &c;
  }
  return cases;
}

std::vector<std::string> case_keys(const Dataset& dataset) {
  std::vector<std::string> keys;
  for (const Case& c : dataset.cases) {
    keys.push_back(c.key);
  }
  return keys;
}

std::string did_you_mean(const std::string& word, const std::vector<std::string>& words) {
  const std::string nearest = nearest_word(word, words);
  return nearest.empty() ? "" : "; did you mean " + printable(nearest) + "?";
}

std::vector<std::string> listed_cases(const fs::path& file,
                                      const std::string& list,
                                      const json& names) {
  if (!names.is_array() ||
      !std::all_of(names.begin(), names.end(), [](const json& name) { return name.is_string(); })) {
    throw Error(ErrorCode::kUnreadable,
                fmt::format("{}: expected \"{}\" to be a list of case names; repair the file",
                            shown_path(file),
                            printable(list)));
  }
  return names.get<std::vector<std::string>>();
}

[[noreturn]] void refuse_unknown_case(const fs::path& file,
                                      const std::string& list,
                                      const std::string& key,
                                      const Dataset& dataset) {
  throw Error(ErrorCode::kInvalidArgument,
              fmt::format("{}: \"{}\" names the case {}, which the data set does not have{}",
                          shown_path(file),
                          printable(list),
                          printable(key),
                          did_you_mean(key, case_keys(dataset))));
}

void apply_list(const fs::path& file,
                const std::string& list,
                const json& names,
                const std::string& split,
                Dataset& dataset) {
  const CasesByKey cases = cases_by_key(dataset);
  for (const std::string& key : listed_cases(file, list, names)) {
    const auto found = cases.find(key);
    if (found == cases.end()) {
      refuse_unknown_case(file, list, key, dataset);
    }
    Case& named = *found->second;
    if (!named.split.empty() && named.split != split) {
      throw Error(
          ErrorCode::kRefused,
          fmt::format(
              "{}: the case {} is listed as \"{}\", but is already {}; a case belongs to one "
              "split",
              shown_path(file),
              printable(key),
              printable(list),
              named.split));
    }
    if (split != "unlabelled" && split != "test" && !named.labels && named.targets.empty()) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("{}: \"{}\" names the case {}, which has no labels",
                              shown_path(file),
                              printable(list),
                              printable(key)));
    }
    named.split = split;
  }
}

void apply_few_shot_lists(const fs::path& file, const json& lists, Dataset& dataset) {
  if (!lists.is_object()) {
    throw Error(
        ErrorCode::kUnreadable,
        shown_path(file) + ": expected \"few_shot\" to be a table of lists; repair the file");
  }
  const CasesByKey cases = cases_by_key(dataset);
  for (const auto& [name, names] : lists.items()) {
    std::vector<std::string> keys = listed_cases(file, name, names);
    for (const std::string& key : keys) {
      const auto found = cases.find(key);
      if (found == cases.end()) {
        refuse_unknown_case(file, name, key, dataset);
      }
      if (found->second->split != "train") {
        throw Error(
            ErrorCode::kRefused,
            fmt::format(
                "{}: the few-shot list \"{}\" names the case {}, which is not a training case",
                shown_path(file),
                printable(name),
                printable(key)));
      }
    }
    std::sort(keys.begin(), keys.end());
    dataset.subsets[name] = std::move(keys);
  }
}

void apply_split_table(const fs::path& file, const json& table, Dataset& dataset) {
  if (!table.is_object()) {
    throw Error(
        ErrorCode::kUnreadable,
        shown_path(file) + ": expected a table with \"train\" and \"val\"; repair the file");
  }
  bool any = false;
  for (const auto& [list, names] : table.items()) {
    const std::string split = split_of_word(list);
    if (!split.empty()) {
      apply_list(file, list, names, split, dataset);
      any = true;
    }
  }
  if (!any) {
    throw Error(ErrorCode::kUnreadable,
                shown_path(file) +
                    ": expected lists of cases named \"train\" and \"val\", found none; repair "
                    "the file");
  }
  if (table.contains("few_shot")) {
    apply_few_shot_lists(file, table.at("few_shot"), dataset);
  }
}

// A number that depends on the seed and the word alone.
std::uint64_t draw_of(std::uint64_t seed, std::string_view purpose, const std::string& word) {
  return derive_seed(seed, purpose, {xxh3(std::as_bytes(std::span(word)))});
}

std::vector<std::string> ordered_by_draw(std::vector<std::string> words,
                                         std::uint64_t seed,
                                         std::string_view purpose) {
  std::sort(words.begin(), words.end(), [&](const std::string& a, const std::string& b) {
    return std::pair(draw_of(seed, purpose, a), a) < std::pair(draw_of(seed, purpose, b), b);
  });
  return words;
}

std::vector<std::string> training_keys(const Dataset& dataset) {
  std::vector<std::string> keys;
  for (const Case& c : dataset.cases) {
    if (c.split == "train") {
      keys.push_back(c.key);
    }
  }
  return keys;
}

std::vector<std::string> chosen_by_number(const Dataset& dataset,
                                          const std::string& word,
                                          std::uint64_t seed) {
  const auto own = dataset.subsets.find(word);
  if (own != dataset.subsets.end()) {
    return own->second;
  }
  std::vector<std::string> keys = training_keys(dataset);
  const std::size_t count = word.size() > 9 ? keys.size() + 1 : std::stoul(word);
  if (count < 1 || count > keys.size()) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("--cases: expected 1 to {} training cases of {}, was asked for {}",
                            keys.size(),
                            printable(dataset.name),
                            word));
  }
  keys = ordered_by_draw(std::move(keys), seed, "training cases");
  keys.resize(count);
  std::sort(keys.begin(), keys.end());
  return keys;
}

std::vector<std::string> chosen_by_file(const Dataset& dataset, const fs::path& file) {
  std::error_code failure;
  if (!fs::exists(file, failure)) {
    throw Error(
        ErrorCode::kInvalidArgument,
        fmt::format(
            "--cases: expected a number or a file with a case name a line, found \"{}\", which "
            "is neither{}",
            shown_path(file),
            nearest_neighbour_hint(file)));
  }
  std::map<std::string, std::string> splits;
  for (const Case& c : dataset.cases) {
    splits[c.key] = c.split;
  }
  std::vector<std::string> keys;
  for (const std::string& line : split_words(read_text(file), '\n')) {
    const std::string key(trim(line));
    if (key.empty() || key.starts_with('#')) {
      continue;
    }
    const auto split = splits.find(key);
    if (split == splits.end()) {
      refuse_unknown_case(file, "--cases", key, dataset);
    }
    if (split->second == "validation" || split->second == "test") {
      throw Error(ErrorCode::kRefused,
                  fmt::format("{}: the case {} is held out for {} and cannot be trained on",
                              shown_path(file),
                              printable(key),
                              split->second));
    }
    if (split->second != "train") {
      throw Error(
          ErrorCode::kInvalidArgument,
          fmt::format(
              "{}: the case {} has no labels to train on", shown_path(file), printable(key)));
    }
    keys.push_back(key);
  }
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  if (keys.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                shown_path(file) + ": expected a case name a line, found none");
  }
  return keys;
}

}  // namespace

bool apply_split_file(const fs::path& folder, const DatasetOptions& options, Dataset& dataset) {
  std::error_code failure;
  fs::path file = folder / "splits_final.json";
  if (fs::exists(file, failure)) {
    const json folds = read_json_file(file);
    if (!folds.is_array() || options.fold < 0 ||
        static_cast<std::size_t>(options.fold) >= folds.size()) {
      throw Error(
          ErrorCode::kInvalidArgument,
          fmt::format("{}: expected a list with a fold {}, found {}",
                      shown_path(file),
                      options.fold,
                      folds.is_array() ? fmt::format("{} folds", folds.size()) : "no list"));
    }
    apply_split_table(file, folds.at(static_cast<std::size_t>(options.fold)), dataset);
    return true;
  }
  file = folder / "splits.json";
  if (fs::exists(file, failure)) {
    apply_split_table(file, read_json_file(file), dataset);
    return true;
  }
  return false;
}

void make_patient_split(const DatasetOptions& options, Dataset& dataset) {
  std::set<std::string> held_out;
  std::set<std::string> unlabelled;  // may be pretrained on, so they cannot be held out
  std::set<std::string> free;
  std::set<std::string> training;
  for (const Case& c : dataset.cases) {
    if (c.split == "test") {
      held_out.insert(c.patient);
    } else if (c.split == "unlabelled") {
      unlabelled.insert(c.patient);
    }
  }
  for (const Case& c : dataset.cases) {
    if (c.split.empty() && !held_out.contains(c.patient)) {
      (unlabelled.contains(c.patient) ? training : free).insert(c.patient);
    }
  }
  const std::vector<std::string> order =
      ordered_by_draw({free.begin(), free.end()}, options.seed, "validation patients");
  const auto patients = static_cast<double>(order.size());
  auto count = static_cast<std::size_t>(std::lround(options.validation_fraction * patients));
  if (options.validation_fraction > 0 && order.size() > 1) {
    count = std::clamp<std::size_t>(count, 1, order.size() - 1);
  }
  if (order.size() == 1) {
    count = 0;
    log::warn(printable(dataset.name) +
              ": there is one patient only, so nothing is left for validation");
  }
  const std::set<std::string> validation(order.begin(),
                                         order.begin() + static_cast<std::ptrdiff_t>(count));
  for (Case& c : dataset.cases) {
    if (c.split.empty() && (free.contains(c.patient) || training.contains(c.patient))) {
      c.split = validation.contains(c.patient) ? "validation" : "train";
    }
  }
}

void refuse_leaks(const Dataset& dataset) {
  // Of each patient, the first case in every split.
  std::map<std::string, std::map<std::string, std::string>> splits;
  for (const Case& c : dataset.cases) {
    if (!c.split.empty()) {
      splits[c.patient].emplace(c.split, c.key);
    }
  }
  std::vector<std::string> leaks;
  for (const auto& [patient, cases] : splits) {
    const bool held_out = cases.contains("validation") || cases.contains("test");
    if (cases.size() > 1 && held_out) {
      std::vector<std::string> words;
      for (const auto& [split, key] : cases) {
        words.push_back(printable(key) + " in " + split);
      }
      leaks.push_back("patient " + printable(patient) + " (" + join(words, ", ") + ")");
    }
  }
  if (!leaks.empty()) {
    const std::size_t count = leaks.size();
    leaks.resize(std::min<std::size_t>(count, 10));
    throw Error(
        ErrorCode::kRefused,
        fmt::format("{}: {} {} in two splits: {}{}; put all cases of a patient into one split",
                    printable(dataset.name),
                    count,
                    count == 1 ? "patient is" : "patients are",
                    join(leaks, "; "),
                    count > leaks.size() ? " and more" : ""));
  }
}

std::vector<std::string> select_training_cases(const Dataset& dataset,
                                               const std::string& cases,
                                               std::uint64_t seed) {
  if (cases.empty()) {
    return training_keys(dataset);
  }
  const bool number =
      std::all_of(cases.begin(), cases.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
  return number ? chosen_by_number(dataset, cases, seed) : chosen_by_file(dataset, cases);
}

}  // namespace marrow
