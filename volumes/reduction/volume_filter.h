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
#include "volumes/fingerprints/unit_vectors.h"
#include "volumes/reduction/reduction_item.h"

namespace marrow {

struct VolumeDrop {
  std::size_t item = 0;
  std::optional<std::size_t> kept;  // that stands for it; none does for what shows nothing
  double measure = 0;
  std::string because;  // one phrase
};

struct VolumeFilterInput {
  const std::vector<ReductionItem>& items;
  std::span<const std::size_t> order;  // places of those still there, the preferred ones first
  UnitRows target;                     // features of a target set; none unless one is given
};

struct VolumeNeeds {
  bool vectors = false;  // of the items
  bool target = false;
  bool reports = false;  // ReductionItem::report
};

// Which volumes are left out as a whole.
class VolumeFilter {
 public:
  virtual ~VolumeFilter() = default;

  [[nodiscard]] virtual VolumeNeeds needs() const { return {}; }

  // Pure.
  [[nodiscard]] virtual std::vector<VolumeDrop> drops(const VolumeFilterInput& input) const = 0;

  // What an item is about, where the filter thins by that: counted before and after it.
  [[nodiscard]] virtual std::vector<std::string> concepts(const ReductionItem& item) const {
    (void)item;
    return {};
  }

  [[nodiscard]] virtual std::string threshold_text() const { return ""; }
};

using VolumeFilterFactory = std::function<std::unique_ptr<VolumeFilter>(const ConfigSection&)>;
using VolumeFilters = Registry<VolumeFilterFactory>;

// blank, exact, balance, ...: the table in builtin_filters.cpp.
[[nodiscard]] const VolumeFilters& volume_filters();

}  // namespace marrow
