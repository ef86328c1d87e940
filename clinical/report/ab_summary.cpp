#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "clinical/report/ab_sections.h"
#include "clinical/report/ab_verdict.h"

namespace marrow {

namespace {

Html unbroken_words(const std::string& words) {
  return html_element("span", {{"class", "unbroken"}}, html_text(words));
}

// With more seeds than this a range is read more easily than a list.
constexpr std::size_t kListedSeeds = 5;

// More data sets than this do not get a column each.
constexpr std::size_t kListedSets = 3;

AbInput one_data_set(const AbInput& input, const AbData& data) {
  AbInput alone;
  alone.level = input.level;
  alone.probes = {data};
  return alone;
}

struct SeedValues {
  std::vector<double> values;  // finite ones

  [[nodiscard]] double mean() const {
    double sum = 0;
    for (const double value : values) {
      sum += value;
    }
    return values.empty() ? std::nan("") : sum / static_cast<double>(values.size());
  }
};

// "0.344" and small "0.339, 0.349".
template <class Words>
Html seed_cell(const SeedValues& seeds, const Words& words) {
  Html cell = html_text(words(seeds.mean()));
  if (seeds.values.size() < 2) {
    return cell;
  }
  std::string each;
  if (seeds.values.size() > kListedSeeds) {
    const auto [low, high] = std::minmax_element(seeds.values.begin(), seeds.values.end());
    each = words(*low) + " to " + words(*high);
  } else {
    for (const double value : seeds.values) {
      each += (each.empty() ? "" : ", ") + words(value);
    }
  }
  return html_element("span", cell + html_text(" ") + html_element("small", html_text(each)));
}

const AbArm* find_arm(const AbInput& input, const std::string& name) {
  const auto found = std::find_if(
      input.arms.begin(), input.arms.end(), [&](const AbArm& arm) { return arm.name == name; });
  return found == input.arms.end() ? nullptr : &*found;
}

std::string budget_text(const std::string& budget) {
  return budget == "steps"    ? "equal steps"
         : budget == "epochs" ? "equal epochs"
         : budget == "both"   ? "reference"
                              : budget;
}

void add_row(const AbInput& input, const AbSeries& series, HtmlTable& table) {
  SeedValues loss, seconds;
  std::int64_t steps = 0;
  bool resumed = false;
  for (const AbPretraining& one : input.pretrained) {
    if (one.arm != series.first || one.budget != series.second) {
      continue;
    }
    steps = one.steps;
    resumed = resumed || one.resumed;
    if (std::isfinite(one.loss)) {
      loss.values.push_back(one.loss);
    }
    if (std::isfinite(one.seconds) && !one.resumed) {
      seconds.values.push_back(one.seconds);
    }
  }
  const AbArm* arm = find_arm(input, series.first);
  const std::int64_t samples = arm == nullptr ? 0 : arm->samples;
  const double passes =
      samples > 0 ? static_cast<double>(steps * input.batch_size) / static_cast<double>(samples)
                  : std::nan("");
  Html time = seed_cell(seconds, seconds_text);
  if (resumed) {
    time += html_text(" ") + html_element("small", html_text("without resumed ones"));
  }
  table.rows.push_back({html_text(series.first),
                        html_text(budget_text(series.second)),
                        html_text(samples > 0 ? count_text(samples) : "–"),
                        html_text(count_text(steps)),
                        html_text(passes > 0 ? fixed_text(passes, 1) : "–"),
                        html_element("span", time),
                        seed_cell(loss, [](double value) { return number_text(value, 3); })});
}

}  // namespace

std::vector<AbSeries> ab_series(const AbInput& input) {
  std::vector<AbSeries> series;
  for (const AbData& data : input.probes) {
    for (const AbRow& row : data.rows) {
      const AbSeries one{row.arm, row.budget};
      if (std::find(series.begin(), series.end(), one) == series.end()) {
        series.push_back(one);
      }
    }
  }
  return series;
}

std::string ab_series_words(const AbSeries& series) {
  return series.second == "steps" || series.second == "epochs" ? series.first + ", " + series.second
                                                               : series.first;
}

std::string ab_probe_words(const std::string& probe) {
  return probe == "linear" ? "linear probe" : probe == "knn" ? "nearest neighbours" : probe;
}

std::vector<std::string> ab_probes(const AbInput& input) {
  std::vector<std::string> probes;
  if (const std::string first = leading_probe(input); !first.empty()) {
    probes.push_back(first);
  }
  for (const AbData& data : input.probes) {
    for (const AbRow& row : data.rows) {
      if (std::find(probes.begin(), probes.end(), row.probe) == probes.end()) {
        probes.push_back(row.probe);
      }
    }
  }
  return probes;
}

std::string ab_level_text(const AbInput& input) {
  return fmt::format("{:g} %", 100 * input.level);
}

double ab_mean_seconds(const AbInput& input, const AbSeries& series) {
  SeedValues seconds;
  for (const AbPretraining& one : input.pretrained) {
    if (one.arm == series.first && one.budget == series.second && !one.resumed &&
        std::isfinite(one.seconds)) {
      seconds.values.push_back(one.seconds);
    }
  }
  return seconds.mean();
}

Html ab_verdicts(const AbInput& input) {
  const std::string probe = leading_probe(input);
  HtmlTable table;
  table.caption = "Each encoder against training on all, " + ab_probe_words(probe);
  table.columns = {{"Encoder", "", false},
                   {"In words", "", false},
                   {"Better", "above 0", true},
                   {"Worse", "below 0", true}};
  table.long_cells = true;
  // A column a data set tells what each can show; many of them tell nothing at a glance.
  std::vector<AbInput> columns;
  if (input.probes.size() > kListedSets) {
    columns = {input};
    table.columns.push_back({"Possible drop", "lowest interval end", true});
  } else {
    for (const AbData& data : input.probes) {
      columns.push_back(one_data_set(input, data));
      const std::string metric = metric_words(leading_metric(data));
      table.columns.push_back({"Possible drop, " + data.name,
                               "lowest interval end" + (metric.empty() ? "" : ", " + metric),
                               true});
    }
  }
  const auto counts = [](std::int64_t excluding, std::int64_t clear, std::int64_t comparisons) {
    return unbroken_words(comparisons == 0
                              ? "–"
                              : fmt::format("{} of {}", excluding, comparisons) +
                                    (excluding > 0 ? fmt::format(", {} clearly", clear) : ""));
  };
  for (const AbSeries& series : ab_series(input)) {
    if (series.first == "all") {
      continue;
    }
    const AbTally tally = tally_differences(input, series.first, series.second, probe);
    std::vector<Html> row{unbroken_words(ab_series_words(series)),
                          unbroken_words(verdict_words(tally)),
                          counts(tally.better, tally.clearly_better, tally.comparisons),
                          counts(tally.worse, tally.clearly_worse, tally.comparisons)};
    for (const AbInput& column : columns) {
      const AbTally part = tally_differences(column, series.first, series.second, probe);
      row.push_back(html_text(part.comparisons == 0 ? "–" : bound_text(part.not_ruled_out)));
    }
    table.rows.push_back(std::move(row));
  }
  if (table.rows.empty()) {
    return {};
  }
  return html_table(table) +
         html_paragraph(fmt::format(
             "Counted are data sets times numbers of labels. The intervals are not corrected for "
             "their number: where nothing differs, about one in {:.0f} still excludes 0. A "
             "difference counts as clear when its {} interval would exclude 0 even if its near "
             "side were as much longer as a normal interval for all comparisons of its row "
             "together (Bonferroni). No difference shown is not the same as no difference.",
             1 / std::max(1e-3, 1 - input.level),
             ab_level_text(input)));
}

Html ab_pretrainings(const AbInput& input) {
  HtmlTable table;
  table.columns = {{"Arm", "", false},
                   {"Budget", "", false},
                   {input.unit == "volumes" ? "Volumes" : "Slices", "that an epoch visits", true},
                   {"Steps", "", true},
                   {"Passes", "how often each is seen", true},
                   {"Time", "mean, then each seed", true},
                   {"Loss", "at the end; mean, then each seed", true}};
  std::vector<AbSeries> done;
  for (const AbPretraining& one : input.pretrained) {
    const AbSeries series{one.arm, one.budget};
    if (std::find(done.begin(), done.end(), series) == done.end()) {
      done.push_back(series);
      add_row(input, series, table);
    }
  }
  if (table.rows.empty()) {
    return {};
  }
  Html content =
      html_table(table) +
      html_paragraph(
          "Losses are of each arm's own data and do not tell which encoder is better: what is left "
          "may be easier or harder to restore. Times are those of this machine, with whatever else "
          "it did.");
  std::string decisions;
  for (const AbArm& arm : input.arms) {
    if (!arm.decision.empty() && arm.name != "all") {
      decisions += (decisions.empty() ? "" : ", ") + arm.name + " " + arm.decision;
    }
  }
  if (!decisions.empty()) {
    content += html_element("p", {{"class", "quiet"}}, html_text("Decisions: " + decisions + "."));
  }
  return content;
}

}  // namespace marrow
