#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "volumes/reduction/volume_filter.h"

namespace marrow {

// Who stands for whom: the rule of every filter of volumes that looks for copies. Volumes come in
// their order of preference; for each the first before it stands that is kept, is alike and
// may_stand_for() it. What none stands for is kept.
//
// A filter says which are alike by offering pairs. The earlier one of a pair must be settled: every
// pair in which it is the later one was offered before, or will be in vain. In whatever order pairs
// come otherwise, the result is the same.
//
// Numbers of volumes are places in that order. Takes 8 bytes a volume; borrows the items.
class PreferredCopies {
 public:
  // `order`: places in `items`, the preferred ones first, each once.
  PreferredCopies(const std::vector<ReductionItem>& items, std::span<const std::size_t> order);

  [[nodiscard]] std::size_t size() const { return order_.size(); }

  [[nodiscard]] const ReductionItem& item(std::size_t n) const { return items_[order_[n]]; }

  // Whether nothing that was offered so far stands for it.
  [[nodiscard]] bool kept(std::size_t n) const { return first_[n] == n; }

  // Whether an offer would change something, so that only then they need be compared.
  [[nodiscard]] bool would_take(std::size_t earlier, std::size_t later) const {
    return earlier < first_[later] && kept(earlier) && may_stand_for(item(earlier), item(later));
  }

  // The two are alike.
  void offer(std::size_t earlier, std::size_t later) {
    if (would_take(earlier, later)) {
      first_[later] = earlier;
    }
  }

  // What is not kept, in its order, each with what stands for it; `make(kept, dropped)` makes the
  // measure and the phrase from two places in the order.
  template <class Make>
  [[nodiscard]] std::vector<VolumeDrop> drops(const Make& make) const {
    std::vector<VolumeDrop> drops;
    for (std::size_t n = 0; n < size(); ++n) {
      if (!kept(n)) {
        VolumeDrop drop = make(first_[n], n);
        drop.item = order_[n];
        drop.kept = order_[first_[n]];
        drops.push_back(std::move(drop));
      }
    }
    return drops;
  }

 private:
  const std::vector<ReductionItem>& items_;
  std::span<const std::size_t> order_;
  std::vector<std::size_t> first_;  // of each what stands for it, itself if kept
};

}  // namespace marrow
