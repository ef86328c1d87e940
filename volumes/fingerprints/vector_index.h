#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "volumes/fingerprints/unit_vectors.h"

namespace marrow {

struct VectorIndexOptions {
  std::int64_t links = 16;             // of a vector to others (M), 2 to 128; twice as many below
  std::int64_t ef_construction = 200;  // candidates while building, 1 to 10000
  std::int64_t ef_search = 100;        // candidates of a search, 1 to 10000; at least k are taken
  std::uint64_t seed = 100;
};

// Nearest neighbours by cosine, approximately: a graph of small worlds (Malkov and Yashunin 2018,
// HNSW) by hnswlib. Built by one thread from a fixed seed, so that the same vectors and options
// give the same answers. Keeps a copy of the vectors, and about 8 * links + 20 bytes more for each.
//
// Safe to ask from several threads.
class VectorIndex {
 public:
  struct Neighbour {
    std::int64_t position = 0;  // of the vector among those that the index was built from
    float cosine = 0;           // unit_cosine
  };

  // Throws Error{kInvalidArgument} for rows that are not of length 1 and options out of range.
  explicit VectorIndex(const UnitRows& rows, const VectorIndexOptions& options = {});
  ~VectorIndex();
  VectorIndex(VectorIndex&&) noexcept;
  VectorIndex& operator=(VectorIndex&&) noexcept;

  // The k nearest that the graph leads to: largest cosine first, equal ones by position. Fewer than
  // k only if no more can be reached. With k at least count() all vectors are compared and the
  // answer is exact.
  // Throws Error{kInvalidArgument} for k < 1 and a query of other dimensions or not of length 1.
  [[nodiscard]] std::vector<Neighbour> nearest(std::span<const float> query, std::int64_t k) const;

  [[nodiscard]] std::int64_t count() const;

 private:
  struct Graph;
  std::unique_ptr<Graph> graph_;
};

}  // namespace marrow
