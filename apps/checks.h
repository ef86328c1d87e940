#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace marrow {

struct CommandContext;

// One line of `doctor`, `verify` and `audit`.
struct Check {
  std::string name;
  bool ok = true;
  std::string detail;  // one phrase: what was found, and when not ok what to do
};

// `body` returns the detail; what it throws makes the check fail and is the detail then.
[[nodiscard]] Check check_of(const std::string& name, const std::function<std::string()>& body);

// Prints the checks, or answers with {"checks": [{name, ok, detail}]}; returns how many failed.
std::size_t show_checks(const CommandContext& context, const std::vector<Check>& checks);

}  // namespace marrow
