#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "clinical/probes/knn_probe.h"
#include "clinical/probes/linear_probe.h"
#include "tests/support/feature_sets.h"
#include "tests/support/python_peer.h"

namespace marrow {
namespace {

using testing_support::clouds;

class ProbePeer : public testing_support::PythonPeer {
 protected:
  void write_rows(const std::string& name, const FeatureMatrix& rows) const {
    std::ofstream(file(name), std::ios::binary)
        .write(reinterpret_cast<const char*>(rows.data()),
               static_cast<std::streamsize>(sizeof(float)) * rows.size());
  }
};

// The largest distance between entries of two tables.
double apart(const ScoreTable& ours, const nlohmann::json& theirs) {
  const auto table = theirs.get<ScoreTable>();
  EXPECT_EQ(table.size(), ours.size());
  double largest = 0;
  for (std::size_t n = 0; n < std::min(table.size(), ours.size()); ++n) {
    EXPECT_EQ(table[n].size(), ours[n].size());
    for (std::size_t k = 0; k < std::min(table[n].size(), ours[n].size()); ++k) {
      largest = std::max(largest, std::abs(table[n][k] - ours[n][k]));
    }
  }
  return largest;
}

ScoreTable rows_of(const Eigen::MatrixXd& matrix) {
  ScoreTable table(static_cast<std::size_t>(matrix.rows()));
  for (Eigen::Index row = 0; row < matrix.rows(); ++row) {
    for (Eigen::Index column = 0; column < matrix.cols(); ++column) {
      table[static_cast<std::size_t>(row)].push_back(matrix(row, column));
    }
  }
  return table;
}

constexpr const char* kLogistic = R"(
import json, sys
import numpy
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
classes, columns = int(sys.argv[1]), int(sys.argv[2])
balanced = "balanced" if sys.argv[3] == "balanced" else None
train = numpy.fromfile("train.raw", numpy.float32).reshape(-1, columns).astype(float)
test = numpy.fromfile("test.raw", numpy.float32).reshape(-1, columns).astype(float)
labels = numpy.arange(len(train)) % classes
labels[: len(train) // 3] = 0
scaler = StandardScaler().fit(train)
answers = {}
for c in (0.001, 0.1, 10.0):
    model = LogisticRegression(C=c, tol=1e-10, max_iter=100000, class_weight=balanced)
    model.fit(scaler.transform(train), labels)
    answers[f"{c}"] = {
        "coefficients": model.coef_.tolist(),
        "intercepts": model.intercept_.tolist(),
        "probabilities": model.predict_proba(scaler.transform(test)).tolist(),
    }
print(json.dumps(answers))
)";

TEST_F(ProbePeer, LinearProbeEqualsLogisticRegressionOfScikitLearn) {
  struct Problem {
    std::int64_t classes, rows, columns;
    bool balanced;
  };

  for (const Problem& problem : {Problem{2, 90, 8, false},
                                 Problem{4, 120, 10, false},
                                 Problem{3, 30, 64, false},
                                 Problem{3, 90, 8, true}}) {
    FeatureSet train = clouds(problem.rows, problem.classes, problem.columns, 1, 21);
    std::fill_n(train.labels.begin(), problem.rows / 3, 0);
    const FeatureSet test = clouds(50, problem.classes, problem.columns, 1, 22);
    write_rows("train.raw", train.features);
    write_rows("test.raw", test.features);

    const auto answers = run_python(kLogistic,
                                    {std::to_string(problem.classes),
                                     std::to_string(problem.columns),
                                     problem.balanced ? "balanced" : "plain"});

    double coefficients = 0;
    double probabilities = 0;
    for (const auto& [c, answer] : answers.items()) {
      LinearOptions options;
      options.c_grid = {std::stod(c)};
      options.balanced = problem.balanced;
      const LinearProbe probe =
          fit_linear_probe(train, standardisation_of(train.features), options);
      EXPECT_TRUE(probe.converged);
      coefficients =
          std::max(coefficients, apart(rows_of(probe.models[0].weights), answer["coefficients"]));
      probabilities = std::max(probabilities,
                               apart(linear_scores(probe, test.features), answer["probabilities"]));
    }
    EXPECT_FALSE(answers.empty());
    // Weights lie between 0.01 and 3; both stop at small gradients, not at the same point.
    EXPECT_LT(coefficients, 5e-6);
    EXPECT_LT(probabilities, 5e-6);
    const std::string name = std::to_string(problem.classes) + "_classes_" +
                             std::to_string(problem.columns) + "_columns" +
                             (problem.balanced ? "_balanced" : "");
    RecordProperty("coefficients_" + name, fmt::format("{:.2g}", coefficients));
    RecordProperty("probabilities_" + name, fmt::format("{:.2g}", probabilities));
  }
}

TEST_F(ProbePeer, KnnEqualsItsFormulaInNumpy) {
  const FeatureSet train = clouds(300, 3, 32, 0.5, 23);
  const FeatureSet test = clouds(280, 3, 32, 0.5, 24);
  write_rows("train.raw", train.features);
  write_rows("test.raw", test.features);

  const auto answer = run_python(R"(
import json
import numpy
def unit(name):
    rows = numpy.fromfile(name, numpy.float32).reshape(-1, 32).astype(float)
    return rows / numpy.linalg.norm(rows, axis=1, keepdims=True)
train, test = unit("train.raw"), unit("test.raw")
cosine = test @ train.T
nearest = numpy.argsort(-cosine, axis=1, kind="stable")[:, :20]
weights = numpy.exp(numpy.take_along_axis(cosine, nearest, 1) / 0.07)
onehot = numpy.eye(3)[numpy.arange(300) % 3]
votes = (weights[:, :, None] * onehot[nearest]).sum(1)
print(json.dumps((votes / votes.sum(1, keepdims=True)).tolist()))
)");

  const double largest = apart(knn_scores(train, test.features, {}), answer);
  EXPECT_LT(largest, 1e-5);  // cosines in float32, divided by the temperature
  RecordProperty("scores", fmt::format("{:.2g}", largest));
}

}  // namespace
}  // namespace marrow
