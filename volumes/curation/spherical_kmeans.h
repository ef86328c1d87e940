#pragma once

#include <cstdint>
#include <vector>

#include "volumes/fingerprints/unit_vectors.h"

namespace marrow {

struct SphericalClusters {
  std::vector<float> centroids;  // [count x dimensions], unit rows
  std::int64_t count = 0;
  std::vector<std::int64_t> assigned;  // the centroid of each row
  double mean_cosine = 0;              // of the rows to their centroids
};

// k-means on the unit sphere (Dhillon and Modha 2001): rows go to the centroid of the greatest
// cosine (the first of equals), centroids to the direction of the mean of their rows, until nothing
// moves or 100 rounds have passed. Starts from rows drawn one after the other with probability in
// proportion to 1 - cosine to the nearest one drawn (k-means++, Arthur and Vassilvitskii 2007;
// 1 - cosine is half the squared distance), each the best of 2 + log(count) such draws, which
// seldom leaves a group that lies apart without a centroid. A cluster that loses all its rows
// restarts from the row that is farthest from its centroid.
//
// Gives fewer than `count` centroids where the rows hold fewer distinct directions. Deterministic
// for given rows in a given order and a seed. Throws Error{kInvalidArgument} for rows that are not
// of unit length, no rows, or a count below 1.
[[nodiscard]] SphericalClusters spherical_kmeans(const UnitRows& rows,
                                                 std::int64_t count,
                                                 std::uint64_t seed);

}  // namespace marrow
