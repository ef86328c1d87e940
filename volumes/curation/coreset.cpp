#include "volumes/curation/coreset.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <queue>
#include <string_view>
#include <unordered_map>

#include <fmt/format.h>

#include "core/error.h"
#include "volumes/curation/coreset_candidates.h"
#include "volumes/curation/spherical_kmeans.h"

namespace marrow {

namespace {

void check_coreset_options(const CoresetOptions& options) {
  if (options.centroids < 0 || options.budget < 0 || options.stop_round < 1 ||
      options.per_target < 1 || options.per_patient < 0 || options.candidates < 1 ||
      !(options.stop_ratio >= 0 && options.stop_ratio <= 1)) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("coreset: expected centroids, budget and picks per patient of 0 or "
                            "more, a stop ratio of 0 to 1, and a stop round, picks per target and "
                            "candidates of 1 or more, found {}, {}, {}, {}, {}, {} and {}; correct "
                            "the one out of range",
                            options.centroids,
                            options.budget,
                            options.per_patient,
                            options.stop_ratio,
                            options.stop_round,
                            options.per_target,
                            options.candidates));
  }
}

void check_coreset_pool(const UnitRows& target,
                        const CoresetPool& pool,
                        const CoresetOptions& options) {
  check_unit_rows("coreset target", target);
  check_unit_rows("coreset pool", pool.features);
  if (target.values.empty() || pool.features.values.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("coreset: expected a target and a pool of at least one row, found {} "
                            "and {} rows; check what selects them",
                            target.count(),
                            pool.features.count()));
  }
  const auto rows = static_cast<std::size_t>(pool.features.count());
  if (target.dimensions != pool.features.dimensions) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("coreset: expected target and pool with the same number of features, "
                            "found {} and {}; compute both with one encoder",
                            target.dimensions,
                            pool.features.dimensions));
  }
  const bool needs_patients = options.per_patient > 0 || !pool.patients.empty();
  if (pool.ids.size() != rows || (needs_patients && pool.patients.size() != rows)) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("coreset: expected an id for each of the {} rows of the pool, and a "
                            "patient where picks per patient are limited, found {} ids and {} "
                            "patients; pass one each",
                            rows,
                            pool.ids.size(),
                            pool.patients.size()));
  }
  if (rows >= std::numeric_limits<std::uint32_t>::max()) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("coreset: expected a pool of less than 2^32 - 1 rows, found {}; choose "
                            "from parts of it",
                            rows));
  }
}

std::vector<std::uint32_t> rows_by_id(std::span<const std::string> ids) {
  std::vector<std::uint32_t> rows(ids.size());
  std::iota(rows.begin(), rows.end(), 0U);
  std::sort(rows.begin(), rows.end(), [&](auto a, auto b) { return ids[a] < ids[b]; });
  const auto twice = std::adjacent_find(
      rows.begin(), rows.end(), [&](auto a, auto b) { return ids[a] == ids[b]; });
  if (twice != rows.end()) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("coreset: expected unique ids, found the same for rows {} and {} of "
                            "the pool; leave one out",
                            twice[0] + 1,
                            twice[1] + 1));
  }
  return rows;
}

// Who may still be picked.
class PickRules {
 public:
  PickRules(const CoresetPool& pool,
            std::span<const std::uint32_t> row_of_rank,
            std::int64_t per_patient)
      : state_(row_of_rank.size(), State::kFree), per_patient_(per_patient) {
    if (per_patient == 0) {
      return;
    }
    std::unordered_map<std::string_view, std::uint32_t> numbers;
    for (const std::uint32_t row : row_of_rank) {
      const auto next = static_cast<std::uint32_t>(numbers.size());
      patient_.push_back(numbers.try_emplace(pool.patients[row], next).first->second);
    }
    picks_of_patient_.resize(numbers.size(), 0);
  }

  [[nodiscard]] bool may_take(std::uint32_t rank) const {
    if (state_[rank] != State::kFree) {
      return state_[rank] == State::kThisRound;
    }
    return per_patient_ == 0 || picks_of_patient_[patient_[rank]] < per_patient_;
  }

  // True when no other centroid took it in this round before.
  bool take(std::uint32_t rank) {
    if (state_[rank] == State::kThisRound) {
      return false;
    }
    state_[rank] = State::kThisRound;
    if (per_patient_ > 0) {
      ++picks_of_patient_[patient_[rank]];
    }
    return true;
  }

  void end_round(std::span<const CoresetCandidate> taken) {
    for (const CoresetCandidate& candidate : taken) {
      state_[candidate.rank] = State::kEarlier;
    }
  }

 private:
  enum class State : std::uint8_t { kFree, kThisRound, kEarlier };

