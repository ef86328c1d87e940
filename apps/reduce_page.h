#pragma once

#include <string>
#include <vector>

#include "core/volume_source.h"
#include "volumes/reduction/reduce_cases.h"

namespace marrow {

struct CommandContext;

struct ReducePageFacts {
  std::string subject;       // "Archive of 212 series"
  std::string list_command;  // that lists what was dropped
  std::string undo_command;
  std::string config_yaml;
  double seconds = 0;
};

// reduce.html: reads the volumes of the pairs it shows again.
[[nodiscard]] std::string reduce_page(const CommandContext& context,
                                      const std::vector<ReductionItem>& items,
                                      const ReduceOptions& options,
                                      const ReduceResult& result,
                                      VolumeSource& source,
                                      const ReducePageFacts& facts);

}  // namespace marrow
