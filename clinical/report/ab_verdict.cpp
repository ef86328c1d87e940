#include "clinical/report/ab_verdict.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include <fmt/format.h>

#include "clinical/report/reduction_sections.h"

namespace marrow {

namespace {

// z with P(|Z| <= z) = level, by bisection: erfc has no inverse in the standard library.
double normal_half_width(double level) {
  double low = 0, high = 40;
  for (int step = 0; step < 100; ++step) {
    const double middle = (low + high) / 2;
    (std::erfc(middle / std::numbers::sqrt2) > 1 - level ? low : high) = middle;
  }
  return low;
}

bool any_score(const AbData& data, const std::string& metric, bool difference) {
  return std::any_of(data.rows.begin(), data.rows.end(), [&](const AbRow& row) {
    const AbScore* score = find_score(row, metric);
    return score != nullptr && (difference ? score->to_all.known() : score->value.known());
  });
}

std::string budget_words(const std::string& budget) {
  return budget == "epochs" ? "at equal epochs" : "at equal training steps";
}

// "worse in 3 of 10 comparisons at equal training steps, by up to 0.051 AUROC"
std::string clear_words(const AbTally& tally, const std::string& budget) {
  const auto one = [&](const char* word, std::int64_t count, double amount) {
    return fmt::format("{} in {} of {} (by {}{} {})",
                       word,
                       count,
                       counted_text(tally.comparisons, "comparison", "comparisons"),
                       count > 1 ? "up to " : "",
                       fixed_text(amount, 3),
                       tally.metric);
  };
  std::string words;
  if (tally.clearly_worse > 0) {
    words = one("worse", tally.clearly_worse, tally.clear_loss);
  }
  if (tally.clearly_better > 0) {
    words += (words.empty() ? "" : " and ") + one("better", tally.clearly_better, tally.clear_gain);
  }
  return words + " " + budget_words(budget);
}

std::string unclear_words(const AbTally& tally, const std::string& budget) {
  const std::string which = tally.worse == 0 ? "better"
                            : tally.better == 0
                                ? "worse"
                                : fmt::format("{} better, {} worse", tally.better, tally.worse);
  return fmt::format("no clear difference {}; {} of {} {} 0 ({}), as chance can do",
                     budget_words(budget),
                     tally.better + tally.worse,
                     counted_text(tally.comparisons, "interval", "intervals"),
                     tally.better + tally.worse == 1 ? "excludes" : "exclude",
                     which);
}

}  // namespace

const AbScore* find_score(const AbRow& row, const std::string& metric) {
  const auto found = std::find_if(row.scores.begin(), row.scores.end(), [&](const AbScore& score) {
    return score.metric == metric;
  });
  return found == row.scores.end() ? nullptr : &*found;
}

std::string leading_metric(const AbData& data) {
  for (const bool difference : {true, false}) {
    for (const char* metric : {"macro_auroc", "balanced_accuracy", "accuracy"}) {
      if (any_score(data, metric, difference)) {
        return metric;
      }
    }
  }
  return {};
}

std::string leading_probe(const AbInput& input) {
  std::string first;
  for (const AbData& data : input.probes) {
    for (const AbRow& row : data.rows) {
      if (row.probe == "linear") {
        return row.probe;
      }
      first = first.empty() ? row.probe : first;
    }
  }
  return first;
}

std::string metric_words(const std::string& metric) {
  std::string words = metric == "macro_auroc" ? "AUROC" : metric == "macro_f1" ? "F1" : metric;
  std::replace(words.begin(), words.end(), '_', ' ');
  return words;
}

AbMark difference_mark(const Estimate& to_all, std::int64_t comparisons, double level) {
  if (!to_all.known() || !to_all.has_interval()) {
    return AbMark::kUnknown;
  }
  const bool better = to_all.low > 0;
  if (!better && !(to_all.high < 0)) {
    return AbMark::kNone;
  }
  const double wanted =
      1 - (1 - level) / static_cast<double>(std::max<std::int64_t>(1, comparisons));
  const double longer = normal_half_width(wanted) / normal_half_width(level);
  const double near = better ? to_all.low : to_all.high;
  const double end = to_all.value + (near - to_all.value) * longer;
  if (better) {
    return end > 0 ? AbMark::kClearlyBetter : AbMark::kBetter;
  }
  return end < 0 ? AbMark::kClearlyWorse : AbMark::kWorse;
}

AbTally tally_differences(const AbInput& input,
                          const std::string& arm,
                          const std::string& budget,
                          const std::string& probe) {
  AbTally tally;
  std::vector<Estimate> differences;
  for (const AbData& data : input.probes) {
    const std::string metric = leading_metric(data);
    for (const AbRow& row : data.rows) {
      const AbScore* score = find_score(row, metric);
      if (score != nullptr && row.arm == arm && row.budget == budget && row.probe == probe &&
          difference_mark(score->to_all, 1, input.level) != AbMark::kUnknown) {
        differences.push_back(score->to_all);
        const std::string words = metric_words(metric);
        tally.metric = tally.metric.empty() || tally.metric == words ? words : "score";
      }
    }
  }
  tally.comparisons = std::ssize(differences);
  for (const Estimate& one : differences) {
    const AbMark mark = difference_mark(one, tally.comparisons, input.level);
    const bool clear = mark == AbMark::kClearlyBetter || mark == AbMark::kClearlyWorse;
    if (mark == AbMark::kBetter || mark == AbMark::kClearlyBetter) {
      ++tally.better;
      tally.gain = std::max(tally.gain, one.value);
      tally.clearly_better += clear ? 1 : 0;
      tally.clear_gain = std::max(tally.clear_gain, clear ? one.value : 0);
    } else if (mark == AbMark::kWorse || mark == AbMark::kClearlyWorse) {
      ++tally.worse;
      tally.loss = std::max(tally.loss, -one.value);
      tally.clearly_worse += clear ? 1 : 0;
      tally.clear_loss = std::max(tally.clear_loss, clear ? -one.value : 0);
    }
    tally.not_ruled_out = std::max(tally.not_ruled_out, -one.low);
  }
  return tally;
}

std::string verdict_words(const AbTally& tally) {
  if (tally.comparisons == 0) {
    return "not compared";
  }
  if (tally.clearly_better > 0 && tally.clearly_worse > 0) {
    return "better and worse";
  }
  if (tally.clearly_better + tally.clearly_worse > 0) {
    return fmt::format("{} in {} of {}",
                       tally.clearly_better > 0 ? "better" : "worse",
                       tally.clearly_better + tally.clearly_worse,
                       tally.comparisons);
  }
  return tally.better + tally.worse > 0 ? "no clear difference" : "no difference shown";
}

std::string ab_title(const AbInput& input) {
  std::int64_t all = 0, reduced = 0;
  for (const AbArm& arm : input.arms) {
    all = arm.name == "all" ? arm.samples : all;
    reduced = arm.name == "reduced" ? arm.samples : reduced;
  }
  const bool known = all > 0 && reduced > 0 && reduced <= all;
  const std::string subject =
      known ? fmt::format("Leaving out {} of the {}", share_text(all - reduced, all), input.unit)
            : "Leaving out " + input.unit;
  const std::string probe = leading_probe(input);
  std::string budget = "steps";
  AbTally tally = tally_differences(input, "reduced", budget, probe);
  if (tally.comparisons == 0) {
    budget = "epochs";
    tally = tally_differences(input, "reduced", budget, probe);
  }
  if (tally.comparisons == 0) {
    return subject + ": not compared with training on all of them";
  }
  if (tally.clearly_better + tally.clearly_worse > 0) {
    return subject + ": " + clear_words(tally, budget);
  }
  if (tally.better + tally.worse > 0) {
    return subject + ": " + unclear_words(tally, budget);
  }
  const std::string shown = subject + ": no difference shown " + budget_words(budget);
  // Intervals that end at 0 are those of probes that got everything right on both sides: they bound
  // nothing.
  return tally.not_ruled_out > 0 ? fmt::format("{}, but drops of up to {} {} are not ruled out",
                                               shown,
                                               bound_text(tally.not_ruled_out),
                                               tally.metric)
                                 : shown;
}

std::string bound_text(double amount) {
  // The tolerance keeps 0.05 from becoming 0.051 by the last bit of its binary form.
  return fixed_text(std::ceil(amount * 1000 - 1e-9) / 1000, 3);
}

}  // namespace marrow
