#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/config/config.h"
#include "core/registry.h"
#include "volumes/reduction/reduction_item.h"

namespace marrow {

struct VolumeDrop {
  std::size_t item = 0;
  std::optional<std::size_t> kept;  // that stands for it; none does for what shows nothing
  double measure = 0;
  std::string because;  // one phrase
};

// Which volumes are left out as a whole.
class VolumeFilter {
 public:
  virtual ~VolumeFilter() = default;
  // `order`: places in `items` of those still there, the preferred ones first. Pure.
  [[nodiscard]] virtual std::vector<VolumeDrop> drops(const std::vector<ReductionItem>& items,
                                                      std::span<const std::size_t> order) const = 0;

  [[nodiscard]] virtual std::string threshold_text() const { return ""; }
};

using VolumeFilterFactory = std::function<std::unique_ptr<VolumeFilter>(const ConfigSection&)>;
using VolumeFilters = Registry<VolumeFilterFactory>;

// blank, exact, volume_hash: the table in builtin_filters.cpp.
[[nodiscard]] const VolumeFilters& volume_filters();

}  // namespace marrow
