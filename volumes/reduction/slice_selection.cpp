#include "volumes/reduction/slice_selection.h"

#include <numeric>

#include "core/error.h"
#include "core/text.h"

namespace marrow {

SelectionRule selection_rule_from_name(const std::string& name) {
  if (name == "greedy_reference") {
    return SelectionRule::kGreedyReference;
  }
  if (name == "consecutive") {
    return SelectionRule::kConsecutive;
  }
  throw Error(
      ErrorCode::kInvalidArgument,
      "selection: expected one of " + std::string(kSelectionRules) + ", found " + printable(name));
}

Selection select_slices(std::size_t count,
                        SelectionRule rule,
                        const std::function<bool(std::size_t, std::size_t)>& alike) {
  Selection selection;
  selection.stands_for.resize(count);
  std::vector<std::size_t> left(count);
  std::iota(left.begin(), left.end(), std::size_t{0});
  while (!left.empty()) {
    const std::size_t reference = left.front();
    selection.kept.push_back(reference);
    selection.stands_for[reference] = reference;
    std::vector<std::size_t> later;
    for (auto slice = left.begin() + 1; slice != left.end(); ++slice) {
      if (alike(reference, *slice)) {
        selection.stands_for[*slice] = reference;
        continue;
      }
      later.push_back(*slice);
      if (rule == SelectionRule::kConsecutive) {
        later.insert(later.end(), slice + 1, left.end());
        break;
      }
    }
    left = std::move(later);
  }
  return selection;
}

}  // namespace marrow
