#include "volumes/reduction/balance_filter.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <tuple>

#include <fmt/format.h>

#include "core/error.h"
#include "core/files.h"
#include "core/log.h"
#include "core/text.h"
#include "volumes/curation/concept_balance.h"
#include "volumes/curation/term_matcher.h"

namespace marrow {

namespace {

constexpr std::string_view kTermPrefix = "term=";

// Terms that match alike are one.
std::vector<std::string> read_terms(const std::string& file) {
  std::string text;
  try {
    text = read_text(file);
  } catch (const Error& error) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("balance.terms: expected a file with one term a line, found none that "
                            "can be read ({}); correct the path",
                            error.what()));
  }
  std::vector<std::string> terms;
  std::set<std::string> known;
  for (const std::string& line : split_words(text, '\n')) {
    const std::string words = padded_words(line);
    if (words != " " && known.insert(words).second) {
      terms.emplace_back(trim(line));
    }
  }
  if (terms.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("balance.terms: expected a file with one term a line, found no term in "
                            "{}; add some",
                            printable(file, 400)));
  }
  return terms;
}

void check_balance(const BalanceFilterOptions& options) {
  const int given =
      (options.limit > 0 ? 1 : 0) + (options.share > 0 ? 1 : 0) + (options.wanted > 0 ? 1 : 0);
  if (given != 1) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("balance: expected one of limit, share and wanted above 0, found {}; "
                            "balance.limit=200 keeps about 200 volumes of each concept",
                            given == 0 ? "none" : "several"));
  }
  if (options.facts.empty() && options.terms.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                "balance: expected facts or a file of terms to balance by, found neither; give "
                "balance.facts=[body_part] or balance.terms=FILE");
  }
}

class BalanceFilter final : public VolumeFilter {
 public:
  explicit BalanceFilter(const BalanceFilterOptions& options) : options_(options) {
    check_balance(options);
    if (!options.terms.empty()) {
      terms_ = read_terms(options.terms);
      matcher_.emplace(terms_);
    }
  }

  [[nodiscard]] VolumeNeeds needs() const override { return {.reports = matcher_.has_value()}; }

  [[nodiscard]] std::vector<std::string> concepts(const ReductionItem& item) const override {
    std::vector<std::string> found;
    for (const std::string& fact : options_.facts) {
      const std::string value = fact == "modality" ? std::string(modality_name(item.one.modality))
                                                   : named_text(item.facts, fact);
      if (!value.empty()) {
        found.push_back(fact + "=" + lower_case(value));
      }
    }
    if (matcher_) {
      std::string text = item.report;
      for (const auto& [name, value] : item.facts) {
        text += "\n" + value;
      }
      for (const std::size_t place : matcher_->terms_in(text)) {
        found.push_back(std::string(kTermPrefix) + terms_[place]);
      }
    }
    return found;
  }

  [[nodiscard]] std::vector<VolumeDrop> drops(const VolumeFilterInput& input) const override {
    if (input.order.empty()) {
      return {};
    }
    const Reported reported = options_.thin_reported ? Reported::kMayGo : Reported::kStay;
    std::vector<BalanceRecord> records;
    bool any = false, all_stay = true;
    for (const std::size_t n : input.order) {
      const ReductionItem& item = input.items[n];
      records.push_back({item.one.key, concepts(item), !may_go_alone(item, reported)});
      any = any || !records.back().concepts.empty();
      all_stay = all_stay && records.back().stays;
    }
    if (all_stay) {
      warn_that_all_stay(BalanceFilterOptions::kName);
      return {};
    }
    if (!any && options_.keep_unmatched) {
      log::warn("balance: " + without_concepts(input) + "; nothing is thinned");
      return {};
    }
    if (!any) {
      throw Error(ErrorCode::kInvalidArgument, "balance: " + without_concepts(input));
    }
    const BalanceResult result = balance_concepts(records, algorithm_options(records.size()));
    // Nothing that is kept beside a series may tell what its report says: no name, count or
    // probability of a term.
    std::vector<VolumeDrop> drops;
    for (std::size_t place = 0; place < records.size(); ++place) {
      if (!result.kept[place]) {
        drops.push_back({input.order[place],
                         std::nullopt,
                         matcher_ ? 0 : result.inclusion[place],
                         because(records[place], result)});
      }
    }
    return drops;
  }

  [[nodiscard]] std::string threshold_text() const override {
    return options_.limit > 0   ? fmt::format("about {:g} of each concept", options_.limit)
           : options_.share > 0 ? fmt::format("{:g} % of the volumes", 100 * options_.share)
                                : fmt::format("{} volumes", options_.wanted);
  }

 private:
  [[nodiscard]] BalanceOptions algorithm_options(std::size_t records) const {
    BalanceOptions made;
    made.keep_unmatched = options_.keep_unmatched;
    made.seed = static_cast<std::uint64_t>(options_.seed);
    if (options_.limit > 0) {
      made.limit = options_.limit;
    } else if (options_.wanted > 0) {
      made.wanted = options_.wanted;
    } else {
      made.wanted =
          std::max<std::int64_t>(1, std::llround(options_.share * static_cast<double>(records)));
    }
    return made;
  }

  // The rarest concept gave it the best chance to stay.
  [[nodiscard]] static std::string because(const BalanceRecord& record,
                                           const BalanceResult& result) {
    if (record.concepts.empty()) {
      return "no concept matches it";
    }
    const std::string& rarest =
        *std::min_element(record.concepts.begin(),
                          record.concepts.end(),
                          [&](const std::string& a, const std::string& b) {
                            const ConceptCount& one = result.concepts.at(a);
                            const ConceptCount& other = result.concepts.at(b);
                            return std::tie(one.before, a) < std::tie(other.before, b);
                          });
    if (rarest.starts_with(kTermPrefix)) {
      return "thinned: the rarest of its concepts is a term";
    }
    const ConceptCount& count = result.concepts.at(rarest);
    return fmt::format("thinned: {} of {} volumes of its rarest concept ({}) stay",
                       count.after,
                       count.before,
                       printable(rarest));
  }

  [[nodiscard]] std::string without_concepts(const VolumeFilterInput& input) const {
    std::set<std::string> names;
    for (const std::size_t n : input.order) {
      if (!modality_name(input.items[n].one.modality).empty()) {
        names.insert("modality");
      }
      for (const auto& [name, value] : input.items[n].facts) {
        names.insert(name);
      }
    }
    return fmt::format(
        "expected volumes with facts named in balance.facts ({}){}, found none among "
        "{}; their facts are {}",
        join(options_.facts, ", "),
        matcher_ ? " or a term of balance.terms" : "",
        input.order.size(),
        names.empty() ? "none" : join({names.begin(), names.end()}, ", "));
  }

  BalanceFilterOptions options_;
  std::vector<std::string> terms_;
  std::optional<TermMatcher> matcher_;
};

}  // namespace

std::unique_ptr<VolumeFilter> make_balance(const ConfigSection& options) {
  return std::make_unique<BalanceFilter>(options.parse<BalanceFilterOptions>());
}

}  // namespace marrow
