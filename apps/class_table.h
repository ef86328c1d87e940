#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "apps/run_folder.h"
#include "clinical/probes/feature_set.h"
#include "core/case.h"

namespace marrow {

// The classes of a classification set, or the findings that may occur together.
struct ClassTable {
  std::vector<std::string> names;
  std::vector<double> values;  // what a case's target says for each class; empty for findings

  [[nodiscard]] bool multi_label() const { return values.empty(); }

  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(names.size()); }

  // size() numbers of 0 or 1, one of them 1 unless these are findings. Throws Error{kRefused}
  // naming the case when its targets are none of these.
  [[nodiscard]] std::vector<float> targets_of(const Case& one) const;
};

// Of the cases of a data set that have targets. Throws Error{kRefused} when none has any, when some
// have one class and others several findings, or when there is only one class.
[[nodiscard]] ClassTable class_table(const Dataset& dataset);

// Names and values for a manifest's facts ("classes", "multi_label"), and back.
[[nodiscard]] std::map<std::string, std::string> class_facts(const ClassTable& table);
// Throws Error{kUnreadable} for a damaged manifest.
[[nodiscard]] ClassTable classes_of_run(const RunDescription& run);

// `dataset`'s own table with the places of `known`: what a network trained on `known` is asked
// about another set. Classes go together by name. Throws Error{kRefused} for a class that `known`
// has not, or findings where it has classes.
[[nodiscard]] ClassTable known_classes(const ClassTable& known, const Dataset& dataset);

// Keys of the cases with targets of a part; "train" has those that no split names, too.
[[nodiscard]] std::vector<std::string> labelled_keys(const Dataset& dataset,
                                                     const std::string& split);

// Cases with targets and one of `keys`, in the order of the data set, without features: what labels
// are drawn from.
[[nodiscard]] FeatureSet labelled_rows(const Dataset& dataset,
                                       const ClassTable& table,
                                       const std::vector<std::string>& keys);

}  // namespace marrow
