#include "models/weights/name_match.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace marrow {

namespace {

// Wrappers that training codes leave in names, and the containers of a checkpoint. Where two match
// equally well, the earlier one is taken: of DINO's two networks the teacher.
constexpr std::array<std::string_view, 20> kPrefixes = {"state_dict.",
                                                        "network_weights.",
                                                        "module.",
                                                        "_orig_mod.",
                                                        "model.",
                                                        "backbone.",
                                                        "encoder.",
                                                        "encoder_q.",
                                                        "base_encoder.",
                                                        "online_network.encoder.",
                                                        "online_network.",
                                                        "teacher.backbone.",
                                                        "teacher.",
                                                        "student.backbone.",
                                                        "student.",
                                                        "visual.",
                                                        "visual_transformer.",
                                                        "network.",
                                                        "trunk.",
                                                        "vit."};
constexpr std::size_t kMostPrefixes = 400;

// Everything that may be peeled: known prefixes in every order in which they occur, then any other
// beginning of a name that ends with a dot.
std::vector<std::string> peelings(const TensorFile& file) {
  std::vector<std::string> found = {""};
  const auto occurs = [&](const std::string& prefix) {
    return std::any_of(file.tensors.begin(), file.tensors.end(), [&](const auto& item) {
      return item.first.starts_with(prefix);
    });
  };
  std::set<std::string> seen(found.begin(), found.end());
  for (std::size_t i = 0; i < found.size() && found.size() < kMostPrefixes; ++i) {
    for (const std::string_view prefix : kPrefixes) {
      const std::string longer = found[i] + std::string(prefix);
      if (!seen.contains(longer) && occurs(longer)) {
        seen.insert(longer);
        found.push_back(longer);
      }
    }
  }
  std::set<std::string> others;
  for (const auto& item : file.tensors) {
    for (std::size_t dot = item.first.find('.'); dot != std::string::npos;
         dot = item.first.find('.', dot + 1)) {
      others.insert(item.first.substr(0, dot + 1));
    }
  }
  for (const std::string& other : others) {
    if (found.size() < kMostPrefixes && !seen.contains(other)) {
      found.push_back(other);
    }
  }
  return found;
}

using Match = std::map<std::string, std::vector<std::string>>;

Match matching_names(const TensorFile& file,
                     const std::set<std::string>& ours,
                     const std::string& prefix,
                     const NameFamily& family) {
  Match match;
  for (const auto& item : file.tensors) {
    if (!item.first.starts_with(prefix)) {
      continue;
    }
    const auto name = family.ours(std::string_view(item.first).substr(prefix.size()));
    if (name && ours.contains(*name)) {
      match[*name].push_back(item.first);
    }
  }
  return match;
}

}  // namespace

NameMatch match_names(const TensorFile& file,
                      const std::set<std::string>& ours,
                      std::string_view part,
                      const std::optional<std::string>& asked) {
  std::vector<NameFamily> families = name_families(part);
  if (families.empty()) {
    families.push_back(own_names());
  }
  const std::vector<std::string> prefixes =
      asked ? std::vector<std::string>{*asked} : peelings(file);
  NameMatch best{families[0], "", {}, {}};
  for (const NameFamily& family : families) {
    for (const std::string& prefix : prefixes) {
      Match match = matching_names(file, ours, prefix, family);
      if (match.size() > best.names.size()) {
        best = {family, prefix, std::move(match), {}};
      } else if (!match.empty() && match.size() == best.names.size() && prefix != best.prefix &&
                 family.name == best.family.name) {
        best.other_prefixes.push_back(prefix);
      }
    }
  }
  return best;
}

}  // namespace marrow
