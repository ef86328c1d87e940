#include "apps/reduce_settings.h"

#include <algorithm>
#include <set>

#include "apps/cli.h"
#include "volumes/reduction/redundancy_filter.h"
#include "volumes/reduction/volume_filter.h"

namespace marrow {

void check_filter_sections(const Config& config) {
  const auto check = [&](const auto& registry) {
    for (const auto& part : registry.parts()) {
      if (config.has(part.name)) {
        static_cast<void>(part.describe(config.section(part.name)));
      }
    }
  };
  check(slice_filters());
  check(volume_filters());
}

Config config_without_foreign_curve(const CommandContext& context) {
  Config config = context.config;
  const auto options = config.section("reduce").parse<ReduceOptions>();
  if (context.asks_for("reduce.curve") || options.slice_filters.empty()) {
    return config;
  }
  const auto& part = slice_filters().find(options.slice_filters.back());
  const ThresholdScale scale =
      part.make(config.section(part.name), SelectionRule::kGreedyReference)->scale();
  if (std::any_of(options.curve.begin(), options.curve.end(), [&](double threshold) {
        return threshold < scale.low || threshold > scale.high;
      })) {
    config.override_with({"reduce.curve=[]"});
  }
  return config;
}

std::string resolved_reduction(const Config& config, const ReduceOptions& options) {
  ResolvedConfig resolved;
  resolved.add(ReduceOptions::kName, "", options);
  std::set<std::string> named;
  const auto add = [&](const auto& registry, const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      const auto fields = registry.find(name).describe(config.section(name));
      if (named.insert(name).second && !fields.empty()) {
        resolved.add(name, "", fields);
      }
    }
  };
  add(volume_filters(), options.volume_filters);
  add(slice_filters(), options.slice_filters);
  add(slice_filters(), options.compare);
  return resolved.yaml();
}

}  // namespace marrow
