#include "volumes/curation/coreset.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/rng.h"

namespace marrow {
namespace {

struct Pool {
  std::vector<float> values;
  std::vector<std::string> ids, patients;
  std::int64_t columns = 0;

  [[nodiscard]] CoresetPool view() const { return {{values, columns}, ids, patients}; }
};

void add_unit_row(std::vector<float>& values, const std::vector<double>& row) {
  double square = 0;
  for (const double value : row) {
    square += value * value;
  }
  for (const double value : row) {
    values.push_back(static_cast<float>(value / std::sqrt(square)));
  }
}

std::vector<float> random_rows(std::int64_t rows, std::int64_t columns, Rng& rng) {
  std::vector<float> values;
  for (std::int64_t row = 0; row < rows; ++row) {
    std::vector<double> entries;
    for (std::int64_t column = 0; column < columns; ++column) {
      entries.push_back(rng.normal());
    }
    add_unit_row(values, entries);
  }
  return values;
}

Pool random_pool(std::int64_t rows, std::int64_t columns, std::int64_t patients, Rng& rng) {
  Pool pool{random_rows(rows, columns, rng), {}, {}, columns};
  for (std::int64_t row = 0; row < rows; ++row) {
    pool.ids.push_back("s" +
                       std::to_string(permuted(
                           static_cast<std::uint64_t>(row), static_cast<std::uint64_t>(rows), 5)));
    pool.patients.push_back("p" + std::to_string(rng.below(patients)));
  }
  return pool;
}

Pool shuffled(const Pool& pool) {
  Pool other{{}, {}, {}, pool.columns};
  for (std::size_t n = 0; n < pool.ids.size(); ++n) {
    const auto row = static_cast<std::size_t>(permuted(n, pool.ids.size(), 99));
    const auto first = pool.values.begin() + static_cast<std::int64_t>(row) * pool.columns;
    other.values.insert(other.values.end(), first, first + pool.columns);
    other.ids.push_back(pool.ids[row]);
    other.patients.push_back(pool.patients[row]);
  }
  return other;
}

// (round, id, centroid) of each pick, in a fixed order.
using Listed = std::vector<std::tuple<std::int64_t, std::string, std::int64_t>>;

Listed listed(const CoresetResult& result, const Pool& pool) {
  Listed list;
  for (const CoresetPick& pick : result.picks) {
    list.emplace_back(pick.round, pool.ids[static_cast<std::size_t>(pick.place)], pick.centroid);
  }
  std::sort(list.begin(), list.end());
  return list;
}

// Every round anew over the whole table of cosines: the strongest claim of all centroids that are
// left, until none may claim anything.
Listed naive_picks(const std::vector<float>& centroids,
                   std::int64_t count,
                   const Pool& pool,
                   std::int64_t rounds,
                   std::int64_t per_patient) {
  const UnitRows targets{centroids, pool.columns};
  const CoresetPool view = pool.view();
  std::vector<std::int64_t> round_of(pool.ids.size(), 0);
  std::map<std::string, std::int64_t> used;
  Listed list;
  for (std::int64_t round = 1; round <= rounds; ++round) {
    std::set<std::int64_t> waiting;
    for (std::int64_t centroid = 0; centroid < count; ++centroid) {
      waiting.insert(centroid);
    }
    while (true) {
      std::int64_t best_centroid = -1;
      std::size_t best_row = 0;
      float best = -2;
      for (const std::int64_t centroid : waiting) {
        for (std::size_t row = 0; row < pool.ids.size(); ++row) {
          const bool open =
              round_of[row] == round ||
              (round_of[row] == 0 && (per_patient == 0 || used[pool.patients[row]] < per_patient));
          if (!open) {
            continue;
          }
          const float cosine =
              unit_cosine(view.features.row(static_cast<std::int64_t>(row)), targets.row(centroid));
          if (cosine > best ||
              (cosine == best && centroid == best_centroid && pool.ids[row] < pool.ids[best_row])) {
            best = cosine;
            best_centroid = centroid;
            best_row = row;
          }
        }
      }
      if (best_centroid < 0) {
        break;
      }
      waiting.erase(best_centroid);
      if (round_of[best_row] == 0) {
        round_of[best_row] = round;
        ++used[pool.patients[best_row]];
        list.emplace_back(round, pool.ids[best_row], best_centroid);
      }
    }
  }
  std::sort(list.begin(), list.end());
  return list;
}

TEST(Coreset, EqualsANaiveVersionOn2000RowsAnd20Centroids) {
  Rng rng(1);
  const std::vector<float> target = random_rows(20, 24, rng);
  const Pool pool = random_pool(2000, 24, 600, rng);
  const CoresetOptions options{.centroids = 0, .stop_ratio = 0, .per_target = 10, .candidates = 3};

  const CoresetResult result = choose_coreset({target, 24}, pool.view(), options);

  ASSERT_EQ(result.picks.size(), 200U);
  EXPECT_EQ(result.stop, CoresetStop::kTargetCap);
  EXPECT_GT(result.passes, 1) << "more was taken than the queues hold at once";
  Listed naive = naive_picks(target, 20, pool, result.picks.back().round, 0);
  // The last round may have been cut at the cap.
  const Listed ours = listed(result, pool);
  EXPECT_TRUE(std::includes(naive.begin(), naive.end(), ours.begin(), ours.end()));
  const auto whole = [&](const Listed& list) {
    return std::count_if(list.begin(), list.end(), [&](const auto& pick) {
      return std::get<0>(pick) < result.picks.back().round;
    });
  };
  EXPECT_EQ(whole(naive), whole(ours));
}

TEST(Coreset, RespectsTheCapOfAPatientAsANaiveVersionDoes) {
  Rng rng(2);
  const std::vector<float> target = random_rows(6, 5, rng);
  const Pool pool = random_pool(300, 5, 25, rng);
  const CoresetOptions options{.centroids = 0, .stop_ratio = 0, .per_patient = 2, .candidates = 3};

  const CoresetResult result = choose_coreset({target, 5}, pool.view(), options);

  std::map<std::string, int> used;
  for (const CoresetPick& pick : result.picks) {
    ++used[pool.patients[static_cast<std::size_t>(pick.place)]];
  }
  EXPECT_EQ(used.size(), 25U);
  for (const auto& [patient, picks] : used) {
    EXPECT_EQ(picks, 2) << patient;
  }
  EXPECT_EQ(result.stop, CoresetStop::kPoolExhausted);
  EXPECT_EQ(listed(result, pool), naive_picks(target, 6, pool, 50, 2));
}

// The greatest sum over targets of the best cosine among `size` rows of the pool.
double best_objective(const std::vector<std::vector<double>>& cosines, std::size_t size) {
  const std::size_t rows = cosines.front().size();
  double best = -1e9;
  for (std::uint32_t chosen = 0; chosen < (1U << rows); ++chosen) {
    std::size_t count = 0;
    for (std::size_t row = 0; row < rows; ++row) {
      count += (chosen >> row) & 1U;
    }
    if (count != size) {
      continue;
    }
    double sum = 0;
    for (const std::vector<double>& of_target : cosines) {
      double most = -1;
      for (std::size_t row = 0; row < rows; ++row) {
        most = ((chosen >> row) & 1U) != 0 ? std::max(most, of_target[row]) : most;
      }
      sum += most;
    }
    best = std::max(best, sum);
  }
  return best;
}

TEST(Coreset, TheFirstRoundIsTheOptimumOfFacilityLocation) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Rng rng(seed + 100);
    const std::vector<float> target = random_rows(4, 3, rng);
    const Pool pool = random_pool(11, 3, 11, rng);
    const UnitRows targets{target, 3};

