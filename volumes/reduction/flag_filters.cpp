#include "volumes/reduction/flag_filters.h"

#include <utility>
#include <vector>

#include "core/text.h"
#include "volumes/curation/volume_flags.h"

namespace marrow {

namespace {

// Makers and models are left out: a word of theirs says nothing of what lay in the scanner.
std::string phantom_phrase(const ReductionItem& item) {
  std::string said = phantom_in_words(named_text(item.facts, "body_part") + "\n" +
                                      named_text(item.facts, "sequence"));
  return said.empty() ? item.fingerprint.flags.phantom : said;
}

class FlagFilter final : public VolumeFilter {
 public:
  explicit FlagFilter(std::string_view name) : name_(name) {}

  [[nodiscard]] std::vector<VolumeDrop> drops(const VolumeFilterInput& input) const override {
    std::vector<VolumeDrop> drops;
    for (const std::size_t n : input.order) {
      std::string phrase = flag_phrase(name_, input.items[n]);
      if (!phrase.empty() && may_go_alone(input.items[n])) {
        drops.push_back({n, std::nullopt, 0, std::move(phrase)});
      }
    }
    return drops;
  }

 private:
  std::string_view name_;
};

template <class Options>
std::unique_ptr<VolumeFilter> make_flag_filter(const ConfigSection& options) {
  (void)options.parse<Options>();
  return std::make_unique<FlagFilter>(Options::kName);
}

}  // namespace

std::unique_ptr<VolumeFilter> make_blank(const ConfigSection& options) {
  return make_flag_filter<BlankOptions>(options);
}

std::unique_ptr<VolumeFilter> make_scout(const ConfigSection& options) {
  return make_flag_filter<ScoutOptions>(options);
}

std::unique_ptr<VolumeFilter> make_phantom(const ConfigSection& options) {
  return make_flag_filter<PhantomOptions>(options);
}

std::string flag_phrase(std::string_view filter, const ReductionItem& item) {
  const VolumeFlags& flags = item.fingerprint.flags;
  return filter == BlankOptions::kName     ? flags.blank
         : filter == ScoutOptions::kName   ? flags.scout
         : filter == PhantomOptions::kName ? phantom_phrase(item)
                                           : std::string();
}

}  // namespace marrow
