#include "apps/archive_cases.h"

#include "core/error.h"
#include "io/catalogue/cases.h"

namespace marrow {

std::vector<SeriesRecord> archive_series(const Catalogue& catalogue,
                                         const std::string& where,
                                         const std::string& subset) {
  const auto in_subset = subset_filter(catalogue, subset);
  std::vector<SeriesRecord> series = where.empty() ? catalogue.series() : catalogue.select(where);
  std::erase_if(series, [&](const SeriesRecord& record) {
    return record.verdict == Verdict::kRefuse || !in_subset(record);
  });
  if (series.empty()) {
    throw Error(ErrorCode::kNothingFound,
                "no usable series in " + catalogue.file().string() +
                    (where.empty() ? "" : " fits \"" + where + "\"") +
                    "; `marrow list` shows what there is and why not");
  }
  return series;
}

std::vector<Case> archive_cases(const Catalogue& catalogue,
                                const std::string& where,
                                const std::string& subset) {
  std::vector<Case> cases;
  for (const SeriesRecord& record : archive_series(catalogue, where, subset)) {
    cases.push_back(case_of(record));
  }
  return cases;
}

std::string series_fitting(const RecipeOptions& recipe) {
  return recipe.modality == "ct" ? "modality in ('CT', '')" : "modality in ('MR', '')";
}

}  // namespace marrow
