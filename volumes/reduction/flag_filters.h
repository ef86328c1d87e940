#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/config/options.h"
#include "volumes/reduction/volume_filter.h"

namespace marrow {

struct BlankOptions {
  static constexpr std::string_view kName = "blank";

  template <class Visit>
  void describe(Visit&&) {}
};

struct ScoutOptions {
  static constexpr std::string_view kName = "scout";

  template <class Visit>
  void describe(Visit&&) {}
};

struct PhantomOptions {
  static constexpr std::string_view kName = "phantom";

  template <class Visit>
  void describe(Visit&&) {}
};

// Volumes that are no image of a patient, by the rules of volumes/curation/volume_flags.h, phantoms
// also by the body part and the sequence that the header names. Nothing stands for them; labelled
// and held-out ones stay.
[[nodiscard]] std::unique_ptr<VolumeFilter> make_blank(const ConfigSection& options);
[[nodiscard]] std::unique_ptr<VolumeFilter> make_scout(const ConfigSection& options);
[[nodiscard]] std::unique_ptr<VolumeFilter> make_phantom(const ConfigSection& options);

// Why the filter of that name would leave out an item that may go; empty when it would not, or for
// the name of a filter that goes by no flag.
[[nodiscard]] std::string flag_phrase(std::string_view filter, const ReductionItem& item);

}  // namespace marrow
