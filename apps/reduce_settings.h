#pragma once

#include <string>

#include "core/config/config.h"
#include "volumes/reduction/reduce_options.h"

namespace marrow {

struct CommandContext;

// Reads the options of all filters, those that are not in use, too: a mistake is one all the same.
// Throws Error{kInvalidArgument} for a key that is not known or a value out of range.
void check_filter_sections(const Config& config);

// The command's configuration. A curve that a preset gives is that of its own filter: another one,
// whose thresholds are others, has none until it is asked for.
[[nodiscard]] Config config_without_foreign_curve(const CommandContext& context);

// The settings of a reduction with all values, of the filters that are in use.
[[nodiscard]] std::string resolved_reduction(const Config& config, const ReduceOptions& options);

}  // namespace marrow
