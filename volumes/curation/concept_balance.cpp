#include "volumes/curation/concept_balance.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>

#include "core/digest.h"
#include "core/error.h"
#include "core/rng.h"

namespace marrow {

namespace {

struct PooledConcept {
  const std::string* name = nullptr;
  std::uint64_t digest = 0;
  std::int64_t count = 0;
};

// Concepts by number, and the numbers of each record's concepts, each once.
struct ConceptTable {
  std::vector<PooledConcept> concepts;
  std::vector<std::vector<std::size_t>> of_record;
};

std::uint64_t text_digest(const std::string& text) {
  return xxh3(std::as_bytes(std::span(text)));
}

void check_balance_options(const BalanceOptions& options) {
  if (options.limit.has_value() == options.wanted.has_value()) {
    throw Error(ErrorCode::kInvalidArgument,
                "balance: expected either a limit per concept or a number of wanted records, found "
                "both or neither; give one of them");
  }
  if (options.limit && !(std::isfinite(*options.limit) && *options.limit > 0)) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("balance: expected a limit per concept above 0, found {}; give about "
                            "as many as the rare concepts have records",
                            *options.limit));
  }
  if (options.wanted && *options.wanted < 1) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("balance: expected at least one wanted record, found {}; give a larger "
                            "number",
                            *options.wanted));
  }
}

ConceptTable table_of(std::span<const BalanceRecord> records) {
  ConceptTable table;
  std::unordered_map<std::string_view, std::size_t> numbers;
  std::unordered_set<std::string_view> ids;
  for (std::size_t place = 0; place < records.size(); ++place) {
    const BalanceRecord& record = records[place];
    if (record.id.empty() || !ids.insert(record.id).second) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("balance: expected ids that are unique and not empty, found one that "
                              "is not at record {}; name each record once",
                              place + 1));
    }
    std::vector<std::size_t>& own = table.of_record.emplace_back();
    for (const std::string& name : record.concepts) {
      if (name.empty()) {
        throw Error(ErrorCode::kInvalidArgument,
                    fmt::format("balance: expected concepts with a name, found an empty one at "
                                "record {}; leave it out",
                                place + 1));
      }
      const auto [entry, is_new] = numbers.try_emplace(name, table.concepts.size());
      if (is_new) {
        table.concepts.push_back({&name, text_digest(name), 0});
      }
      own.push_back(entry->second);
    }
    std::sort(own.begin(), own.end());
    own.erase(std::unique(own.begin(), own.end()), own.end());
    for (const std::size_t number : own) {
      ++table.concepts[number].count;
    }
  }
  return table;
}

// The smallest t above which each record is kept: a draw u succeeds when u < t / count. A record
// without concepts needs -1 (kept at any t) or infinity, one that stays -1.
std::vector<double> limits_needed(std::span<const BalanceRecord> records,
                                  const ConceptTable& table,
                                  const BalanceOptions& options) {
  std::vector<double> needed;
  needed.reserve(records.size());
  for (std::size_t place = 0; place < records.size(); ++place) {
    double least = std::numeric_limits<double>::infinity();
    if (records[place].stays || (table.of_record[place].empty() && options.keep_unmatched)) {
      least = -1;
    }
    const std::uint64_t id = text_digest(records[place].id);
    for (const std::size_t number : table.of_record[place]) {
      const PooledConcept& entry = table.concepts[number];
      const double draw = Rng(options.seed, "balance", {id, entry.digest}).uniform();
      least = std::min(least, draw * static_cast<double>(entry.count));
    }
    needed.push_back(least);
  }
  return needed;
}

double limit_for(std::int64_t wanted, const std::vector<double>& needed, double largest_count) {
  std::vector<double> reachable;
  std::int64_t staying = 0;
  for (const double need : needed) {
    if (std::isfinite(need)) {
      reachable.push_back(need);
      staying += need < 0 ? 1 : 0;
    }
  }
  if (wanted < staying) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("balance: expected at least as many wanted records as the {} that stay "
                            "in any case (labelled, held out, or kept without a concept), found "
                            "{}; want more",
                            staying,
                            wanted));
  }
  if (wanted >= static_cast<std::int64_t>(reachable.size())) {
    return largest_count;
  }
  const auto first_out = reachable.begin() + wanted;
  std::nth_element(reachable.begin(), first_out, reachable.end());
  return *first_out;
}

}  // namespace

BalanceResult balance_concepts(std::span<const BalanceRecord> records,
                               const BalanceOptions& options) {
  if (records.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                "balance: expected at least one record, found none; check what selects them");
  }
  check_balance_options(options);
  const ConceptTable table = table_of(records);
  const std::vector<double> needed = limits_needed(records, table, options);
  std::int64_t largest = 0;
  for (const PooledConcept& entry : table.concepts) {
    largest = std::max(largest, entry.count);
  }

  BalanceResult result;
  result.limit =
      options.limit ? *options.limit : limit_for(*options.wanted, needed, double(largest));
  std::vector<ConceptCount> counts(table.concepts.size());
  for (std::size_t number = 0; number < counts.size(); ++number) {
    counts[number].before = table.concepts[number].count;
    counts[number].draw_probability =
        std::min(1.0, result.limit / static_cast<double>(counts[number].before));
  }
  for (std::size_t place = 0; place < records.size(); ++place) {
    const bool kept = needed[place] < result.limit;
    double missed = needed[place] < 0 ? 0 : 1;
    for (const std::size_t number : table.of_record[place]) {
      missed *= 1 - counts[number].draw_probability;
    }
    for (const std::size_t number : table.of_record[place]) {
      counts[number].after += kept ? 1 : 0;
      counts[number].expected_after += 1 - missed;
    }
    result.kept.push_back(kept);
    result.inclusion.push_back(1 - missed);
    result.kept_count += kept ? 1 : 0;
  }
  for (std::size_t number = 0; number < counts.size(); ++number) {
    result.concepts.emplace(*table.concepts[number].name, counts[number]);
  }
  return result;
}

}  // namespace marrow
