#include "apps/input_contract.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "core/error.h"
#include "core/log.h"
#include "core/text.h"

namespace marrow {

namespace {

constexpr const char* kSpacingFact = "spacing_mm_seen";

// "0.7 0.7 1; 0.9 0.9 5": smallest, then largest.
std::string spacing_text_of(const Eigen::Vector3d& low, const Eigen::Vector3d& high) {
  return fmt::format("{:.6g} {:.6g} {:.6g}; {:.6g} {:.6g} {:.6g}",
                     low[0],
                     low[1],
                     low[2],
                     high[0],
                     high[1],
                     high[2]);
}

std::optional<std::pair<Eigen::Vector3d, Eigen::Vector3d>> spacing_from_text(
    const std::string& text) {
  std::pair<Eigen::Vector3d, Eigen::Vector3d> range;
  const std::vector<std::string> halves = split_words(text, ';');
  if (halves.size() != 2) {
    return std::nullopt;
  }
  for (std::size_t half = 0; half < 2; ++half) {
    const std::vector<std::string> words = split_words(std::string(trim(halves[half])), ' ');
    if (words.size() != 3) {
      return std::nullopt;
    }
    for (std::size_t axis = 0; axis < 3; ++axis) {
      const double value = parse_decimal(words[axis]).value_or(0);
      (half == 0 ? range.first : range.second)[static_cast<Eigen::Index>(axis)] = value;
      if (!(value > 0)) {
        return std::nullopt;
      }
    }
  }
  return range;
}

}  // namespace

ContractRule contract_rule_from_name(const std::string& name) {
  if (name == "match") {
    return ContractRule::kMatch;
  }
  if (name == "override") {
    return ContractRule::kOverride;
  }
  if (name == "report") {
    return ContractRule::kReport;
  }
  throw Error(ErrorCode::kInvalidArgument,
              "--contract: expected match, override or report, found \"" + printable(name) + "\"");
}

std::map<std::string, std::string> contract_facts(const VolumeStore& store,
                                                  std::span<const std::int64_t> cases) {
  const RecipeOptions& recipe = store.recipe();
  if (!recipe.spacing_mm.empty() || recipe.fit_size > 0 || cases.empty()) {
    return {};
  }
  Eigen::Vector3d low = store.info(cases.front()).geometry.spacing;
  Eigen::Vector3d high = low;
  for (const std::int64_t index : cases) {
    low = low.cwiseMin(store.info(index).geometry.spacing);
    high = high.cwiseMax(store.info(index).geometry.spacing);
  }
  return {{kSpacingFact, spacing_text_of(low, high)}};
}

InputContract contract_of(const RecipeOptions& recipe,
                          const std::map<std::string, std::string>& facts) {
  InputContract contract{recipe, std::nullopt};
  if (const auto seen = facts.find(kSpacingFact); seen != facts.end()) {
    contract.spacing_mm = spacing_from_text(seen->second);
  }
  return contract;
}

std::string contract_breach(const InputContract& contract,
                            Modality modality,
                            const Geometry& prepared) {
  const bool wants_ct = contract.recipe.modality == "ct";
  const bool is_ct = modality == Modality::kCt;
  if (modality != Modality::kUnknown && is_ct != wants_ct) {
    return fmt::format("the volume is {} where the network was trained on {}",
                       modality_name(modality),
                       wants_ct ? "CT" : "MR");
  }
  if (!contract.spacing_mm) {
    return {};
  }
  const auto& [low, high] = *contract.spacing_mm;
  for (Eigen::Index axis = 0; axis < 3; ++axis) {
    const double spacing = prepared.spacing[axis];
    if (spacing < low[axis] / kContractSpacingFactor ||
        spacing > high[axis] * kContractSpacingFactor) {
      return fmt::format(
          "a spacing of {:.3g} mm along {} where the network was trained on {:.3g} to {:.3g} mm "
          "and "
          "its recipe (prepare.spacing_mm) does not resample",
          spacing,
          axis == 0   ? "left-right"
          : axis == 1 ? "front-back"
                      : "foot-head",
          low[axis],
          high[axis]);
    }
  }
  return {};
}

void check_channels(const std::string& what, std::int64_t found, std::int64_t expected) {
  if (found != expected) {
    throw Error(
        ErrorCode::kInvalidArgument,
        fmt::format("{} has {} {} where the network takes {}; give the channels that it was "
                    "trained on, in their order",
                    what,
                    found,
                    found == 1 ? "channel" : "channels",
                    expected));
  }
}

void settle_breach(ContractRule rule, const std::string& what, const std::string& breach) {
  if (breach.empty()) {
    return;
  }
  if (rule == ContractRule::kMatch) {
    throw Error(ErrorCode::kRefused,
                what + " does not fit what the network was trained on: " + breach +
                    "; give it such input, or say --contract override");
  }
  log::warn(what + ": " + breach);
}

}  // namespace marrow
