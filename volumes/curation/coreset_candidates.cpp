#include "volumes/curation/coreset_candidates.h"

#include <algorithm>
#include <utility>

namespace marrow {

CoresetCandidates::CoresetCandidates(const UnitRows& pool,
                                     const UnitRows& centroids,
                                     std::span<const std::uint32_t> row_of_rank,
                                     std::int64_t limit,
                                     MayTake may_take)
    : pool_(pool),
      centroids_(centroids),
      rank_of_row_(row_of_rank.size()),
      limit_(static_cast<std::size_t>(std::min(limit, pool.count()))),
      may_take_(std::move(may_take)),
      queues_(static_cast<std::size_t>(centroids.count())) {
  for (std::size_t rank = 0; rank < row_of_rank.size(); ++rank) {
    rank_of_row_[row_of_rank[rank]] = static_cast<std::uint32_t>(rank);
  }
}

const CoresetCandidate* CoresetCandidates::best(std::int64_t centroid) {
  Queue& queue = queues_[static_cast<std::size_t>(centroid)];
  while (true) {
    while (queue.next < queue.sorted.size() && !may_take_(queue.sorted[queue.next].rank)) {
      ++queue.next;
    }
    if (queue.next < queue.sorted.size()) {
      return &queue.sorted[queue.next];
    }
    if (queue.complete) {
      return nullptr;
    }
    refill();
  }
}

// While a queue is being filled it is a heap with the last candidate on top.
void CoresetCandidates::offer(Queue& queue, const CoresetCandidate& candidate) const {
  std::vector<CoresetCandidate>& heap = queue.sorted;
  if (heap.size() < limit_) {
    heap.push_back(candidate);
    std::push_heap(heap.begin(), heap.end(), comes_before);
    return;
  }
  queue.complete = false;
  if (comes_before(candidate, heap.front())) {
    std::pop_heap(heap.begin(), heap.end(), comes_before);
    heap.back() = candidate;
    std::push_heap(heap.begin(), heap.end(), comes_before);
  }
}

void CoresetCandidates::refill() {
  // Small enough for the nearest cache, so that a centroid is fetched once for all of them.
  constexpr std::int64_t kBlock = 32;
  std::vector<std::int64_t> wanting;
  for (std::size_t number = 0; number < queues_.size(); ++number) {
    Queue& queue = queues_[number];
    if (!queue.complete && queue.next >= queue.sorted.size() / 2) {
      queue = Queue{{}, 0, true};
      queue.sorted.reserve(limit_);
      wanting.push_back(static_cast<std::int64_t>(number));
    }
  }
  std::vector<std::int64_t> block;
  for (std::int64_t begin = 0; begin < pool_.count(); begin += kBlock) {
    block.clear();
    for (std::int64_t row = begin; row < std::min(begin + kBlock, pool_.count()); ++row) {
      if (may_take_(rank_of_row_[static_cast<std::size_t>(row)])) {
        block.push_back(row);
      }
    }
    for (const std::int64_t centroid : wanting) {
      Queue& queue = queues_[static_cast<std::size_t>(centroid)];
      for (const std::int64_t row : block) {
        offer(queue,
              {unit_cosine(pool_.row(row), centroids_.row(centroid)),
               rank_of_row_[static_cast<std::size_t>(row)]});
      }
    }
  }
  for (const std::int64_t centroid : wanting) {
    Queue& queue = queues_[static_cast<std::size_t>(centroid)];
    std::sort_heap(queue.sorted.begin(), queue.sorted.end(), comes_before);
  }
  ++passes_;
}

}  // namespace marrow
