#include "io/catalogue/cases.h"

#include "core/error.h"
#include "io/catalogue/catalogue.h"
#include "io/catalogue/series_json.h"
#include "io/catalogue/split.h"

namespace marrow {

std::vector<Case> cases_from_catalogue(const Catalogue& catalogue, const std::string& where) {
  std::vector<Case> cases;
  for (const SeriesRecord& record : where.empty() ? catalogue.series() : catalogue.select(where)) {
    if (!is_kept(record)) {
      continue;
    }
    Case item;
    item.key = record.key;
    item.patient = record.patient;
    item.images = {ImageRef{record.key, record.files, record.volume}};
    item.split = record.split;
    item.modality = record.modality;
    cases.push_back(std::move(item));
  }
  if (cases.empty()) {
    throw Error(ErrorCode::kNothingFound,
                "catalogue: no usable series in " + catalogue.file().string() +
                    (where.empty() ? "" : " fits the expression") +
                    "; `marrow list` shows what there is and why not");
  }
  refuse_leak(cases);
  return cases;
}

}  // namespace marrow
