#include "volumes/reduction/greedy_cosine.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include <fmt/format.h>

#include "core/error.h"
#include "volumes/reduction/cosine_panels.h"

namespace marrow {

namespace {

constexpr auto kNone = static_cast<std::size_t>(-1);

// The kept vectors, side by side as CosineBlocks wants them.
struct KeptRows {
  std::vector<float> values;
  CosinePanels panels;

  [[nodiscard]] UnitRows rows(std::int64_t dimensions) const { return {values, dimensions}; }
};

}  // namespace

Selection select_greedy_cosine(const UnitRows& rows, float threshold) {
  if (!(threshold >= -1 && threshold <= 1)) {
    throw Error(
        ErrorCode::kInvalidArgument,
        fmt::format("greedy selection: expected a threshold of -1 to 1, found {}", threshold));
  }
  check_unit_rows("greedy selection", rows);
  const CosineKernel& kernel = best_cosine_kernel();
  Selection selection;
  selection.stands_for.assign(static_cast<std::size_t>(rows.count()), kNone);
  KeptRows kept{{}, CosinePanels(kernel, rows.dimensions)};
  CosineBlocks against_kept(kernel, threshold, CosineBlocks::Pairs::kAll);
  for (std::int64_t first = 0; first < rows.count(); first += kCosineLeftBlock) {
    const std::int64_t last = std::min(first + kCosineLeftBlock, rows.count());
    for (std::int64_t right = 0; right < kept.panels.count(); right += kCosineRightBlock) {
      // By a, then b, and kept ones ascend: the first that is met is the first that was kept.
      for (const CosinePair& pair :
           against_kept.find(rows, first, kept.rows(rows.dimensions), kept.panels, right)) {
        std::size_t& reference = selection.stands_for[static_cast<std::size_t>(pair.a)];
        reference =
            reference == kNone ? selection.kept[static_cast<std::size_t>(pair.b)] : reference;
      }
    }
    // What is left of the block, among itself.
    std::vector<float> values;
    std::vector<std::size_t> left;
    CosinePanels panels(kernel, rows.dimensions);
    for (std::int64_t n = first; n < last; ++n) {
      if (selection.stands_for[static_cast<std::size_t>(n)] == kNone) {
        left.push_back(static_cast<std::size_t>(n));
        const auto row = rows.row(n);
        values.insert(values.end(), row.begin(), row.end());
        panels.append(row);
      }
    }
    if (left.empty()) {
      continue;
    }
    CosineBlocks inside(kernel, threshold, CosineBlocks::Pairs::kAscending);
    const UnitRows rest{values, rows.dimensions};
    // Whether a is kept is known when its pairs come: all pairs with a smaller one came before.
    for (const CosinePair& pair : inside.find(rest, 0, rest, panels, 0)) {
      const std::size_t a = left[static_cast<std::size_t>(pair.a)];
      std::size_t& reference = selection.stands_for[left[static_cast<std::size_t>(pair.b)]];
      if (selection.stands_for[a] == kNone && reference == kNone) {
        reference = a;
      }
    }
    for (const std::size_t n : left) {
      if (selection.stands_for[n] == kNone) {
        selection.stands_for[n] = n;
        selection.kept.push_back(n);
        const auto row = rows.row(static_cast<std::int64_t>(n));
        kept.values.insert(kept.values.end(), row.begin(), row.end());
        kept.panels.append(row);
      }
    }
  }
  return selection;
}

}  // namespace marrow
