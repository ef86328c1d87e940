#pragma once

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "core/config/config.h"
#include "core/error.h"
#include "volumes/reduction/volume_filter.h"

namespace marrow::testing {

// An item as if it had been read.
inline ReductionItem read_item(const std::string& key, const std::string& patient = "p") {
  ReductionItem item;
  item.one.key = key;
  item.one.patient = patient;
  item.one.modality = Modality::kCt;
  item.fingerprint.voxels = 1'000'000;
  item.fingerprint.slices.resize(50);
  item.read = true;
  return item;
}

inline std::unique_ptr<VolumeFilter> volume_filter(const std::string& name,
                                                   const std::string& yaml = "") {
  const Config config = yaml.empty() ? Config() : Config::from_text(yaml, "test.yaml");
  return volume_filters().find(name).make(config.section(name));
}

inline std::vector<VolumeDrop> drops_of(const VolumeFilter& filter,
                                        const std::vector<ReductionItem>& items,
                                        const UnitRows& target = {}) {
  return filter.drops({items, by_preference(items), target});
}

inline std::set<std::string> keys_of(const std::vector<VolumeDrop>& drops,
                                     const std::vector<ReductionItem>& items) {
  std::set<std::string> keys;
  for (const VolumeDrop& drop : drops) {
    keys.insert(items[drop.item].one.key);
  }
  return keys;
}

template <class Call>
std::string refusal_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was refused";
}

}  // namespace marrow::testing
