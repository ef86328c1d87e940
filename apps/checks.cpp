#include "apps/checks.h"

#include <algorithm>
#include <exception>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli.h"

namespace marrow {

Check check_of(const std::string& name, const std::function<std::string()>& body) {
  try {
    return {name, true, body()};
  } catch (const std::exception& failure) {
    return {name, false, failure.what()};
  }
}

std::size_t show_checks(const CommandContext& context, const std::vector<Check>& checks) {
  std::size_t width = 17;
  for (const Check& check : checks) {
    width = std::max(width, check.name.size());
  }
  nlohmann::json list = nlohmann::json::array();
  std::size_t failed = 0;
  for (const Check& check : checks) {
    list.push_back({{"name", check.name}, {"ok", check.ok}, {"detail", check.detail}});
    context.print(
        fmt::format("{:<5} {:<{}} {}\n", check.ok ? "ok" : "BAD", check.name, width, check.detail));
    failed += check.ok ? 0 : 1;
  }
  context.answer({{"checks", list}});
  return failed;
}

}  // namespace marrow
