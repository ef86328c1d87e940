#include "io/catalogue/cases.h"

#include <set>
#include <string>
#include <utility>

#include "core/error.h"
#include "io/catalogue/catalogue.h"
#include "io/catalogue/series_json.h"
#include "io/catalogue/split.h"

namespace marrow {

Case case_of(const SeriesRecord& record) {
  Case made;
  made.key = record.key;
  made.patient = record.patient;
  made.images = {ImageRef{record.key, record.files, record.volume}};
  made.split = record.split;
  made.modality = record.modality;
  return made;
}

std::vector<Case> cases_from_catalogue(const Catalogue& catalogue,
                                       const std::string& where,
                                       const std::function<bool(const SeriesRecord&)>& wanted) {
  std::vector<Case> cases;
  for (const SeriesRecord& record : where.empty() ? catalogue.series() : catalogue.select(where)) {
    if (!is_kept(record) || (wanted && !wanted(record))) {
      continue;
    }
    cases.push_back(case_of(record));
  }
  if (cases.empty()) {
    throw Error(ErrorCode::kNothingFound,
                "catalogue: no usable series in " + catalogue.file().string() +
                    (where.empty() ? " is selected" : " is selected and fits \"" + where + "\"") +
                    "; `marrow list` shows what there is and why not");
  }
  refuse_leak(cases);
  return cases;
}

std::function<bool(const SeriesRecord&)> subset_filter(const Catalogue& catalogue,
                                                       const std::string& name) {
  if (name.empty()) {
    return [](const SeriesRecord&) { return true; };
  }
  std::set<std::string> keys;
  for (const SeriesRecord& record : catalogue.subset(name)) {
    keys.insert(record.key);
  }
  return [keys = std::move(keys)](const SeriesRecord& record) { return keys.contains(record.key); };
}

}  // namespace marrow
