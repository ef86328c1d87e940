#include "io/catalogue/split.h"

#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "core/digest.h"
#include "core/error.h"
#include "core/text.h"

namespace marrow {

namespace {

constexpr std::array kSplitNames{"train", "validation", "test"};
constexpr std::size_t kPatientsNamed = 5;

std::string stratum_value(const SeriesRecord& record, const std::string& column) {
  if (column == "modality") {
    return std::string(modality_name(record.modality));
  }
  if (column == "format") {
    return record.format;
  }
  return named_text(record.facts, column);
}

void check_split_options(std::span<const SeriesRecord> series, const SplitOptions& options) {
  double sum = 0;
  for (const double fraction : options.fractions) {
    sum += fraction;
    if (!(fraction >= 0 && fraction <= 1)) {
      sum = 0;
      break;
    }
  }
  if (std::abs(sum - 1) > 1e-6) {
    throw Error(
        ErrorCode::kInvalidArgument,
        fmt::format(
            "--fractions: expected three numbers from 0 to 1 whose sum is 1, found {:g},{:g},{:g}",
            options.fractions[0],
            options.fractions[1],
            options.fractions[2]));
  }
  if (options.stratify.empty() || options.stratify == "modality" || options.stratify == "format") {
    return;
  }
  std::set<std::string> known{"modality", "format"};
  for (const SeriesRecord& record : series) {
    for (const auto& [name, value] : record.facts) {
      known.insert(name);
    }
  }
  if (!known.contains(options.stratify)) {
    const std::vector<std::string> names(known.begin(), known.end());
    const std::string nearest = nearest_word(options.stratify, names);
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("--stratify: no series has a fact \"{}\"{} (known: {})",
                            printable(options.stratify),
                            nearest.empty() ? "" : "; did you mean \"" + nearest + "\"?",
                            join(names, ", ")));
  }
}

template <class Items>
void refuse_patients_in_two_parts(const Items& items) {
  std::map<std::string, std::set<std::string>> parts;
  for (const auto& item : items) {
    if (!item.split.empty()) {
      parts[item.patient].insert(item.split);
    }
  }
  std::vector<std::string> leaking;
  for (const auto& [patient, found] : parts) {
    if (found.size() > 1) {
      leaking.push_back(patient);
    }
  }
  if (leaking.empty()) {
    return;
  }
  const std::size_t count = leaking.size();
  leaking.resize(std::min(count, kPatientsNamed));
  throw Error(ErrorCode::kRefused,
              fmt::format("split: {} patient(s) are in more than one of train, validation and "
                          "test, so that scores would be "
                          "too good: {}{}; put every patient into one part",
                          count,
                          join(leaking, ", "),
                          count > kPatientsNamed ? ", ..." : ""));
}

}  // namespace

std::map<std::string, std::string> split_patients(std::span<const SeriesRecord> series,
                                                  const SplitOptions& options) {
  check_split_options(series, options);
  std::map<std::string, std::set<std::string>> values;
  for (const SeriesRecord& record : series) {
    values[record.patient].insert(
        options.stratify.empty() ? "" : stratum_value(record, options.stratify));
  }
  if (values.empty()) {
    throw Error(ErrorCode::kNothingFound,
                "split: there is no series to split; run `marrow scan` first");
  }
  // Within a stratum patients stand in an order that only the seed and their own key decide.
  std::map<std::string, std::vector<std::pair<std::string, std::string>>> strata;
  for (const auto& [patient, found] : values) {
    strata[join({found.begin(), found.end()}, "\n")].emplace_back(
        keyed_digest(fmt::format("split {}", options.seed), patient), patient);
  }
  std::map<std::string, std::string> split;
  std::array<double, 3>
      owed{};  // carried from stratum to stratum, so that small ones do not all round the same way
  for (auto& [stratum, patients] : strata) {
    std::sort(patients.begin(), patients.end());
    for (const auto& [order, patient] : patients) {
      for (std::size_t part = 0; part < owed.size(); ++part) {
        owed[part] += options.fractions[part];
      }
      const auto part =
          static_cast<std::size_t>(std::max_element(owed.begin(), owed.end()) - owed.begin());
      owed[part] -= 1;
      split[patient] = kSplitNames[part];
    }
  }
  return split;
}

void refuse_leak(std::span<const SeriesRecord> series) {
  refuse_patients_in_two_parts(series);
}

void refuse_leak(std::span<const Case> cases) {
  refuse_patients_in_two_parts(cases);
}

}  // namespace marrow
