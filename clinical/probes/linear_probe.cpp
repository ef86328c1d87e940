#include "clinical/probes/linear_probe.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <Eigen/QR>
#include <fmt/format.h>

#include "clinical/probes/label_draws.h"
#include "core/error.h"

namespace marrow {

namespace {

// Choosing between powers of ten takes no more.
constexpr double kFoldTolerance = 1e-5;

// One logistic regression: which of its classes each row has.
struct ProbeTask {
  std::vector<std::int64_t> labels;
  std::int64_t classes = 2;
};

// Rows of `all` that `wanted` names; with every class of the task among them or not.
ProbeTask task_of_rows(const ProbeTask& all, const std::vector<Eigen::Index>& wanted) {
  ProbeTask task{{}, all.classes};
  for (const Eigen::Index row : wanted) {
    task.labels.push_back(all.labels[static_cast<std::size_t>(row)]);
  }
  return task;
}

std::vector<std::int64_t> counts_of(const ProbeTask& task) {
  std::vector<std::int64_t> counts(static_cast<std::size_t>(task.classes), 0);
  for (const std::int64_t label : task.labels) {
    ++counts[static_cast<std::size_t>(label)];
  }
  return counts;
}

Eigen::VectorXd weights_of_rows(const ProbeTask& task, bool balanced) {
  const auto n = static_cast<Eigen::Index>(task.labels.size());
  Eigen::VectorXd weights = Eigen::VectorXd::Ones(n);
  if (balanced) {
    const auto counts = counts_of(task);
    const auto present =
        counts.size() - static_cast<std::size_t>(std::count(counts.begin(), counts.end(), 0));
    for (Eigen::Index row = 0; row < n; ++row) {
      const auto own = static_cast<std::size_t>(task.labels[static_cast<std::size_t>(row)]);
      weights[row] = static_cast<double>(n) /
                     (static_cast<double>(present) * static_cast<double>(counts[own]));
    }
  }
  return weights;
}

std::vector<ProbeTask> tasks_of(const FeatureSet& labelled, LinearProbe& probe) {
  const std::size_t n = labelled.rows();
  std::vector<ProbeTask> tasks;
  std::vector<std::int64_t> place(static_cast<std::size_t>(labelled.classes), -1);
  for (std::int64_t k = 0; k < labelled.classes; ++k) {
    ProbeTask task;
    std::size_t positives = 0;
    for (std::size_t row = 0; row < n; ++row) {
      task.labels.push_back(labelled.is_positive(row, k) ? 1 : 0);
      positives += labelled.is_positive(row, k) ? 1 : 0;
    }
    probe.constant.push_back(positives == n ? 1.0 : 0.0);
    if (positives > 0 && (!labelled.multi_label() || positives < n)) {
      place[static_cast<std::size_t>(k)] = static_cast<std::int64_t>(probe.fitted.size());
      probe.fitted.push_back(k);
      tasks.push_back(std::move(task));
    }
  }
  if (labelled.multi_label()) {
    return tasks;
  }
  ProbeTask all{{}, static_cast<std::int64_t>(probe.fitted.size())};
  for (const std::int64_t label : labelled.labels) {
    all.labels.push_back(place[static_cast<std::size_t>(label)]);
  }
  return {all};
}

struct HeldOutLoss {
  std::vector<double> sums;  // one for each C
  double rows = 0;
};

void add_fold(const Eigen::MatrixXd& rows,
              const ProbeTask& task,
              const std::vector<std::int64_t>& fold_of,
              std::int64_t fold,
              const LinearOptions& options,
              HeldOutLoss& loss) {
  std::vector<Eigen::Index> training;
  std::vector<Eigen::Index> held_out;
  for (std::size_t row = 0; row < fold_of.size(); ++row) {
    (fold_of[row] == fold ? held_out : training).push_back(static_cast<Eigen::Index>(row));
  }
  const ProbeTask seen = task_of_rows(task, training);
  const auto counts = counts_of(seen);
  // The folds of several findings are the same ones, so one of them may leave nothing to learn
  // from.
  if (std::count_if(counts.begin(), counts.end(), [](auto count) { return count > 0; }) < 2) {
    return;
  }
  const Eigen::MatrixXd seen_rows = rows(training, Eigen::all);
  const Eigen::MatrixXd asked_rows = rows(held_out, Eigen::all);
  const Eigen::VectorXd weights = weights_of_rows(seen, options.balanced);
  LogisticModel model;
  for (std::size_t n = 0; n < options.c_grid.size(); ++n) {
    model = fit_logistic(
        seen_rows,
        seen.labels,
        seen.classes,
        weights,
        {.c = options.c_grid[n], .tolerance = kFoldTolerance, .start = n > 0 ? &model : nullptr});
    const Eigen::MatrixXd shares = class_probabilities(model, asked_rows);
    for (std::size_t row = 0; row < held_out.size(); ++row) {
      const std::int64_t own = task.labels[static_cast<std::size_t>(held_out[row])];
      loss.sums[n] -= std::log(std::max(shares(static_cast<Eigen::Index>(row), own), 1e-15));
    }
  }
  loss.rows += static_cast<double>(held_out.size());
}

void choose_c(const Eigen::MatrixXd& rows,
              const std::vector<ProbeTask>& tasks,
              const FeatureSet& labelled,
              const LinearOptions& options,
              LinearProbe& probe) {
  probe.c = options.c_default;
  const std::vector<std::int64_t> fold_of = stratified_folds(labelled, options.folds, options.seed);
  if (fold_of.empty()) {
    return;
  }
  HeldOutLoss loss{std::vector<double>(options.c_grid.size(), 0.0), 0};
  for (const ProbeTask& task : tasks) {
    for (std::int64_t fold = 0; fold <= *std::max_element(fold_of.begin(), fold_of.end()); ++fold) {
      add_fold(rows, task, fold_of, fold, options, loss);
    }
  }
  if (loss.rows > 0) {
    const auto best = std::min_element(loss.sums.begin(), loss.sums.end());
    probe.c = options.c_grid[static_cast<std::size_t>(best - loss.sums.begin())];
    probe.held_out_loss = *best / loss.rows;
  }
}

LinearOptions checked_linear(LinearOptions options) {
  std::sort(options.c_grid.begin(), options.c_grid.end());
  if (options.c_grid.empty() || !(options.c_grid.front() > 0) || !(options.c_default > 0) ||
      options.folds < 2) {
    throw Error(
        ErrorCode::kInvalidArgument,
        fmt::format("linear probe: expected values of C above 0 and at least 2 folds, found "
                    "{} values, c_default = {} and {} folds; correct the options",
                    options.c_grid.size(),
                    options.c_default,
                    options.folds));
  }
  return options;
}

}  // namespace

Eigen::MatrixXd Standardisation::apply(const FeatureMatrix& features) const {
  return (features.cast<double>().rowwise() - mean.transpose()) * factor.asDiagonal();
}

Standardisation standardisation_of(const FeatureMatrix& features) {
  const auto n = static_cast<double>(features.rows());
  Standardisation result;
  result.mean = features.cast<double>().colwise().sum().transpose() / n;
  result.factor = Eigen::VectorXd::Zero(features.cols());
  for (Eigen::Index column = 0; column < features.cols(); ++column) {
    const double square =
        (features.col(column).cast<double>().array() - result.mean[column]).square().sum();
    const double deviation = std::sqrt(square / n);
    if (deviation > 1e-6 * std::abs(result.mean[column])) {
      result.factor[column] = 1.0 / deviation;
    }
  }
  return result;
}

LinearProbe fit_linear_probe(const FeatureSet& labelled,
                             const Standardisation& standardisation,
                             const LinearOptions& given) {
  const LinearOptions options = checked_linear(given);
  LinearProbe probe;
  probe.standardisation = standardisation;
  probe.classes = labelled.classes;
  probe.multi_label = labelled.multi_label();
  const std::vector<ProbeTask> tasks = tasks_of(labelled, probe);
  if (tasks.empty() || tasks.front().classes < 2) {
    throw Error(
        ErrorCode::kInvalidArgument,
        fmt::format("linear probe: expected labelled rows of at least two classes, found {} "
                    "rows of fewer; add rows of another class",
                    labelled.rows()));
  }
  Eigen::MatrixXd rows = standardisation.apply(labelled.features);
  // With this penalty the weights are a combination of the rows. Where those are fewer than the
  // columns it is solved, exactly, in coordinates of the space that they span.
  Eigen::MatrixXd basis;
  if (rows.rows() < rows.cols()) {
    const Eigen::HouseholderQR<Eigen::MatrixXd> qr(rows.transpose());
    basis = qr.householderQ() * Eigen::MatrixXd::Identity(rows.cols(), rows.rows());
    rows = (rows * basis).eval();
  }
  if (options.c_grid.size() == 1) {
    probe.c = options.c_grid.front();
  } else {
    choose_c(rows, tasks, labelled, options, probe);
  }
  probe.converged = true;
  for (const ProbeTask& task : tasks) {
    LogisticModel model = fit_logistic(
        rows, task.labels, task.classes, weights_of_rows(task, options.balanced), {.c = probe.c});
    if (basis.size() > 0) {
      model.weights = (model.weights * basis.transpose()).eval();
    }
    probe.converged = probe.converged && model.converged;
    probe.models.push_back(std::move(model));
  }
  return probe;
}

ScoreTable linear_scores(const LinearProbe& probe, const FeatureMatrix& test) {
  MARROW_CHECK(test.cols() == probe.standardisation.mean.size());
  const Eigen::MatrixXd rows = probe.standardisation.apply(test);
  ScoreTable scores(static_cast<std::size_t>(test.rows()), probe.constant);
  for (std::size_t n = 0; n < probe.models.size(); ++n) {
    const Eigen::MatrixXd shares = class_probabilities(probe.models[n], rows);
    for (Eigen::Index row = 0; row < rows.rows(); ++row) {
      auto& own = scores[static_cast<std::size_t>(row)];
      if (probe.multi_label) {
        own[static_cast<std::size_t>(probe.fitted[n])] = shares(row, 1);
        continue;
      }
      for (std::size_t k = 0; k < probe.fitted.size(); ++k) {
        own[static_cast<std::size_t>(probe.fitted[k])] = shares(row, static_cast<Eigen::Index>(k));
      }
    }
  }
  return scores;
}

}  // namespace marrow
