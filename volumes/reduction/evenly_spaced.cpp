#include "volumes/reduction/evenly_spaced.h"

#include <cstdint>
#include <iterator>
#include <set>
#include <string>
#include <utility>

namespace marrow {

Reduction evenly_spaced(const Reduction& reduction) {
  Reduction made;
  std::set<std::string> looked_at;
  std::int64_t slices = 0, kept = 0;
  for (const ReducedCase& one : reduction.cases) {
    looked_at.insert(one.key);
    slices += one.slices;
    kept += one.slices - std::ssize(one.dropped);
  }
  // A volume of which no slice was left is one whose slices count.
  for (const DroppedCase& one : reduction.dropped) {
    if (!looked_at.contains(one.key)) {
      made.dropped.push_back(one);
    }
  }
  std::int64_t at = 0;
  for (const ReducedCase& one : reduction.cases) {
    ReducedCase evenly{one.key, one.axis, one.slices, {}};
    for (std::int64_t slice = 0; slice < one.slices; ++slice, ++at) {
      if ((at + 1) * kept / slices == at * kept / slices) {
        evenly.dropped.push_back({slice, "every_n", "", -1, 0});
      }
    }
    made.cases.push_back(std::move(evenly));
  }
  return made;
}

}  // namespace marrow
