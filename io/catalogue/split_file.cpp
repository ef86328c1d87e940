#include "io/catalogue/split_file.h"

#include <algorithm>
#include <optional>
#include <set>
#include <vector>

#include <fmt/format.h>

#include "core/error.h"
#include "core/text.h"

namespace marrow {

namespace {

constexpr std::size_t kNamesShown = 5;

using CsvRecord = std::vector<std::string>;

std::string split_file_name(const std::filesystem::path& file) {
  return "split: " + printable(file.native(), 400);
}

// "a, b and 3 more".
std::string some_names(const std::vector<std::string>& names) {
  std::vector<std::string> shown;
  for (std::size_t n = 0; n < std::min(names.size(), kNamesShown); ++n) {
    shown.push_back(printable(names[n], 64));
  }
  const std::size_t more = names.size() - shown.size();
  return join(shown, ", ") + (more > 0 ? fmt::format(" and {} more", more) : "");
}

struct SplitColumns {
  std::optional<std::size_t> key, patient;
  std::size_t split = 0;
};

SplitColumns split_columns(const CsvRecord& header, const std::filesystem::path& file) {
  const auto column = [&](std::string_view name) -> std::optional<std::size_t> {
    const auto is_name = [&](const std::string& word) { return trim(word) == name; };
    if (std::count_if(header.begin(), header.end(), is_name) > 1) {
      throw Error(
          ErrorCode::kInvalidArgument,
          fmt::format(
              "{} names the column {} twice; remove one of them", split_file_name(file), name));
    }
    return csv_column(header, name);
  };
  const std::optional<std::size_t> split = column("split");
  const SplitColumns columns{column("key"), column("patient"), split.value_or(0)};
  if (!split || (!columns.key && !columns.patient)) {
    throw Error(
        ErrorCode::kInvalidArgument,
        fmt::format("{} has no column \"{}\"; expected a first line such as \"patient,split\" "
                    "or \"key,split\", as `marrow list --format csv` prints it",
                    split_file_name(file),
                    split ? "patient" : "split"));
  }
  return columns;
}

// The patients of the series, and who each row of the file means.
class PatientFinder {
 public:
  explicit PatientFinder(std::span<const SeriesRecord> series) {
    for (const SeriesRecord& record : series) {
      patient_of_key_[record.key] = record.patient;
      patients_.insert(record.patient);
    }
  }

  // Empty when the row names nothing that is known; its name is then among unknown().
  std::string patient(const std::string& key, const std::string& patient) {
    if (!key.empty()) {
      const auto found = patient_of_key_.find(key);
      // A key and a patient that do not belong together are no series of this catalogue either.
      if (found != patient_of_key_.end() && (patient.empty() || patient == found->second)) {
        return found->second;
      }
      unknown_.push_back(key);
      return {};
    }
    if (patients_.contains(patient)) {
      return patient;
    }
    unknown_.push_back(patient);
    return {};
  }

  [[nodiscard]] const std::vector<std::string>& unknown() const { return unknown_; }

 private:
  std::map<std::string, std::string> patient_of_key_;
  std::set<std::string> patients_;
  std::vector<std::string> unknown_;
};

}  // namespace

std::map<std::string, std::string> splits_from_csv(std::string_view text,
                                                   const std::filesystem::path& file,
                                                   std::span<const SeriesRecord> series) {
  static const std::set<std::string> kParts{"train", "validation", "test"};
  const std::vector<CsvRecord> records = parse_csv(text);
  const SplitColumns columns = split_columns(records.empty() ? CsvRecord{} : records.front(), file);
  PatientFinder finder(series);
  std::map<std::string, std::string> splits;
  std::set<std::string> in_two;
  for (std::size_t row = 1; row < records.size(); ++row) {
    const std::string split = csv_value(records[row], columns.split);
    if (split.empty()) {
      continue;
    }
    if (!kParts.contains(split)) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("{}, row {}: expected train, validation or test, found \"{}\"",
                              split_file_name(file),
                              row + 1,
                              printable(split, 64)));
    }
    const std::string patient = finder.patient(csv_value(records[row], columns.key),
                                               csv_value(records[row], columns.patient));
    if (!patient.empty() && splits.emplace(patient, split).first->second != split) {
      in_two.insert(patient);
    }
  }
  if (!finder.unknown().empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("{}: the catalogue has no series or patient {}; `marrow list --format "
                            "csv` prints the keys",
                            split_file_name(file),
                            some_names(finder.unknown())));
  }
  if (!in_two.empty()) {
    throw Error(
        ErrorCode::kRefused,
        fmt::format("{}: patient {} in more than one part; give all series of a patient the "
                    "same",
                    split_file_name(file),
                    some_names({in_two.begin(), in_two.end()})));
  }
  if (splits.empty()) {
    throw Error(ErrorCode::kNothingFound,
                fmt::format("{}: no row names a part; write train, validation or test into the "
                            "column split",
                            split_file_name(file)));
  }
  return splits;
}

}  // namespace marrow
