#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/config/options.h"

namespace marrow {

struct ConfigNode;  // a YAML value with the file and line it came from

// One mapping of a configuration, e.g. `encoder:`. Cheap to copy. Every mistake is
// Error{kInvalidArgument} naming key, file and line, the allowed range and the nearest known key.
class ConfigSection {
 public:
  // An empty section called `name`: all defaults.
  explicit ConfigSection(std::string name = "");
  ConfigSection(std::string name, std::shared_ptr<const ConfigNode> node);

  [[nodiscard]] const std::string& name() const { return name_; }

  [[nodiscard]] bool has(std::string_view key) const;
  // The value of `name:` in the section (which part to build), or `fallback` when absent.
  [[nodiscard]] std::string part_name(std::string_view fallback) const;
  [[nodiscard]] std::vector<std::string> keys() const;
  // A nested mapping; empty when absent.
  [[nodiscard]] ConfigSection section(std::string_view key) const;
  // Same section with `key` set to `value` (YAML text), as an override would.
  [[nodiscard]] ConfigSection with(std::string_view key, std::string_view value) const;

  // The options struct filled from the section; `name` is accepted besides the described fields,
  // nothing else.
  template <class Options>
  [[nodiscard]] Options parse() const {
    Options options;
    Parser parser(*this);
    options.describe(parser);
    parser.finish();
    return options;
  }

 private:
  class Parser {
   public:
    explicit Parser(const ConfigSection& section) : section_(section) {}

    template <class T, class Allowed>
    void operator()(std::string_view key, T& field, const Allowed& allowed, std::string_view) {
      known_.emplace_back(key);
      section_.read(key, field, allowed);
    }

    template <class T>
    void operator()(std::string_view key, T& field, std::string_view sentence) {
      (*this)(key, field, AnyValue{}, sentence);
    }

    void finish() const { section_.refuse_unknown(known_); }

   private:
    const ConfigSection& section_;
    std::vector<std::string> known_;
  };

  void read(std::string_view key, bool& field, AnyValue) const;
  void read(std::string_view key, std::int64_t& field, AnyValue) const;
  void read(std::string_view key, std::int64_t& field, const Range<std::int64_t>& range) const;
  void read(std::string_view key, std::int64_t& field, const Range<int>& range) const;
  void read(std::string_view key, double& field, AnyValue) const;
  void read(std::string_view key, double& field, const Range<double>& range) const;
  void read(std::string_view key, std::string& field, AnyValue) const;
  void read(std::string_view key, std::string& field, const OneOf& words) const;
  void read(std::string_view key, std::vector<std::int64_t>& field, AnyValue) const;
  void read(std::string_view key, std::vector<std::int64_t>& field, const Range<int>& range) const;
  void read(std::string_view key, std::vector<double>& field, AnyValue) const;
  void read(std::string_view key, std::vector<double>& field, const Range<double>& range) const;
  void read(std::string_view key, std::vector<std::string>& field, AnyValue) const;
  void refuse_unknown(const std::vector<std::string>& known) const;

  std::string name_;
  std::shared_ptr<const ConfigNode> node_;
};

// A whole configuration: defaults in the options structs, a preset file, then `table.key=value`
// overrides.
class Config {
 public:
  Config();  // empty: all defaults
  // `name_or_path`: a file, or a preset among `preset_folders` such as "pretrain/spark3d.yaml".
  // A preset may name another in `base:`; its own keys win.
  [[nodiscard]] static Config load(const std::string& name_or_path,
                                   const std::vector<std::filesystem::path>& preset_folders);
  [[nodiscard]] static Config from_text(std::string_view yaml, std::string_view file_name);

  // "train.steps=100"; the value is YAML. A part that is chosen anew ("encoder.name=resnet") starts
  // from its own defaults and what the words say, not from what was said about the one before; only
  // `dimensions` and `input_channels` stay. Throws Error{kInvalidArgument} when there is no '='.
  void override_with(const std::vector<std::string>& words);
  // Throws unless every top-level key is one of `known`.
  void allow_sections(const std::vector<std::string>& known) const;
  [[nodiscard]] bool has(std::string_view name) const;
  [[nodiscard]] ConfigSection section(std::string_view name) const;
  // This configuration's `kept` sections, and `other`'s for everything else.
  [[nodiscard]] Config with_sections_of(const Config& other,
                                        const std::vector<std::string>& kept) const;

 private:
  std::shared_ptr<const ConfigNode> root_;
};

// The presets shipped with the program: beside the executable (../configs, ../share/marrow/configs)
// or the source tree.
[[nodiscard]] std::vector<std::filesystem::path> preset_folders();

namespace internal {

[[nodiscard]] std::string to_yaml(bool value);
[[nodiscard]] std::string to_yaml(std::int64_t value);
[[nodiscard]] std::string to_yaml(
    double value);  // shortest text that reads back to the same double
[[nodiscard]] std::string to_yaml(const std::string& value);
[[nodiscard]] std::string to_yaml(const std::vector<std::int64_t>& value);
[[nodiscard]] std::string to_yaml(const std::vector<double>& value);
[[nodiscard]] std::string to_yaml(const std::vector<std::string>& value);

[[nodiscard]] std::string allowed_text(AnyValue);
[[nodiscard]] std::string allowed_text(const OneOf& words);
[[nodiscard]] std::string allowed_text(const Range<double>& range);
[[nodiscard]] std::string allowed_text(const Range<std::int64_t>& range);
[[nodiscard]] std::string allowed_text(const Range<int>& range);

[[nodiscard]] std::string type_text(bool);
[[nodiscard]] std::string type_text(std::int64_t);
[[nodiscard]] std::string type_text(double);
[[nodiscard]] std::string type_text(const std::string&);
[[nodiscard]] std::string type_text(const std::vector<std::int64_t>&);
[[nodiscard]] std::string type_text(const std::vector<double>&);
[[nodiscard]] std::string type_text(const std::vector<std::string>&);

struct Describer {
  std::vector<OptionDescription> fields;

  template <class T, class Allowed>
  void operator()(std::string_view key,
                  T& field,
                  const Allowed& allowed,
                  std::string_view sentence) {
    fields.push_back({std::string(key),
                      type_text(field),
                      to_yaml(field),
                      allowed_text(allowed),
                      std::string(sentence)});
  }

  template <class T>
  void operator()(std::string_view key, T& field, std::string_view sentence) {
    (*this)(key, field, AnyValue{}, sentence);
  }
};

}  // namespace internal

// All fields of an options struct with their present values as `default_value`.
template <class Options>
[[nodiscard]] std::vector<OptionDescription> describe_options(Options options = {}) {
  internal::Describer describer;
  options.describe(describer);
  return std::move(describer.fields);
}

// The resolved dump: sections in the order they were added, every field with its value.
class ResolvedConfig {
 public:
  // `part` is written as `name:` when not empty.
  template <class Options>
  void add(std::string_view section, std::string_view part, const Options& options) {
    add(section, part, describe_options(options));
  }

  void add(std::string_view section,
           std::string_view part,
           const std::vector<OptionDescription>& fields);
  [[nodiscard]] std::string yaml() const;

 private:
  std::string text_;
};

}  // namespace marrow
