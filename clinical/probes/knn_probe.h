#pragma once

#include <cstdint>

#include "clinical/metrics/classification.h"
#include "clinical/probes/feature_set.h"

namespace marrow {

struct KnnOptions {
  std::int64_t k = 20;        // neighbours, >= 1; all rows where there are fewer
  double temperature = 0.07;  // > 0
};

// Score of each class (or finding) for each row of `test`, [M x K]: the share of the votes of the k
// rows of `train` of the greatest cosine, each with the weight exp(cosine / temperature). One label
// per case: scores of a row sum to 1. Findings: each lies in 0 .. 1 for itself. The first of
// equally near rows counts. A row of zeros has the cosine 0 to every other one.
//
// Cosines are computed in float32 in blocks of test rows, so memory is about 256 x N floats beside
// a copy of both sets. Throws Error{kInvalidArgument} for k < 1, a temperature that is not above 0,
// no training rows or different numbers of columns.
//
// Source: Wu et al. 2018, "Unsupervised Feature Learning via Non-Parametric Instance
// Discrimination", section 3.4 (the weights, temperature 0.07; k = 200 there); k = 20 as Caron et
// al. 2021 (DINO) found best among 10, 20, 100, 200. Votes are divided by their sum here, which
// changes no argmax and makes rows comparable for the AUROC.
[[nodiscard]] ScoreTable knn_scores(const FeatureSet& train,
                                    const FeatureMatrix& test,
                                    const KnnOptions& options);

}  // namespace marrow
