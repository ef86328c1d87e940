#include "apps/parts.h"

#include "core/error.h"

namespace marrow {

const Encoders& encoders() {
  static const Encoders kTable = [] {
    Encoders table("encoder");
    add_builtin_encoders(table);
    return table;
  }();
  return kTable;
}

const Heads& heads() {
  static const Heads kTable = [] {
    Heads table("head");
    add_builtin_heads(table);
    return table;
  }();
  return kTable;
}

const ClassifierHeads& classifier_heads() {
  static const ClassifierHeads kTable = [] {
    ClassifierHeads table("head");
    add_builtin_classifier_heads(table);
    return table;
  }();
  return kTable;
}

const SslMethods& ssl_methods() {
  static const SslMethods kTable = [] {
    SslMethods table("method");
    add_builtin_methods(table);
    return table;
  }();
  return kTable;
}

const Samplers& samplers() {
  static const Samplers kTable = [] {
    Samplers table("sampler");
    add_builtin_samplers(table);
    return table;
  }();
  return kTable;
}

Size3 patch_voxels(const DataOptions& data, int dimensions) {
  if (static_cast<int>(data.patch_size.size()) != dimensions) {
    throw Error(ErrorCode::kInvalidArgument,
                "data.patch_size: a " + std::to_string(dimensions) + "D encoder needs " +
                    std::to_string(dimensions) + " sizes, found " +
                    std::to_string(data.patch_size.size()));
  }
  const std::vector<std::int64_t>& size = data.patch_size;
  return dimensions == 3 ? Size3{size[2], size[1], size[0]} : Size3{size[1], size[0], 1};
}

Size3 image_voxels(const DataOptions& data, int dimensions) {
  return patch_voxels(data, dimensions == 2 && data.patch_size.size() == 3 ? 3 : dimensions);
}

std::shared_ptr<Encoder> PartSections::encoder(std::string_view fallback) {
  const ConfigSection section = config_.section("encoder");
  const auto& part = encoders().find(section.part_name(fallback));
  resolved_.add("encoder", part.name, part.describe(section));
  return part.make(section);
}

std::shared_ptr<Head> PartSections::head(std::string_view fallback, const HeadInput& input) {
  const ConfigSection section = config_.section("head");
  const auto& part = heads().find(section.part_name(fallback));
  resolved_.add("head", part.name, part.describe(section));
  return part.make(section, input);
}

std::shared_ptr<ClassifierHead> PartSections::classifier(std::string_view fallback,
                                                         const ClassifierInput& input) {
  const ConfigSection section = config_.section("head");
  const auto& part = classifier_heads().find(section.part_name(fallback));
  resolved_.add("head", part.name, part.describe(section));
  return part.make(section, input);
}

std::shared_ptr<SslMethod> PartSections::method(std::string_view fallback,
                                                const std::shared_ptr<Encoder>& encoder) {
  const ConfigSection section = config_.section("method");
  const auto& part = ssl_methods().find(section.part_name(fallback));
  resolved_.add("method", part.name, part.describe(section));
  return part.make(section, encoder);
}

std::unique_ptr<Sampler> PartSections::sampler(std::string_view fallback,
                                               const SamplerInput& input) {
  const ConfigSection section = config_.section("sampler");
  const auto& part = samplers().find(section.part_name(fallback));
  resolved_.add("sampler", part.name, part.describe(section));
  return part.make(section, input);
}

}  // namespace marrow
