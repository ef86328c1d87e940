#include <algorithm>
#include <cmath>
#include <map>

#include "clinical/report/chart.h"
#include "clinical/report/report_sections.h"

namespace marrow {

namespace {

constexpr std::size_t kCurvePoints = 160;
constexpr std::size_t kMostCurves = 12;  // of one run
constexpr double kLogSpan = 30;          // a wider range of a positive curve is drawn on a log axis

struct CurveWords {
  const char* title;
  const char* axis;
  const char* unit;
};

// Words for the columns that every run writes; other columns keep their own name.
CurveWords curve_words(const std::string& name) {
  static const std::map<std::string, CurveWords> kWords{
      {"loss", {"Training loss", "loss", ""}},
      {"val_loss", {"Validation loss", "loss", ""}},
      {"validation_loss", {"Validation loss", "loss", ""}},
      {"val_dice", {"Validation Dice", "Dice", ""}},
      {"validation_dice", {"Validation Dice", "Dice", ""}},
      {"validation_auroc", {"Validation AUROC", "AUROC", ""}},
      {"validation_accuracy", {"Validation accuracy", "accuracy", ""}},
      {"accuracy", {"Accuracy in training", "accuracy", ""}},
      {"validation", {"Validation score", "score", ""}},
      {"cross_entropy", {"Cross-entropy in training", "cross-entropy", ""}},
      {"dice", {"Soft Dice in training", "soft Dice", ""}},
      {"lr", {"Learning rate", "learning rate", ""}},
      {"learning_rate", {"Learning rate", "learning rate", ""}},
      {"grad_norm", {"Gradient norm", "gradient norm", ""}},
      {"rank", {"Effective rank of the features", "rank", ""}},
      {"feature_rank", {"Effective rank of the features", "rank", ""}},
      {"feature_std", {"Spread of the features", "standard deviation", ""}},
      {"samples_per_second", {"Speed", "speed", "patches per second"}},
  };
  const auto found = kWords.find(name);
  return found == kWords.end() ? CurveWords{nullptr, nullptr, ""} : found->second;
}

// Bookkeeping that says nothing about learning.
bool is_bookkeeping(const std::string& name) {
  static constexpr const char* kNames[] = {"epoch",
                                           "seconds",
                                           "time",
                                           "wall",
                                           "wall_seconds",
                                           "elapsed",
                                           "elapsed_s",
                                           "peak_rss_mb",
                                           "waiting",
                                           "overhead",
                                           "seed"};
  return std::any_of(
      std::begin(kNames), std::end(kNames), [&](const char* known) { return name == known; });
}

LineSeries line_of(const MetricCurve& curve, const std::string& name) {
  const MetricCurve few = thinned(curve, kCurvePoints);
  LineSeries line;
  line.name = name;
  line.x = few.step;
  for (const double value : few.value) {
    line.y.push_back({value});
  }
  return line;
}

AxisScale curve_scale(const std::vector<const MetricCurve*>& curves) {
  double low = std::numeric_limits<double>::infinity();
  double high = 0;
  for (const MetricCurve* curve : curves) {
    for (const double value : thinned(*curve, kCurvePoints).value) {
      low = std::min(low, value);
      high = std::max(high, value);
    }
  }
  return low > 0 && high / low > kLogSpan ? AxisScale::kLog : AxisScale::kLinear;
}

Html run_charts(const LearningCurves& run) {
  Html charts;
  std::size_t drawn = 0;
  for (const MetricCurve& curve : run.curves) {
    const bool constant = std::all_of(curve.value.begin(), curve.value.end(), [&](double value) {
      return value == curve.value.front();
    });
    if (curve.step.size() < 2 || constant || is_bookkeeping(curve.name) || drawn == kMostCurves) {
      continue;
    }
    const CurveWords words = curve_words(curve.name);
    const bool is_rate = curve.name == "lr" || curve.name == "learning_rate";
    // Both runs follow one schedule.
    const MetricCurve* compared = is_rate ? nullptr : find_curve(run.compared, curve.name);
    LineChart chart;
    chart.title = words.title == nullptr ? curve.name : words.title;
    chart.x = {"step", "", AxisScale::kLinear, 0, curve.step.back()};
    chart.y = {words.axis == nullptr ? curve.name : words.axis, words.unit};
    std::vector<const MetricCurve*> all{&curve};
    if (compared != nullptr && !compared->step.empty()) {
      all.push_back(compared);
      chart.x.high = std::max(chart.x.high, compared->step.back());
    }
    chart.y.scale = is_rate ? AxisScale::kLinear : curve_scale(all);
    chart.series.push_back(line_of(curve, all.size() > 1 ? "pretrained" : ""));
    if (all.size() > 1) {
      chart.series.push_back(line_of(*compared, "from scratch"));
    }
    chart.description = run.title + ", " + chart.title + " over steps, from " +
                        number_text(curve.value.front()) + " at step " +
                        number_text(curve.step.front()) + " to " + number_text(curve.value.back()) +
                        " at step " + number_text(curve.step.back());
    charts += line_chart(chart);
    ++drawn;
  }
  if (charts.empty()) {
    return {};
  }
  return html_element("h3", html_text(run.title)) +
         html_element("div", {{"class", "charts"}}, charts) + html_code("\n");
}

Html label_curve_chart(const std::vector<LabelCurve>& curves, const std::string& score) {
  LineChart chart;
  chart.title = "Score against number of labelled cases";
  chart.description =
      score +
      " against the number of labelled cases, one line for each start, bands are 95 % "
      "intervals";
  chart.x = {"labelled cases", "", AxisScale::kLog};
  chart.y = {score, ""};
  for (const LabelCurve& curve : curves) {
    chart.series.push_back({curve.name, curve.labels, curve.scores});
  }
  const Html figure = line_chart(chart);
  return figure.empty() ? Html{}
                        : html_element("h3", html_text("How many labels")) +
                              html_element("div", {{"class", "charts"}}, figure) + html_code("\n");
}

}  // namespace

Html report_learning(const ReportInput& input) {
  Html content = label_curve_chart(
      input.label_curves, input.kind == ReportKind::kClassification ? "AUROC" : "mean Dice");
  bool thinned_any = false;
  for (const LearningCurves& run : input.learning) {
    content += run_charts(run);
    thinned_any =
        thinned_any || std::any_of(run.curves.begin(), run.curves.end(), [](const auto& c) {
          return c.step.size() > kCurvePoints;
        });
  }
  if (thinned_any) {
    content += html_element(
        "p",
        {{"class", "quiet"}},
        html_text("Curves with more than " + std::to_string(kCurvePoints) +
                  " rows show means of neighbouring rows; metrics.jsonl holds all of them."));
  }
  return content;
}

}  // namespace marrow
