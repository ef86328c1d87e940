#include "volumes/curation/spherical_kmeans.h"

#include <cmath>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/rng.h"

namespace marrow {
namespace {

// `each` rows around every axis of a space of `columns` dimensions, axis by axis.
std::vector<float> rows_around_axes(std::int64_t columns, std::int64_t each, double noise) {
  Rng rng(2);
  std::vector<float> values;
  for (std::int64_t axis = 0; axis < columns; ++axis) {
    for (std::int64_t n = 0; n < each; ++n) {
      std::vector<double> row;
      double square = 0;
      for (std::int64_t column = 0; column < columns; ++column) {
        row.push_back((column == axis ? 1 : 0) + noise * rng.normal());
        square += row.back() * row.back();
      }
      for (const double value : row) {
        values.push_back(static_cast<float>(value / std::sqrt(square)));
      }
    }
  }
  return values;
}

TEST(SphericalKmeans, FindsClustersThatLieApart) {
  const std::vector<float> values = rows_around_axes(6, 20, 0.05);
  const UnitRows rows{values, 6};

  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const SphericalClusters clusters = spherical_kmeans(rows, 6, seed);

    ASSERT_EQ(clusters.count, 6);
    for (std::int64_t axis = 0; axis < 6; ++axis) {
      const auto first = clusters.assigned.begin() + axis * 20;
      EXPECT_EQ(std::set<std::int64_t>(first, first + 20).size(), 1U);
    }
    EXPECT_EQ(std::set<std::int64_t>(clusters.assigned.begin(), clusters.assigned.end()).size(),
              6U);
    EXPECT_GT(clusters.mean_cosine, 0.98);
    check_unit_rows("centroids", {clusters.centroids, 6});
  }
}

TEST(SphericalKmeans, IsRepeatableAndNoWorseThanItsStart) {
  const std::vector<float> values = rows_around_axes(10, 30, 0.5);
  const UnitRows rows{values, 10};

  const SphericalClusters one = spherical_kmeans(rows, 25, 4);
  const SphericalClusters other = spherical_kmeans(rows, 25, 4);

  EXPECT_EQ(one.centroids, other.centroids);
  EXPECT_EQ(one.assigned, other.assigned);
  EXPECT_GT(one.mean_cosine, spherical_kmeans(rows, 5, 4).mean_cosine);
}

TEST(SphericalKmeans, GivesNoMoreCentroidsThanDirections) {
  const std::vector<float> values{1, 0, 1, 0, 0, 1, 1, 0};

  EXPECT_EQ(spherical_kmeans({values, 2}, 3, 1).count, 2);
}

TEST(SphericalKmeans, RefusesRowsThatAreNotOfUnitLength) {
  const std::vector<float> values{1, 0, 0.5, 0};
  const std::vector<float> broken{1, 0, std::nanf(""), 0};

  EXPECT_THROW((void)spherical_kmeans({values, 2}, 1, 0), Error);
  EXPECT_THROW((void)spherical_kmeans({broken, 2}, 1, 0), Error);
  EXPECT_THROW((void)spherical_kmeans({values, 3}, 1, 0), Error);
  EXPECT_THROW((void)spherical_kmeans({{}, 2}, 1, 0), Error);
  EXPECT_THROW((void)spherical_kmeans({std::span(values).first(2), 2}, 0, 0), Error);
}

}  // namespace
}  // namespace marrow