    const CoresetResult result =
        choose_coreset(targets, pool.view(), {.centroids = 0, .stop_ratio = 0});

    std::vector<std::vector<double>> cosines(4);
    for (std::int64_t t = 0; t < 4; ++t) {
      for (std::int64_t row = 0; row < 11; ++row) {
        cosines[static_cast<std::size_t>(t)].push_back(
            unit_cosine(targets.row(t), pool.view().features.row(row)));
      }
    }
    const auto first = static_cast<std::size_t>(
        std::count_if(result.picks.begin(), result.picks.end(), [](const CoresetPick& pick) {
          return pick.round == 1;
        }));
    EXPECT_NEAR(result.round_gain[0] * 4, best_objective(cosines, first), 1e-5);
    EXPECT_EQ(result.picks.size(), 11U) << "every row is picked once";
  }
}

// Groups around `groups` directions, 30 % of the pool, among rows of any direction; those of the
// target lie around the same directions. `noise` is the length of a row's part beside its
// direction.
struct Study {
  std::vector<float> target;
  Pool pool;
  std::set<std::string> relevant;
};

Study study_of(std::int64_t rows,
               std::int64_t columns,
               std::int64_t groups,
               double noise,
               std::uint64_t seed) {
  Rng rng(seed);
  const std::vector<float> directions = random_rows(groups, columns, rng);
  const auto near = [&](std::int64_t group) {
    std::vector<double> row;
    for (std::int64_t column = 0; column < columns; ++column) {
      row.push_back(directions[static_cast<std::size_t>(group * columns + column)] +
                    noise / std::sqrt(static_cast<double>(columns)) * rng.normal());
    }
    return row;
  };
  Study study;
  study.pool.columns = columns;
  for (std::int64_t n = 0; n < groups * 12; ++n) {
    add_unit_row(study.target, near(n % groups));
  }
  for (std::int64_t n = 0; n < rows; ++n) {
    study.pool.ids.push_back("s" + std::to_string(n));
    study.pool.patients.push_back("p" + std::to_string(n / 3));
    if (n % 10 < 3) {
      add_unit_row(study.pool.values, near(rng.below(groups)));
      study.relevant.insert(study.pool.ids.back());
    } else {
      const std::vector<float> any = random_rows(1, columns, rng);
      study.pool.values.insert(study.pool.values.end(), any.begin(), any.end());
    }
  }
  return study;
}