  std::vector<State> state_;
  std::int64_t per_patient_;
  std::vector<std::uint32_t> patient_;
  std::vector<std::int64_t> picks_of_patient_;
};

struct Round {
  std::vector<CoresetCandidate> taken;  // each row once, by falling cosine
  std::vector<std::int64_t> centroids;  // that took them
  double gain = 0;
};

struct Claim {
  CoresetCandidate candidate;
  std::int64_t centroid = 0;
};

struct ServedLater {
  bool operator()(const Claim& a, const Claim& b) const {
    if (a.candidate.cosine != b.candidate.cosine) {
      return a.candidate.cosine < b.candidate.cosine;
    }
    return a.centroid > b.centroid;
  }
};

Round play_round(CoresetCandidates& candidates, PickRules& rules, std::int64_t centroids) {
  std::priority_queue<Claim, std::vector<Claim>, ServedLater> claims;
  const auto claim = [&](std::int64_t centroid) {
    if (const CoresetCandidate* best = candidates.best(centroid)) {
      claims.push({*best, centroid});
    }
  };
  for (std::int64_t centroid = 0; centroid < centroids; ++centroid) {
    claim(centroid);
  }
  Round round;
  double sum = 0;
  std::int64_t served = 0;
  while (!claims.empty()) {
    const Claim first = claims.top();
    claims.pop();
    if (!rules.may_take(first.candidate.rank)) {  // its patient has been used up since
      claim(first.centroid);
      continue;
    }
    if (rules.take(first.candidate.rank)) {
      round.taken.push_back(first.candidate);
      round.centroids.push_back(first.centroid);
    }
    sum += first.candidate.cosine;
    ++served;
  }
  rules.end_round(round.taken);
  round.gain = served > 0 ? sum / static_cast<double>(served) : 0;
  return round;
}

UnitRows coreset_centroids(const UnitRows& target,
                           const CoresetOptions& options,
                           CoresetResult& result) {
  if (options.centroids == 0 || options.centroids >= target.count()) {
    result.centroids.assign(target.values.begin(), target.values.end());
    result.centroid_count = target.count();
  } else {
    SphericalClusters clusters = spherical_kmeans(target, options.centroids, options.seed);
    result.centroids = std::move(clusters.centroids);
    result.centroid_count = clusters.count;
  }
  return {result.centroids, target.dimensions};
}

bool is_too_poor(const std::vector<double>& gains, const CoresetOptions& options) {
  const auto reference = static_cast<std::size_t>(options.stop_round);
  return gains.size() > reference && gains[reference - 1] > 0 &&
         gains.back() < options.stop_ratio * gains[reference - 1];
}

}  // namespace

CoresetResult choose_coreset(const UnitRows& target,
                             const CoresetPool& pool,
                             const CoresetOptions& options) {
  check_coreset_options(options);
  check_coreset_pool(target, pool, options);
  const std::vector<std::uint32_t> row_of_rank = rows_by_id(pool.ids);
  CoresetResult result;
  const UnitRows centroids = coreset_centroids(target, options, result);
  PickRules rules(pool, row_of_rank, options.per_patient);
  CoresetCandidates candidates(
      pool.features, centroids, row_of_rank, options.candidates, [&](std::uint32_t rank) {
        return rules.may_take(rank);
      });

  // Compared by division: the product of two large numbers could overflow.
  const bool cap_binds = options.per_target <= pool.features.count() / target.count();
  std::int64_t most = cap_binds ? options.per_target * target.count() : pool.features.count();
  CoresetStop at_most = cap_binds ? CoresetStop::kTargetCap : CoresetStop::kPoolExhausted;
  if (options.budget > 0 && options.budget <= most) {
    most = options.budget;
    at_most = CoresetStop::kBudget;
  }
  result.stop = at_most;
  for (std::int64_t number = 1; static_cast<std::int64_t>(result.picks.size()) < most; ++number) {
    const Round round = play_round(candidates, rules, result.centroid_count);
    if (round.taken.empty()) {
      result.stop = CoresetStop::kPoolExhausted;
      break;
    }
    result.round_gain.push_back(round.gain);
    if (is_too_poor(result.round_gain, options)) {
      result.stop = CoresetStop::kGain;
      break;
    }
    std::vector<std::size_t> order(round.taken.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return comes_before(round.taken[a], round.taken[b]);
    });
    const auto left = static_cast<std::size_t>(most) - result.picks.size();
    order.resize(std::min(order.size(), left));
    for (const std::size_t place : order) {
      const CoresetCandidate& taken = round.taken[place];
      result.picks.push_back(
          {row_of_rank[taken.rank], round.centroids[place], taken.cosine, number});
    }
  }
  result.passes = candidates.passes();
  return result;
}

}  // namespace marrow
