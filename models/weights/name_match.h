#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "models/weights/name_families.h"
#include "models/weights/safetensors.h"

namespace marrow {

// Which names of a file are which of ours.
struct NameMatch {
  NameFamily family;
  std::string prefix;                                     // that was peeled
  std::map<std::string, std::vector<std::string>> names;  // ours -> the file's, prefix included
  std::vector<std::string> other_prefixes;                // that would have matched as many
};

// Tries every family of the encoder called `part` with every prefix that may be peeled (or only
// with `prefix`) and takes what gives most of `ours`; on a tie known wrappers ("module.",
// "encoder_q.") before other beginnings of names. `names` is empty when nothing matches.
[[nodiscard]] NameMatch match_names(const TensorFile& file,
                                    const std::set<std::string>& ours,
                                    std::string_view part,
                                    const std::optional<std::string>& prefix);

}  // namespace marrow
