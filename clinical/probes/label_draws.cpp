#include "clinical/probes/label_draws.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <span>
#include <tuple>

#include <fmt/format.h>

#include "core/digest.h"
#include "core/error.h"
#include "core/rng.h"

namespace marrow {

namespace {

std::uint64_t drawn_number(std::uint64_t seed,
                           std::string_view purpose,
                           std::int64_t draw,
                           const std::string& name) {
  return derive_seed(
      seed, purpose, {static_cast<std::uint64_t>(draw), xxh3(std::as_bytes(std::span(name)))});
}

// From the one with the fewest rows.
std::vector<std::size_t> rarest_first(const std::vector<std::vector<std::size_t>>& strata) {
  std::vector<std::size_t> order(strata.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return strata[a].size() < strata[b].size();
  });
  return order;
}

struct DrawnOrder {
  std::vector<std::string> patients;
  std::vector<std::uint64_t> patient_numbers;
  std::vector<std::uint64_t> row_numbers;
};

// The rows of one stratum in the order in which they get labels.
std::vector<std::size_t> labelling_order(std::vector<std::size_t> rows,
                                         const FeatureSet& train,
                                         const DrawnOrder& drawn,
                                         bool patients_in_turn) {
  const auto by_patient = [&](std::size_t row) {
    return std::tie(
        drawn.patient_numbers[row], drawn.patients[row], drawn.row_numbers[row], train.keys[row]);
  };
  std::sort(rows.begin(), rows.end(), [&](std::size_t a, std::size_t b) {
    return by_patient(a) < by_patient(b);
  });
  if (!patients_in_turn) {
    return rows;
  }
  std::map<std::string, std::size_t> taken;
  std::vector<std::pair<std::size_t, std::size_t>> in_turn;
  for (const std::size_t row : rows) {
    in_turn.emplace_back(taken[drawn.patients[row]]++, row);
  }
  std::stable_sort(in_turn.begin(), in_turn.end(), [](const auto& a, const auto& b) {
    return a.first < b.first;
  });
  std::transform(
      in_turn.begin(), in_turn.end(), rows.begin(), [](const auto& turn) { return turn.second; });
  return rows;
}

// Patients that may be held out, in an order by chance, each under the rarest stratum that he has.
struct FoldGroup {
  std::size_t stratum_rank = 0;
  std::uint64_t number = 0;
  std::vector<std::size_t> rows;
};

}  // namespace

std::string LabelBudget::text() const {
  return per_class > 0 ? fmt::format("{} per class", per_class)
                       : fmt::format("{:.4g} % of the cases", 100.0 * fraction);
}

std::vector<std::size_t> draw_labels(const FeatureSet& train,
                                     const LabelBudget& budget,
                                     std::uint64_t seed,
                                     std::int64_t draw) {
  if (budget.per_class < 1 && !(budget.fraction > 0 && budget.fraction <= 1)) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("label budget: expected at least one label per class, or a fraction "
                            "above 0 and at most 1, found {} and {}; give one of the two",
                            budget.per_class,
                            budget.fraction));
  }
  DrawnOrder drawn;
  drawn.patients = patient_names(train);
  for (std::size_t row = 0; row < train.keys.size(); ++row) {
    drawn.patient_numbers.push_back(
        drawn_number(seed, "probe_patients", draw, drawn.patients[row]));
    drawn.row_numbers.push_back(drawn_number(seed, "probe_cases", draw, train.keys[row]));
  }
  const auto strata = rows_of_strata(train);
  std::vector<bool> chosen(train.keys.size(), false);
  for (const std::size_t stratum : rarest_first(strata)) {
    const std::vector<std::size_t>& rows = strata[stratum];
    const auto wanted =
        budget.per_class > 0
            ? budget.per_class
            : std::max<std::int64_t>(
                  1, std::llround(budget.fraction * static_cast<double>(rows.size())));
    auto have = static_cast<std::int64_t>(
        std::count_if(rows.begin(), rows.end(), [&](std::size_t row) { return chosen[row]; }));
    for (const std::size_t row :
         labelling_order(rows, train, drawn, /*patients_in_turn=*/budget.per_class > 0)) {
      if (have >= wanted) {
        break;
      }
      have += chosen[row] ? 0 : 1;
      chosen[row] = true;
    }
  }
  std::vector<std::size_t> labelled;
  for (const std::size_t row : rows_by_key(train)) {
    if (chosen[row]) {
      labelled.push_back(row);
    }
  }
  return labelled;
}

std::vector<std::int64_t> stratified_folds(const FeatureSet& train,
                                           std::int64_t folds,
                                           std::uint64_t seed) {
  const std::vector<std::string> patients = patient_names(train);
  const auto strata = rows_of_strata(train);
  const std::vector<std::size_t> ranked = rarest_first(strata);
  std::map<std::string, FoldGroup> groups;
  for (std::size_t row = 0; row < patients.size(); ++row) {
    groups[patients[row]].rows.push_back(row);
  }
  std::vector<std::vector<std::size_t>> strata_of(patients.size());
  std::set<std::string> needed;
  for (std::size_t rank = ranked.size(); rank-- > 0;) {
    std::set<std::string> having;
    for (const std::size_t row : strata[ranked[rank]]) {
      strata_of[row].push_back(ranked[rank]);
      groups[patients[row]].stratum_rank = rank;
      having.insert(patients[row]);
    }
    if (having.size() == 1) {
      needed.insert(*having.begin());
    }
  }
  std::vector<FoldGroup> held_out;
  std::vector<std::int64_t> per_stratum(strata.size(), 0);
  for (auto& [name, group] : groups) {
    if (!needed.contains(name)) {
      group.number = drawn_number(seed, "probe_folds", 0, name);
      ++per_stratum[group.stratum_rank];
      held_out.push_back(std::move(group));
    }
  }
  const std::int64_t count =
      std::min(folds, *std::max_element(per_stratum.begin(), per_stratum.end()));
  if (count < 2) {
    return {};
  }
  std::stable_sort(held_out.begin(), held_out.end(), [](const auto& a, const auto& b) {
    return std::tie(a.stratum_rank, a.number) < std::tie(b.stratum_rank, b.number);
  });
  // Of each fold: rows of each stratum, and all rows.
  std::vector<std::vector<std::size_t>> filled(static_cast<std::size_t>(count),
                                               std::vector<std::size_t>(strata.size() + 1, 0));
  std::vector<std::int64_t> fold_of(patients.size(), -1);
  for (const FoldGroup& group : held_out) {
    const std::size_t own = ranked[group.stratum_rank];
    const auto emptiest =
        std::min_element(filled.begin(), filled.end(), [&](const auto& a, const auto& b) {
          return std::tie(a[own], a.back()) < std::tie(b[own], b.back());
        });
    for (const std::size_t row : group.rows) {
      fold_of[row] = emptiest - filled.begin();
      ++emptiest->back();
      for (const std::size_t stratum : strata_of[row]) {
        ++(*emptiest)[stratum];
      }
    }
  }
  return fold_of;
}

}  // namespace marrow
