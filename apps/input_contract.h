#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include <Eigen/Core>

#include "core/geometry.h"
#include "core/records.h"
#include "volumes/preprocess/recipe.h"
#include "volumes/store/volume_store.h"

namespace marrow {

// What a network's input must look like: the recipe that its training data were prepared with, and,
// where that keeps every volume's own spacing, the spacings that it has seen. Travels in the run's
// config and manifest.
//
// Orientation needs no check: every recipe brings volumes to one (prepare_volume).
struct InputContract {
  RecipeOptions recipe;
  // Smallest and largest spacing in mm along L, P, S of the training volumes; absent where the
  // recipe resamples, or in runs of earlier versions.
  std::optional<std::pair<Eigen::Vector3d, Eigen::Vector3d>> spacing_mm;
};

// How far beyond what was seen a spacing may lie: between the nearest and this times it.
inline constexpr double kContractSpacingFactor = 1.5;

// What --contract says of a mismatch.
enum class ContractRule {
  kMatch,     // refuse it
  kOverride,  // go on, as asked; the manifest says so
  kReport,    // go on by the contract, and say what differs
};

[[nodiscard]] ContractRule contract_rule_from_name(const std::string& name);
inline constexpr const char* kContractWords =
    "what to do where the input differs from what the network was trained on: match (refuse), "
    "override (go on as asked) or report (go on, and say what differs)";

// Of the prepared volumes `cases` of a store, for a manifest's facts: "spacing_mm_seen"; nothing
// where the recipe resamples.
[[nodiscard]] std::map<std::string, std::string> contract_facts(
    const VolumeStore& store, std::span<const std::int64_t> cases);
[[nodiscard]] InputContract contract_of(const RecipeOptions& recipe,
                                        const std::map<std::string, std::string>& facts);

// In which way a volume breaks the contract, as a phrase; empty when it keeps it. `modality`: of
// the volume, kUnknown where nothing says it; `prepared`: its grid in the network.
[[nodiscard]] std::string contract_breach(const InputContract& contract,
                                          Modality modality,
                                          const Geometry& prepared);

// A case of another number of channels than the network takes is Error{kInvalidArgument}, whatever
// --contract says. `what`: as below.
void check_channels(const std::string& what, std::int64_t found, std::int64_t expected);

// Throws Error{kRefused} under kMatch, says the sentence under the other rules, does nothing for an
// empty breach. `what`: "--data", or the name of a file.
void settle_breach(ContractRule rule, const std::string& what, const std::string& breach);

}  // namespace marrow
