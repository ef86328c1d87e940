#include "volumes/reduction/reduction_item.h"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "core/log.h"

namespace marrow {

bool may_stand_for(const ReductionItem& kept, const ReductionItem& dropped) {
  const bool same_modality = kept.one.modality == dropped.one.modality ||
                             kept.one.modality == Modality::kUnknown ||
                             dropped.one.modality == Modality::kUnknown;
  return !dropped.held_out && same_modality &&
         (dropped.labels.empty() || dropped.labels == kept.labels);
}

bool may_go_alone(const ReductionItem& item, Reported reported) {
  const bool labelled =
      !item.labels.empty() && !(item.only_reported && reported == Reported::kMayGo);
  return !labelled && !item.held_out;
}

void warn_that_all_stay(std::string_view filter) {
  log::warn(
      fmt::format("{0}: every volume stays, since each is labelled, has a report or is held "
                  "out; {0}.thin_reported=true lets reports protect none",
                  filter));
}

std::vector<std::size_t> by_preference(const std::vector<ReductionItem>& items) {
  std::vector<std::size_t> order;
  for (std::size_t n = 0; n < items.size(); ++n) {
    if (items[n].read) {
      order.push_back(n);
    }
  }
  const auto rank = [&](std::size_t n) {
    const ReductionItem& item = items[n];
    return std::tuple(!item.held_out,
                      item.labels.empty(),
                      -item.fingerprint.voxels,
                      std::string_view(item.one.key));
  };
  std::sort(
      order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return rank(a) < rank(b); });
  return order;
}

}  // namespace marrow
