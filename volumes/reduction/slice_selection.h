#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace marrow {

// Which slices of a list stay, given which two are alike.
enum class SelectionRule {
  // The first slice that is left is kept, and every later one that is like it goes; again until
  // none is left. What was published for hashes ("Hash-6").
  kGreedyReference,
  // A slice goes when it is like the last one that was kept.
  kConsecutive,
};

[[nodiscard]] SelectionRule selection_rule_from_name(const std::string& name);
inline constexpr const char* kSelectionRules = "greedy_reference, consecutive";

// Of a slice that goes though no other is like it.
inline constexpr std::size_t kNoSlice = static_cast<std::size_t>(-1);

struct Selection {
  std::vector<std::size_t> kept;  // places in the list, ascending
  // For each slice the kept one that it is like: itself if kept, kNoSlice if none is.
  std::vector<std::size_t> stands_for;
};

// `alike(a, b)` is asked with a the kept slice and a < b, at most once a pair.
[[nodiscard]] Selection select_slices(std::size_t count,
                                      SelectionRule rule,
                                      const std::function<bool(std::size_t, std::size_t)>& alike);

}  // namespace marrow
