#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/config.h"
#include "models/classifier_head.h"
#include "models/encoder.h"
#include "models/head.h"
#include "ssl/ssl_method.h"
#include "volumes/samplers/sampler.h"

namespace marrow {

// The registries with every builtin part.
[[nodiscard]] const Encoders& encoders();
[[nodiscard]] const Heads& heads();
[[nodiscard]] const ClassifierHeads& classifier_heads();
[[nodiscard]] const SslMethods& ssl_methods();
[[nodiscard]] const Samplers& samplers();

// What a training command takes of its data.
struct DataOptions {
  static constexpr std::string_view kName = "data";

  std::vector<std::int64_t> patch_size = {40, 56, 40};

  template <class Visit>
  void describe(Visit&& visit) {
    visit("patch_size",
          patch_size,
          Range{1, 4096},
          "voxels of a training patch: depth, height, width (2D: height, width)");
  }
};

// (i, j, k) of patch_size; a 2D size gives one slice. Throws Error{kInvalidArgument} unless it has
// `dimensions` entries.
[[nodiscard]] Size3 patch_voxels(const DataOptions& data, int dimensions);
// The same for whole images: a 2D encoder also takes three sizes, a bag of so many slices.
[[nodiscard]] Size3 image_voxels(const DataOptions& data, int dimensions);

// Sections of a configuration, each resolved by the part it names.
class PartSections {
 public:
  explicit PartSections(const Config& config) : config_(config) {}

  // `fallback` names the part when the section does not.
  [[nodiscard]] std::shared_ptr<Encoder> encoder(std::string_view fallback);
  // `channels` overrides nothing: a mismatch with the section is an error of the caller.
  [[nodiscard]] std::shared_ptr<Head> head(std::string_view fallback, const HeadInput& input);
  [[nodiscard]] std::shared_ptr<ClassifierHead> classifier(std::string_view fallback,
                                                           const ClassifierInput& input);
  [[nodiscard]] std::shared_ptr<SslMethod> method(std::string_view fallback,
                                                  const std::shared_ptr<Encoder>& encoder);
  [[nodiscard]] std::unique_ptr<Sampler> sampler(std::string_view fallback,
                                                 const SamplerInput& input);

  // A section without a part, such as `train`.
  template <class Options>
  [[nodiscard]] Options options(std::string_view section) {
    Options options = config_.section(section).parse<Options>();
    resolved_.add(section, "", options);
    return options;
  }

  // Everything asked for so far, with every default filled in.
  [[nodiscard]] std::string yaml() const { return resolved_.yaml(); }

 private:
  const Config& config_;
  ResolvedConfig resolved_;
};

}  // namespace marrow
