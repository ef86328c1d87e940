#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/options.h"
#include "volumes/reduction/volume_filter.h"

namespace marrow {

struct BalanceFilterOptions {
  static constexpr std::string_view kName = "balance";

  double limit = 0;
  double share = 0;
  std::int64_t wanted = 0;
  std::vector<std::string> facts = {"modality", "body_part"};
  std::string terms;
  bool keep_unmatched = true;
  bool thin_reported = false;
  std::int64_t seed = 0;

  template <class Visit>
  void describe(Visit&& visit) {
    visit("limit",
          limit,
          Range{0.0, 1e9},
          "about so many volumes of each concept stay, rarer ones stay whole; give this, share or "
          "wanted");
    visit("share", share, Range{0.0, 1.0}, "this share of the volumes stays");
    visit("wanted", wanted, Range{0, 1'000'000'000}, "so many volumes stay");
    visit("facts",
          facts,
          "facts of the header whose values are concepts: modality, body_part, kernel, "
          "manufacturer, model, sequence, contrast, ...");
    visit("terms",
          terms,
          "file of terms, one a line, that are concepts where they occur in the facts or the "
          "study's report");
    visit("keep_unmatched", keep_unmatched, "volumes without a concept stay; false: they go");
    visit("thin_reported",
          thin_reported,
          "a report protects no series from being thinned, as labels do");
    visit("seed", seed, Range{0, 2'147'483'647}, "of the draws");
  }
};

// Thins what the archive holds much of (volumes/curation/concept_balance.h). A concept is a value
// of a fact ("body_part=chest", letters folded) or a term ("term=nodule"). Labelled and held-out
// volumes stay and count among their concepts.
//
// Throws Error{kInvalidArgument} unless exactly one of limit, share and wanted is given, or where
// neither facts nor terms are; for a file of terms that cannot be read or holds none. Its drops()
// throw Error{kInvalidArgument} where no volume has a concept.
[[nodiscard]] std::unique_ptr<VolumeFilter> make_balance(const ConfigSection& options);

}  // namespace marrow
