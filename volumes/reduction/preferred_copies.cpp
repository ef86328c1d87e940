#include "volumes/reduction/preferred_copies.h"

#include <numeric>

namespace marrow {

PreferredCopies::PreferredCopies(const std::vector<ReductionItem>& items,
                                 std::span<const std::size_t> order)
    : items_(items), order_(order), first_(order.size()) {
  std::iota(first_.begin(), first_.end(), std::size_t{0});
}

}  // namespace marrow
