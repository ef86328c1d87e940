#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/config/config.h"
#include "core/error.h"
#include "core/text.h"

namespace marrow {

// Parts of one kind by name: an explicit table that `add_builtin_...` fills, one call a part.
// `Factory` is any callable type, e.g. std::function<std::shared_ptr<Encoder>(const
// ConfigSection&)>.
template <class Factory>
class Registry {
 public:
  struct Part {
    std::string name;
    std::string summary;  // one sentence
    Factory make;
    // The part's options as the section resolves them.
    std::function<std::vector<OptionDescription>(const ConfigSection&)> describe;
  };

  // `kind` names the registry in messages: "encoder".
  explicit Registry(std::string kind) : kind_(std::move(kind)) {}

  template <class Options>
  void add(std::string_view summary, Factory make) {
    parts_.push_back(
        {std::string(Options::kName),
         std::string(summary),
         std::move(make),
         [](const ConfigSection& section) { return describe_options(section.parse<Options>()); }});
  }

  // Throws Error{kInvalidArgument} naming the nearest known part.
  [[nodiscard]] const Part& find(std::string_view name) const {
    std::vector<std::string> names;
    for (const Part& part : parts_) {
      if (part.name == name) {
        return part;
      }
      names.push_back(part.name);
    }
    const std::string nearest = nearest_word(name, names);
    throw Error(ErrorCode::kInvalidArgument,
                kind_ + ": there is no \"" + printable(name) + "\"; known are " +
                    join(names, ", ") +
                    (nearest.empty() ? "" : "; did you mean \"" + nearest + "\"?"));
  }

  [[nodiscard]] const std::vector<Part>& parts() const { return parts_; }

 private:
  std::string kind_;
  std::vector<Part> parts_;
};

}  // namespace marrow
