#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "volumes/fingerprints/unit_vectors.h"

namespace marrow {

// What to choose from. All borrowed for the call.
struct CoresetPool {
  UnitRows features;
  std::span<const std::string> ids;       // one a row, unique: they decide between equal cosines
  std::span<const std::string> patients;  // one a row; may be empty without a cap per patient
};

struct CoresetOptions {
  std::int64_t centroids = 100;    // of the target; 0: every row of the target is one
  std::int64_t budget = 0;         // most picks; 0: no budget
  double stop_ratio = 0.95;        // 0 to 1; 0: never stop by gain
  std::int64_t stop_round = 20;    // >= 1; whose gain the later ones are held against
  std::int64_t per_target = 50;    // most picks for each row of the target, >= 1
  std::int64_t per_patient = 0;    // most picks of one patient; 0: any number
  std::uint64_t seed = 0;          // of k-means
  std::int64_t candidates = 4096;  // >= 1; held for each centroid between two passes over the pool
};

struct CoresetPick {
  std::int64_t place = 0;     // row of the pool
  std::int64_t centroid = 0;  // which took it; where several did, the one of the greatest cosine
  float cosine = 0;           // of the two
  std::int64_t round = 0;     // from 1
};

enum class CoresetStop { kGain, kBudget, kTargetCap, kPoolExhausted };

struct CoresetResult {
  std::vector<CoresetPick> picks;  // by round, then by falling cosine, then by id
  std::vector<double> round_gain;  // mean cosine of what the centroids took; the round that was
                                   // found too poor is the last one here but has no picks
  std::vector<float> centroids;    // [centroid_count x dimensions], unit rows
  std::int64_t centroid_count = 0;
  CoresetStop stop = CoresetStop::kPoolExhausted;
  std::int64_t passes = 0;  // over the pool
};

// Chooses the part of a large pool that lies nearest to a small target set.
//
// In each round every centroid of the target takes the row of the greatest cosine among those that
// no earlier round picked; two centroids may take the same one. The claims of a round are served by
// falling cosine (then the lower centroid), which matters only with a cap per patient: a row whose
// patient has no pick left is passed over, unless it was picked in this very round. The first round
// is the optimum of the facility-location objective sum over centroids of max over picks of the
// cosine; the later ones are a heuristic. Picking ends before the first round after `stop_round`
// whose gain is below stop_ratio x the gain of `stop_round` (which must be positive for that), and
// at the budget or cap, where the strongest claims of the last round are kept, or when the pool
// holds nothing more that may be picked.
//
// The stop rule is the published one and no more than a hint: it sees the end of the relevant rows
// only where they lie closer together than stop_ratio says and every centroid has about as many of
// them, and not before `stop_round`. Loose groups end it early, at about half of what is relevant
// in our tests; give a budget there.
//
// The rows picked depend on the pool's rows and ids but not on their order. Cosines are never held
// all at once: a pass computes them in blocks of 32 rows and keeps the best `candidates` of each
// centroid that has used up half of its own; there is a pass whenever one has used up all. Memory
// besides the input and result: 8 bytes x candidates x centroids, 13 bytes a row of the pool, and
// about 60 bytes a patient. Time of a pass: rows x dimensions x centroids multiplications.
//
// Throws Error{kInvalidArgument} for an empty target or pool, rows that are not finite or of unit
// length, different dimensions, ids or patients that do not match the rows, repeated ids, 2^32 rows
// or more in the pool, and options out of range.
//
// Source: Kim et al. 2023 (SimCore). Departures: the gain is that of `stop_round` alone, claims are
// served by cosine, the patient cap, and the seeded start of k-means.
[[nodiscard]] CoresetResult choose_coreset(const UnitRows& target,
                                           const CoresetPool& pool,
                                           const CoresetOptions& options);

}  // namespace marrow
