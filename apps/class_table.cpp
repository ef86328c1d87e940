#include "apps/class_table.h"

#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "core/error.h"
#include "core/text.h"

namespace marrow {

namespace {

[[noreturn]] void refuse(const std::string& sentence) {
  throw Error(ErrorCode::kRefused, "--data: " + sentence);
}

std::string name_of(const Dataset& dataset, double value) {
  for (const LabelClass& known : dataset.classes) {
    if (static_cast<double>(known.value) == value) {
      return known.name;
    }
  }
  return fmt::format("{:g}", value);
}

}  // namespace

std::vector<float> ClassTable::targets_of(const Case& one) const {
  std::vector<float> row(names.size(), 0.0F);
  if (multi_label()) {
    if (one.targets.size() != names.size()) {
      refuse(fmt::format("case \"{}\" has {} findings where {} are known",
                         printable(one.key),
                         one.targets.size(),
                         names.size()));
    }
    for (std::size_t n = 0; n < row.size(); ++n) {
      if (one.targets[n] != 0 && one.targets[n] != 1) {
        refuse(fmt::format("case \"{}\" has {:g} for \"{}\" where 0 or 1 was expected",
                           printable(one.key),
                           one.targets[n],
                           printable(names[n])));
      }
      row[n] = static_cast<float>(one.targets[n]);
    }
    return row;
  }
  const auto found = one.targets.size() == 1
                         ? std::find(values.begin(), values.end(), one.targets.front())
                         : values.end();
  if (found == values.end()) {
    refuse(fmt::format("the label of case \"{}\" is not among the {} classes ({})",
                       printable(one.key),
                       names.size(),
                       printable(join(names, ", "), 200)));
  }
  row[static_cast<std::size_t>(found - values.begin())] = 1.0F;
  return row;
}

ClassTable class_table(const Dataset& dataset) {
  std::set<double> values;
  std::size_t findings = 0;
  bool any = false;
  for (const Case& one : dataset.cases) {
    if (one.targets.empty()) {
      continue;
    }
    const std::size_t of_case = one.targets.size() > 1 ? one.targets.size() : 0;
    if (any && of_case != findings) {
      refuse(
          fmt::format("case \"{}\" of {} has {} labels where others have {}; give every case "
                      "one class, or the same number of findings",
                      printable(one.key),
                      dataset.name,
                      one.targets.size(),
                      std::max<std::size_t>(1, findings)));
    }
    any = true;
    findings = of_case;
    values.insert(one.targets.begin(), one.targets.end());
  }
  if (!any) {
    refuse("no case of " + dataset.root.string() +
           " has a class; a folder per class is needed, or a list with a label");
  }
  ClassTable table;
  if (findings > 0) {
    for (std::size_t n = 0; n < findings; ++n) {
      table.names.push_back(n < dataset.classes.size() ? dataset.classes[n].name
                                                       : fmt::format("finding {}", n));
    }
    return table;
  }
  if (values.size() < 2) {
    refuse("all cases of " + dataset.root.string() + " are of one class, \"" +
           printable(name_of(dataset, *values.begin())) + "\"; there is nothing to tell apart");
  }
  for (const double value : values) {
    table.values.push_back(value);
    table.names.push_back(name_of(dataset, value));
  }
  return table;
}

std::map<std::string, std::string> class_facts(const ClassTable& table) {
  std::vector<std::string> lines;
  for (std::size_t n = 0; n < table.names.size(); ++n) {
    lines.push_back(
        fmt::format("{:g}={}", table.multi_label() ? 1.0 : table.values[n], table.names[n]));
  }
  return {{"classes", join(lines, "\n")}, {"multi_label", table.multi_label() ? "true" : "false"}};
}

ClassTable classes_of_run(const RunDescription& run) {
  ClassTable table;
  const bool multi_label = run.fact("multi_label") == "true";
  for (const auto& [value, name] : run.numbered_names("classes")) {
    table.names.push_back(name);
    if (!multi_label) {
      table.values.push_back(value);
    }
  }
  return table;
}

ClassTable known_classes(const ClassTable& known, const Dataset& dataset) {
  const ClassTable own = class_table(dataset);
  if (own.multi_label() != known.multi_label()) {
    refuse(fmt::format("{} has {} where the run was trained on {}",
                       dataset.name,
                       own.multi_label() ? "several findings a case" : "one class a case",
                       known.multi_label() ? "several findings" : "one class"));
  }
  for (const std::string& name : own.names) {
    if (std::find(known.names.begin(), known.names.end(), name) == known.names.end()) {
      refuse(fmt::format("the class \"{}\" of {} is none of those that the run knows ({})",
                         printable(name),
                         dataset.name,
                         printable(join(known.names, ", "), 200)));
    }
  }
  if (known.multi_label()) {
    if (own.names != known.names) {
      refuse("the findings of " + dataset.name + " have another order or number than the run's (" +
             printable(join(known.names, ", "), 200) + ")");
    }
    return known;
  }
  ClassTable table{known.names, std::vector<double>(known.names.size(), std::nan(""))};
  for (std::size_t n = 0; n < own.names.size(); ++n) {
    const auto place = std::find(known.names.begin(), known.names.end(), own.names[n]);
    table.values[static_cast<std::size_t>(place - known.names.begin())] = own.values[n];
  }
  return table;
}

std::vector<std::string> labelled_keys(const Dataset& dataset, const std::string& split) {
  std::vector<std::string> keys;
  for (const Case& one : dataset.cases) {
    const bool asked = one.split == split || (split == "train" && one.split.empty());
    if (asked && !one.targets.empty()) {
      keys.push_back(one.key);
    }
  }
  return keys;
}

FeatureSet labelled_rows(const Dataset& dataset,
                         const ClassTable& table,
                         const std::vector<std::string>& keys) {
  const std::set<std::string> wanted(keys.begin(), keys.end());
  FeatureSet set;
  set.classes = table.size();
  for (const Case& one : dataset.cases) {
    if (one.targets.empty() || !wanted.contains(one.key)) {
      continue;
    }
    const std::vector<float> targets = table.targets_of(one);
    set.keys.push_back(one.key);
    set.patients.push_back(one.patient);
    if (table.multi_label()) {
      set.findings.emplace_back(targets.begin(), targets.end());
    } else {
      set.labels.push_back(std::max_element(targets.begin(), targets.end()) - targets.begin());
    }
  }
  set.features.resize(std::ssize(set.keys), 0);
  return set;
}

}  // namespace marrow
