#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace marrow {

// One YAML value with where it stands. Internal to core/config.
struct ConfigNode {
  enum class Kind { kScalar, kList, kMap };

  Kind kind = Kind::kMap;
  std::string scalar;
  std::vector<std::shared_ptr<const ConfigNode>> items;
  std::vector<std::pair<std::string, std::shared_ptr<const ConfigNode>>> entries;
  std::string file;  // or "command line"
  int line = 0;      // from 1; 0 when unknown

  [[nodiscard]] std::shared_ptr<const ConfigNode> find(const std::string& key) const {
    for (const auto& [name, value] : entries) {
      if (name == key) {
        return value;
      }
    }
    return nullptr;
  }

  // " (demo.yaml, line 3)", or " (command line)".
  [[nodiscard]] std::string place() const {
    return " (" + file + (line > 0 ? ", line " + std::to_string(line) : "") + ")";
  }
};

// Throws Error{kInvalidArgument} with file and line on malformed YAML, duplicate keys or anchors.
[[nodiscard]] std::shared_ptr<const ConfigNode> parse_yaml(const std::string& text,
                                                           const std::string& file);

// `over` wins key by key, recursively for maps.
[[nodiscard]] std::shared_ptr<const ConfigNode> overlaid(
    const std::shared_ptr<const ConfigNode>& under, const std::shared_ptr<const ConfigNode>& over);

// The same, but where `over` chooses another part (another `name`), the keys of `under` were meant
// for a part that is no longer there and go, but for those that say which data it is for:
// `dimensions` and `input_channels`.
[[nodiscard]] std::shared_ptr<const ConfigNode> merged(
    const std::shared_ptr<const ConfigNode>& under, const std::shared_ptr<const ConfigNode>& over);

}  // namespace marrow
