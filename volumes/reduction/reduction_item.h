#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/case.h"
#include "volumes/reduction/case_fingerprint.h"

namespace marrow {

// What an encoder makes of a case (`marrow embed`), vectors of length 1; empty where no filter asks
// for them.
struct CaseVectors {
  std::span<const float> volume;
  std::span<const float> slices;  // one after the other, in anatomical order

  [[nodiscard]] std::span<const float> slice(std::size_t n) const {
    return slices.subspan(n * volume.size(), volume.size());
  }
};

// A case that may be left out, with what decides whether another may stand for it.
struct ReductionItem {
  Case one;
  // Equal texts: the labels of one are those of the other. Empty: no label. A labelled case is left
  // out only for one of the same labels.
  std::string labels;
  bool only_reported = false;  // `labels` stands for a report, not for a class or a label map
  // In validation or test: never left out, but what repeats it is, before anything else.
  bool held_out = false;

  std::map<std::string, std::string> facts;  // SeriesRecord::facts; none of cases of data sets
  std::string report;  // text of the study's reports; empty where no filter asks for it
  CaseVectors vectors;

  CaseFingerprint fingerprint;
  bool read = false;  // the fingerprint is there; what could not be read stays as it is
};

// Whether `kept` may stand for `dropped` at all, whatever they show.
[[nodiscard]] bool may_stand_for(const ReductionItem& kept, const ReductionItem& dropped);

// Whether the item may go though nothing stands for it: it is not held out and not labelled, or,
// where those may go, labelled by a report only.
enum class Reported { kStay, kMayGo };
[[nodiscard]] bool may_go_alone(const ReductionItem& item, Reported reported = Reported::kStay);

// Says that a filter with the option thin_reported found nothing that may go.
void warn_that_all_stay(std::string_view filter);

// Places of the items that were read: held-out ones first, then labelled ones, then by falling
// number of voxels, then by key. Of what is alike the first in this order is kept, so that the
// order of files decides nothing.
[[nodiscard]] std::vector<std::size_t> by_preference(const std::vector<ReductionItem>& items);

}  // namespace marrow
