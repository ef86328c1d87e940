#include "apps/ab_text.h"

#include <cstdint>
#include <map>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/progress.h"

namespace marrow {

namespace {

using Json = nlohmann::json;

}  // namespace

std::string ab_text(const Json& result) {
  std::string text;
  const auto with_interval = [](const Json& row, const std::string& name) {
    const Json& mean = row.value(name, Json());
    const Json& interval = row.value(name + "_ci95", Json());
    if (!mean.is_number()) {
      return std::string("-");
    }
    return interval.is_array() ? fmt::format("{:.3f} [{:.3f}, {:.3f}]",
                                             mean.get<double>(),
                                             interval[0].get<double>(),
                                             interval[1].get<double>())
                               : fmt::format("{:.3f}", mean.get<double>());
  };
  for (const Json& arm : result["arms"]) {
    text += fmt::format("  {:<10} {:>10} {}",
                        arm["arm"].get<std::string>(),
                        format_count(arm["samples"].get<std::int64_t>()),
                        result["unit"].get<std::string>());
    std::map<std::pair<std::string, std::int64_t>, std::pair<double, int>> seconds;
    for (const Json& cell : result["pretrained"]) {
      if (cell["arm"] == arm["arm"]) {
        auto& [sum, count] =
            seconds[{cell["budget"].get<std::string>(), cell["steps"].get<std::int64_t>()}];
        sum += cell["seconds"].get<double>();
        ++count;
      }
    }
    for (const auto& [which, sum] : seconds) {
      text += fmt::format("   {}{} steps in {}",
                          which.first == "both" ? "" : "equal " + which.first + ": ",
                          format_count(which.second),
                          format_duration(sum.first / sum.second));
    }
    text += "\n";
  }
  for (const Json& data : result["probes"]) {
    text += fmt::format("{} ({} test cases, {} seeds): AUROC\n",
                        data["data"].get<std::string>(),
                        data["test_cases"].get<std::int64_t>(),
                        result["seeds"].get<std::int64_t>());
    for (const Json& row : data["rows"]) {
      text += fmt::format("  {:<20} {:<7} {:<8} {:<7} {:<22} {}\n",
                          row["labels"].get<std::string>(),
                          row["probe"].get<std::string>(),
                          row["arm"].get<std::string>(),
                          row["budget"] == "both" ? "" : row["budget"].get<std::string>(),
                          with_interval(row, "macro_auroc"),
                          row.contains("macro_auroc_to_all")
                              ? "to all: " + with_interval(row, "macro_auroc_to_all")
                              : "");
    }
  }
  return text;
}

}  // namespace marrow
