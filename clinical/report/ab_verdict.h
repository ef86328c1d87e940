#pragma once

#include <cstdint>
#include <string>

#include "clinical/report/ab_input.h"

namespace marrow {

// What the differences of a comparison say, by a fixed rule, so that nobody chooses the words.
//
// A comparison is one data set at one number of labels, with one kind of probe, of one arm and
// budget with `all`. It counts as better or worse when its interval excludes 0. Of many intervals
// some do so by chance; one counts as clear when it would still exclude 0 if its near side were as
// much longer as a normal interval for all comparisons together is (Bonferroni).

// What is compared: AUROC, else balanced accuracy, else accuracy: the first of which the data set
// has a difference, or at least a value. Empty for none.
[[nodiscard]] std::string leading_metric(const AbData& data);
// "linear" where any row has it, else the first kind; empty without rows.
[[nodiscard]] std::string leading_probe(const AbInput& input);
// "AUROC" for "macro_auroc".
[[nodiscard]] std::string metric_words(const std::string& metric);
// The score of that metric; nullptr for none.
[[nodiscard]] const AbScore* find_score(const AbRow& row, const std::string& metric);

enum class AbMark { kUnknown, kNone, kBetter, kWorse, kClearlyBetter, kClearlyWorse };

// What one difference counts as among `comparisons`; kUnknown without an interval.
[[nodiscard]] AbMark difference_mark(const Estimate& to_all,
                                     std::int64_t comparisons,
                                     double level);

// The comparisons of one arm and budget over all data sets and numbers of labels.
struct AbTally {
  std::int64_t comparisons = 0;
  std::int64_t better = 0, worse = 0;                  // intervals that exclude 0
  std::int64_t clearly_better = 0, clearly_worse = 0;  // of those
  double gain = 0, loss = 0;              // largest mean differences that exclude 0, as amounts
  double clear_gain = 0, clear_loss = 0;  // of the clear ones
  double not_ruled_out = 0;               // largest drop that an interval reaches to
  std::string metric;                     // "AUROC"; "score" where data sets differ in it
};

[[nodiscard]] AbTally tally_differences(const AbInput& input,
                                        const std::string& arm,
                                        const std::string& budget,
                                        const std::string& probe);

// "no difference shown", "no clear difference", "worse in 3 of 10", "better and worse", "not
// compared".
[[nodiscard]] std::string verdict_words(const AbTally& tally);

// The heading: what leaving out did at equal steps (else at equal epochs), with the leading probe.
[[nodiscard]] std::string ab_title(const AbInput& input);

// An amount to three decimals, rounded away from 0: a bound must not look tighter than it is.
[[nodiscard]] std::string bound_text(double amount);

}  // namespace marrow
