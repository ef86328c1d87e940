#include "volumes/reduction/slice_selection.h"

#include <cstdlib>
#include <vector>

#include <gmock/gmock.h>

#include "core/error.h"

namespace marrow {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(SliceSelection, DropsWhatIsLikeAReferenceOrLikeTheLastThatWasKept) {
  const std::vector<int> values{0, 1, 5, 6, 0, 2, 9};
  const auto alike = [&](std::size_t a, std::size_t b) {
    EXPECT_LT(a, b);
    return std::abs(values[a] - values[b]) <= 1;
  };

  const Selection greedy = select_slices(values.size(), SelectionRule::kGreedyReference, alike);
  const Selection consecutive = select_slices(values.size(), SelectionRule::kConsecutive, alike);

  EXPECT_THAT(greedy.kept, ElementsAre(0, 2, 5, 6));
  EXPECT_THAT(greedy.stands_for, ElementsAre(0, 0, 2, 2, 0, 5, 6));
  EXPECT_THAT(consecutive.kept, ElementsAre(0, 2, 4, 5, 6));
  EXPECT_THAT(consecutive.stands_for, ElementsAre(0, 0, 2, 2, 4, 5, 6));
}

TEST(SliceSelection, OfNothingAndOfOneSlice) {
  const auto never = [](std::size_t, std::size_t) { return false; };
  EXPECT_THAT(select_slices(0, SelectionRule::kGreedyReference, never).kept, IsEmpty());
  EXPECT_THAT(select_slices(1, SelectionRule::kConsecutive, never).kept, ElementsAre(0));
}

TEST(SliceSelection, NamesItsRules) {
  EXPECT_EQ(selection_rule_from_name("consecutive"), SelectionRule::kConsecutive);
  EXPECT_THROW((void)selection_rule_from_name("all"), Error);
}

}  // namespace
}  // namespace marrow
