#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace marrow {

// A record to be balanced, and what it is about: "body_part=CHEST", "kernel=B30f", a term of its
// report, ... A concept that is named twice counts once.
struct BalanceRecord {
  std::string id;  // stable and unique: the draws hang on it
  std::vector<std::string> concepts;
  bool stays = false;  // kept whatever is drawn; it counts among its concepts all the same
};

// Exactly one of `limit` and `wanted` is given.
struct BalanceOptions {
  std::optional<double> limit = std::nullopt;         // t: records expected of each concept, > 0
  std::optional<std::int64_t> wanted = std::nullopt;  // records to keep in all, >= 1
  bool keep_unmatched = false;                        // keep every record without a concept
  std::uint64_t seed = 0;
};

struct ConceptCount {
  std::int64_t before = 0;      // records that match it
  std::int64_t after = 0;       // of these, the kept ones
  double expected_after = 0;    // sum of the inclusion probabilities
  double draw_probability = 0;  // min(1, t / before)
};

struct BalanceResult {
  std::vector<bool> kept;         // one for each record, in the order given
  std::vector<double> inclusion;  // probability over seeds that the record is kept at this t
  std::map<std::string, ConceptCount> concepts;
  double limit = 0;  // t used; given as `limit` it keeps the same records
  std::int64_t kept_count = 0;
};

// Keeps a record when the draw of any of its concepts succeeds. A concept's draw succeeds with
// probability p = min(1, t / records that match it), so that frequent concepts are thinned to about
// t records and rare ones stay whole; the record stays with probability 1 - prod(1 - p). A draw is
// a function of (seed, id, concept), so the result depends neither on the order of records or
// concepts nor on threads, and a larger t keeps what a smaller one kept, for the same records.
//
// With `wanted`, t is what bisection on the number of kept records would close in on: the smallest
// draw, in units of t, among the records left out. The number is then met exactly, unless two
// records share that draw (53 random bits), in which case those go together, or fewer records could
// be kept at all, in which case all of them are and t is the count of the commonest concept. t was
// then chosen after the draws, so `inclusion`, which takes it as given, is approximate.
//
// Throws Error{kInvalidArgument} for no records, an empty or repeated id, an empty concept, both or
// neither of limit and wanted, values out of range, or `wanted` below the number of records
// that stay whatever is drawn.
//
// Source: Xu et al. 2023 (MetaCLIP), algorithm 1. Departures: draws are keyed instead of
// sequential, records without a concept and others can be kept, t can follow from a number.
[[nodiscard]] BalanceResult balance_concepts(std::span<const BalanceRecord> records,
                                             const BalanceOptions& options);

}  // namespace marrow
