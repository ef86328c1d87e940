#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "volumes/fingerprints/unit_vectors.h"

namespace marrow {

// A row of the pool as a centroid sees it. `rank` is the row's place in the order of ids.
struct CoresetCandidate {
  float cosine = 0;
  std::uint32_t rank = 0;
};

// The order in which a centroid takes rows: by falling cosine, then by id.
[[nodiscard]] inline bool comes_before(const CoresetCandidate& a, const CoresetCandidate& b) {
  return a.cosine != b.cosine ? a.cosine > b.cosine : a.rank < b.rank;
}

// For each centroid the rows of the pool in the order of taking, fetched `limit` at a time by
// passes over the pool. Rows that may not be taken are left out; whoever says so must not change
// its mind.
class CoresetCandidates {
 public:
  using MayTake = std::function<bool(std::uint32_t rank)>;

  // All are borrowed and must outlive this; row_of_rank[r] is the row of rank r.
  CoresetCandidates(const UnitRows& pool,
                    const UnitRows& centroids,
                    std::span<const std::uint32_t> row_of_rank,
                    std::int64_t limit,
                    MayTake may_take);

  // The first row that the centroid may take; null when there is none. Valid until the next call.
  [[nodiscard]] const CoresetCandidate* best(std::int64_t centroid);

  [[nodiscard]] std::int64_t passes() const { return passes_; }

 private:
  struct Queue {
    std::vector<CoresetCandidate> sorted;
    std::size_t next = 0;
    bool complete = false;  // holds all that was left at the last pass
  };

  void refill();
  void offer(Queue& queue, const CoresetCandidate& candidate) const;

  const UnitRows& pool_;
  const UnitRows& centroids_;
  std::vector<std::uint32_t> rank_of_row_;
  std::size_t limit_;
  MayTake may_take_;
  std::vector<Queue> queues_;
  std::int64_t passes_ = 0;
};

}  // namespace marrow
