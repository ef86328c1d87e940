#include "apps/reduction_items.h"

#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "apps/archive_cases.h"
#include "core/text.h"
#include "io/catalogue/cases.h"
#include "io/catalogue/report_texts.h"
#include "io/catalogue/select.h"

namespace marrow {

namespace {

bool is_held_out(const std::string& split) {
  return split == "validation" || split == "test";
}

}  // namespace

std::vector<ReductionItem> archive_items(const Catalogue& catalogue,
                                         const std::string& where,
                                         const std::string& subset,
                                         bool with_reports) {
  std::set<std::string> reported;
  for (const auto& row : select_rows(catalogue.file(), catalogue_view("reports"), {"study"}, "")) {
    if (const auto* const study = std::get_if<std::string>(&row.at(0))) {
      reported.insert(*study);
    }
  }
  const std::map<std::string, std::string> reports =
      with_reports ? report_texts(catalogue) : std::map<std::string, std::string>();
  std::vector<ReductionItem> items;
  for (const SeriesRecord& record : archive_series(catalogue, where, subset)) {
    ReductionItem item;
    item.one = case_of(record);
    item.labels = reported.contains(record.study) ? "report of " + record.study : "";
    item.only_reported = !item.labels.empty();
    item.facts = record.facts;
    item.report = named_text(reports, record.study);
    item.held_out = is_held_out(record.split);
    items.push_back(std::move(item));
  }
  return items;
}

std::vector<ReductionItem> dataset_items(const Dataset& dataset) {
  std::vector<ReductionItem> items;
  for (const Case& one : dataset.cases) {
    ReductionItem item;
    item.one = one;
    for (const double target : one.targets) {
      item.labels += fmt::format("{:g} ", target);
    }
    if (one.labels) {
      item.labels = "label map of " + one.key;
    }
    item.held_out = is_held_out(one.split);
    items.push_back(std::move(item));
  }
  return items;
}

}  // namespace marrow
