#include "apps/archive_cases.h"

#include <utility>

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
    Case one;
    one.key = record.key;
    one.patient = record.patient;
    one.images = {ImageRef{record.key, record.files, record.volume}};
    one.split = record.split;
    one.modality = record.modality;
    cases.push_back(std::move(one));
  }
  return cases;
}

}  // namespace marrow
