#include "apps/reduction_use.h"

#include <algorithm>
#include <map>
#include <set>

#include "apps/catalogue_file.h"
#include "apps/cli.h"
#include "core/digest.h"
#include "core/error.h"
#include "io/catalogue/catalogue.h"
#include "volumes/reduction/kept_slices.h"

namespace marrow {

namespace {

std::string digest_of(const Reduction& reduction) {
  std::string text;
  for (const DroppedCase& one : reduction.dropped) {
    text += one.key + "\n";
  }
  for (const ReducedCase& one : reduction.cases) {
    text += one.key + ":";
    for (const DroppedSlice& slice : one.dropped) {
      text += std::to_string(slice.slice) + ",";
    }
    text += "\n";
  }
  return sha256_hex(text).substr(0, 16);
}

}  // namespace

std::string collection_of(const Dataset& dataset) {
  // A list beside which the program runs has an empty root; several lists may lie in one folder.
  const std::filesystem::path root =
      std::filesystem::absolute(dataset.root.empty() ? "." : dataset.root).lexically_normal();
  return "data-" + sha256_hex(root.string() + "\n" + dataset.name).substr(0, 16);
}

std::optional<Reduction> decided_reduction(const CommandContext& context,
                                           const std::string& collection) {
  if (!std::filesystem::exists(catalogue_path(context))) {
    return std::nullopt;
  }
  return open_work_catalogue(context).reduction(collection);
}

ReductionUse use_reduction(const Reduction& reduction, bool slices, SamplerInput& input) {
  ReductionUse use;
  use.digest = digest_of(reduction);
  std::set<std::string> dropped;
  for (const DroppedCase& one : reduction.dropped) {
    dropped.insert(one.key);
  }
  use.dropped_cases = static_cast<std::int64_t>(std::erase_if(input.cases, [&](std::int64_t index) {
    return dropped.contains(input.store->info(index).key);
  }));
  if (input.cases.empty()) {
    throw Error(
        ErrorCode::kNothingFound,
        "reduce left out every case of the store; take it back with `marrow reduce --undo`");
  }
  std::map<std::string, const ReducedCase*> of_key;
  for (const ReducedCase& one : reduction.cases) {
    of_key[one.key] = &one;
  }
  for (const std::int64_t index : input.cases) {
    const StoredCase& stored = input.store->info(index);
    const auto found = of_key.find(stored.key);
    if (!slices || found == of_key.end()) {
      continue;
    }
    const auto kept = kept_prepared_slices(stored, *found->second);
    if (!kept) {
      ++use.other_plane;
      continue;
    }
    use.slices += stored.geometry.size[2];
    use.kept_slices += static_cast<std::int64_t>(kept->size());
    input.kept_slices[index] = *kept;
  }
  // A labelled case stays as a whole even when none of its slices does: there is nothing to draw.
  use.dropped_cases +=
      static_cast<std::int64_t>(std::erase_if(input.cases, [&](std::int64_t index) {
        const auto kept = input.kept_slices.find(index);
        return kept != input.kept_slices.end() && kept->second.empty();
      }));
  if (input.cases.empty()) {
    throw Error(
        ErrorCode::kNothingFound,
        "reduce left out every slice of the store; take it back with `marrow reduce --undo`");
  }
  return use;
}

}  // namespace marrow