struct Found {
  CoresetStop stop = CoresetStop::kPoolExhausted;
  double precision_at_half = 0;  // of the picks until half of the relevant rows were found
  double picked = 0;             // picks over relevant rows
};

Found found_in(const Study& study, double stop_ratio) {
  const CoresetOptions options{.centroids = 20, .stop_ratio = stop_ratio, .seed = 1};
  const CoresetResult result =
      choose_coreset({study.target, study.pool.columns}, study.pool.view(), options);
  std::size_t right = 0, picked = 0;
  Found found{result.stop};
  for (const CoresetPick& pick : result.picks) {
    ++picked;
    right += study.relevant.count(study.pool.ids[static_cast<std::size_t>(pick.place)]);
    if (found.precision_at_half == 0 && 2 * right >= study.relevant.size()) {
      found.precision_at_half = static_cast<double>(right) / static_cast<double>(picked);
    }
  }
  found.picked = static_cast<double>(picked) / static_cast<double>(study.relevant.size());
  return found;
}

TEST(Coreset, FindsTheRelevantPartOfAPoolAndStopsNearItsEndWhereGroupsAreTight) {
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    const Found found = found_in(study_of(12000, 64, 20, 0.3, seed), 0.95);

    EXPECT_EQ(found.stop, CoresetStop::kGain);
    EXPECT_GT(found.precision_at_half, 0.9);
    EXPECT_NEAR(found.picked, 1, 0.2);
  }
}

// The rule of 5 % takes the spread inside the groups for their end.
TEST(Coreset, FindsTheRelevantPartOfLooseGroupsButStopsEarly) {
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    const Study study = study_of(4000, 64, 20, 0.8, seed);
    const Found stopped = found_in(study, 0.95);

    EXPECT_GT(found_in(study, 0).precision_at_half, 0.9);
    EXPECT_LT(stopped.picked, 1);
  }
}

TEST(Coreset, PicksTheSameWhateverTheOrderOfThePool) {
  Study study = study_of(1500, 16, 8, 0.5, 4);
  // Rows that occur several times tie exactly; their ids decide.
  for (std::size_t row = 2; row < 600; ++row) {
    std::copy_n(study.pool.values.begin(),
                16,
                study.pool.values.begin() + static_cast<std::int64_t>(row / 2 * 2) * 16);
  }
  const Pool other = shuffled(study.pool);
  const UnitRows target{study.target, 16};
  for (const std::int64_t per_patient : {0, 1}) {
    const CoresetOptions options{
        .centroids = 8, .budget = 150, .per_patient = per_patient, .seed = 1, .candidates = 10};

    const CoresetResult one = choose_coreset(target, study.pool.view(), options);
    const CoresetResult two = choose_coreset(target, other.view(), options);

    EXPECT_EQ(one.picks.size(), 150U);
    EXPECT_EQ(listed(one, study.pool), listed(two, other));
    EXPECT_EQ(one.round_gain, two.round_gain);
  }
}

TEST(Coreset, KeepsTheStrongestClaimsOfTheRoundThatFillsTheBudget) {
  const std::vector<float> target{1, 0, 0, 1};
  const Pool pool{{0.8F, 0.6F, 0, 1}, {"a", "b"}, {}, 2};

  const CoresetResult result =
      choose_coreset({target, 2}, pool.view(), {.centroids = 0, .budget = 1});

  ASSERT_EQ(result.picks.size(), 1U);
  EXPECT_EQ(result.picks[0].place, 1);
  EXPECT_EQ(result.picks[0].centroid, 1);
  EXPECT_EQ(result.picks[0].cosine, 1);
  EXPECT_EQ(result.picks[0].round, 1);
  EXPECT_EQ(result.stop, CoresetStop::kBudget);
}

TEST(Coreset, RefusesWhatDoesNotFitTogether) {
  const std::vector<float> target{1, 0, 0, 1};
  const Pool good{{1, 0, 0, 1}, {"a", "b"}, {}, 2};
  Pool twice = good, short_ids = good, wide = good, broken = good;
  twice.ids[1] = "a";
  short_ids.ids.pop_back();
  wide.values = {1, 0, 0, 0, 1, 0};
  wide.columns = 3;
  broken.values[0] = std::nanf("");
  const UnitRows rows{target, 2};

  EXPECT_THROW((void)choose_coreset(rows, twice.view(), {}), Error);
  EXPECT_THROW((void)choose_coreset(rows, short_ids.view(), {}), Error);
  EXPECT_THROW((void)choose_coreset(rows, wide.view(), {}), Error);
  EXPECT_THROW((void)choose_coreset(rows, broken.view(), {}), Error);
  EXPECT_THROW((void)choose_coreset({{}, 2}, good.view(), {}), Error);
  EXPECT_THROW((void)choose_coreset(rows, good.view(), {.per_patient = 1}), Error);
  EXPECT_THROW((void)choose_coreset(rows, good.view(), {.centroids = -1}), Error);
  EXPECT_THROW((void)choose_coreset(rows, good.view(), {.stop_ratio = std::nan("")}), Error);
}

}  // namespace
}  // namespace marrow
