#include "core/config/config.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <limits>

#include <fmt/format.h>

#include "core/config/node.h"
#include "core/error.h"
#include "core/files.h"
#include "core/text.h"

namespace marrow {

namespace {

using NodePointer = std::shared_ptr<const ConfigNode>;

[[noreturn]] void refuse_config(const std::string& sentence) {
  throw Error(ErrorCode::kInvalidArgument, sentence);
}

std::string full_key(const std::string& section, std::string_view key) {
  return section.empty() ? std::string(key) : section + "." + std::string(key);
}

[[noreturn]] void wrong_type(const std::string& key,
                             const ConfigNode& node,
                             std::string_view expected) {
  const std::string found = node.kind == ConfigNode::Kind::kScalar
                                ? "\"" + printable(node.scalar) + "\""
                            : node.kind == ConfigNode::Kind::kList ? "a list"
                                                                   : "a table or nothing";
  refuse_config(key + ": expected " + std::string(expected) + ", found " + found + node.place());
}

void set_value(const std::string& key, const ConfigNode& node, bool& field) {
  if (node.scalar == "true" || node.scalar == "yes" || node.scalar == "on") {
    field = true;
  } else if (node.scalar == "false" || node.scalar == "no" || node.scalar == "off") {
    field = false;
  } else {
    wrong_type(key, node, "true or false");
  }
}

void set_value(const std::string& key, const ConfigNode& node, std::int64_t& field) {
  const char* const end = node.scalar.data() + node.scalar.size();
  const auto [stop, error] = std::from_chars(node.scalar.data(), end, field);
  if (node.kind != ConfigNode::Kind::kScalar || error != std::errc{} || stop != end) {
    wrong_type(key, node, "an integer");
  }
}

void set_value(const std::string& key, const ConfigNode& node, double& field) {
  const char* const end = node.scalar.data() + node.scalar.size();
  const auto [stop, error] = std::from_chars(node.scalar.data(), end, field);
  if (node.kind != ConfigNode::Kind::kScalar || error != std::errc{} || stop != end ||
      !std::isfinite(field)) {
    wrong_type(key, node, "a number");
  }
}

void set_value(const std::string& key, const ConfigNode& node, std::string& field) {
  if (node.kind != ConfigNode::Kind::kScalar) {
    wrong_type(key, node, "a word");
  }
  field = node.scalar;
}

template <class T>
void set_value(const std::string& key, const ConfigNode& node, std::vector<T>& field) {
  if (node.kind != ConfigNode::Kind::kList) {
    wrong_type(key, node, "a list such as [1, 2, 3]");
  }
  field.clear();
  for (const NodePointer& item : node.items) {
    T value{};
    set_value(key, *item, value);
    field.push_back(std::move(value));
  }
}

template <class T, class R>
void check_range(const std::string& key, const ConfigNode& node, T value, const Range<R>& range) {
  if (value < static_cast<T>(range.low) || value > static_cast<T>(range.high)) {
    refuse_config(fmt::format("{}: expected {}, found {}{}",
                              key,
                              internal::allowed_text(range),
                              node.scalar,
                              node.place()));
  }
}

}  // namespace

ConfigSection::ConfigSection(std::string name) : ConfigSection(std::move(name), nullptr) {}

ConfigSection::ConfigSection(std::string name, std::shared_ptr<const ConfigNode> node)
    : name_(std::move(name)), node_(std::move(node)) {
  if (node_ == nullptr) {
    node_ = std::make_shared<ConfigNode>();
  }
  if (node_->kind != ConfigNode::Kind::kMap) {
    wrong_type(name_, *node_, "a table of keys");
  }
}

bool ConfigSection::has(std::string_view key) const {
  return node_->find(std::string(key)) != nullptr;
}

std::string ConfigSection::part_name(std::string_view fallback) const {
  const NodePointer node = node_->find("name");
  std::string word(fallback);
  if (node != nullptr) {
    set_value(full_key(name_, "name"), *node, word);
  }
  return word;
}

std::vector<std::string> ConfigSection::keys() const {
  std::vector<std::string> keys;
  for (const auto& entry : node_->entries) {
    keys.push_back(entry.first);
  }
  return keys;
}

ConfigSection ConfigSection::section(std::string_view key) const {
  return {full_key(name_, key), node_->find(std::string(key))};
}

ConfigSection ConfigSection::with(std::string_view key, std::string_view value) const {
  auto over = std::make_shared<ConfigNode>();
  over->entries.emplace_back(std::string(key), parse_yaml(std::string(value), "command line"));
  return {name_, merged(node_, over)};
}

void ConfigSection::read(std::string_view key, bool& field, AnyValue) const {
  if (const NodePointer node = node_->find(std::string(key))) {
    set_value(full_key(name_, key), *node, field);
  }
}

void ConfigSection::read(std::string_view key, std::int64_t& field, AnyValue) const {
  if (const NodePointer node = node_->find(std::string(key))) {
    set_value(full_key(name_, key), *node, field);
  }
}

void ConfigSection::read(std::string_view key,
                         std::int64_t& field,
                         const Range<std::int64_t>& range) const {
  read(key, field, AnyValue{});
  if (const NodePointer node = node_->find(std::string(key))) {
    check_range(full_key(name_, key), *node, field, range);
  }
}

void ConfigSection::read(std::string_view key, std::int64_t& field, const Range<int>& range) const {
  read(key, field, Range<std::int64_t>{range.low, range.high});
}

void ConfigSection::read(std::string_view key, double& field, AnyValue) const {
  if (const NodePointer node = node_->find(std::string(key))) {
    set_value(full_key(name_, key), *node, field);
  }
}

void ConfigSection::read(std::string_view key, double& field, const Range<double>& range) const {
  read(key, field, AnyValue{});
  if (const NodePointer node = node_->find(std::string(key))) {
    check_range(full_key(name_, key), *node, field, range);
  }
}

void ConfigSection::read(std::string_view key, std::string& field, AnyValue) const {
  if (const NodePointer node = node_->find(std::string(key))) {
    set_value(full_key(name_, key), *node, field);
  }
}

void ConfigSection::read(std::string_view key, std::string& field, const OneOf& words) const {
  const NodePointer node = node_->find(std::string(key));
  if (node == nullptr) {
    return;
  }
  set_value(full_key(name_, key), *node, field);
  if (std::find(words.words.begin(), words.words.end(), field) == words.words.end()) {
    const std::string nearest = nearest_word(field, words.words);
    refuse_config(full_key(name_, key) + ": expected " + internal::allowed_text(words) +
                  ", found \"" + printable(field) + "\"" + node->place() +
                  (nearest.empty() ? "" : "; did you mean \"" + nearest + "\"?"));
  }
}

void ConfigSection::read(std::string_view key, std::vector<std::int64_t>& field, AnyValue) const {
  if (const NodePointer node = node_->find(std::string(key))) {
    set_value(full_key(name_, key), *node, field);
  }
}

void ConfigSection::read(std::string_view key,
                         std::vector<std::int64_t>& field,
                         const Range<int>& range) const {
  if (const NodePointer node = node_->find(std::string(key))) {
    set_value(full_key(name_, key), *node, field);
    for (std::size_t i = 0; i < field.size(); ++i) {
      check_range(full_key(name_, key), *node->items[i], field[i], range);
    }
  }
}

void ConfigSection::read(std::string_view key, std::vector<double>& field, AnyValue) const {
  if (const NodePointer node = node_->find(std::string(key))) {
    set_value(full_key(name_, key), *node, field);
  }
}

void ConfigSection::read(std::string_view key,
                         std::vector<double>& field,
                         const Range<double>& range) const {
  if (const NodePointer node = node_->find(std::string(key))) {
    set_value(full_key(name_, key), *node, field);
    for (std::size_t i = 0; i < field.size(); ++i) {
      check_range(full_key(name_, key), *node->items[i], field[i], range);
    }
  }
}

void ConfigSection::read(std::string_view key, std::vector<std::string>& field, AnyValue) const {
  if (const NodePointer node = node_->find(std::string(key))) {
    set_value(full_key(name_, key), *node, field);
  }
}

void ConfigSection::refuse_unknown(const std::vector<std::string>& known) const {
  for (const auto& [key, node] : node_->entries) {
    if (key == "name" || std::find(known.begin(), known.end(), key) != known.end()) {
      continue;
    }
    const std::string nearest = nearest_word(key, known);
    refuse_config((name_.empty() ? std::string("configuration") : name_) + ": there is no key \"" +
                  printable(key) + "\"" + node->place() +
                  (nearest.empty() ? "; known are " + join(known, ", ")
                                   : "; did you mean \"" + nearest + "\"?"));
  }
}

Config::Config() : root_(std::make_shared<ConfigNode>()) {}

Config Config::from_text(std::string_view yaml, std::string_view file_name) {
  Config config;
  config.root_ = parse_yaml(std::string(yaml), std::string(file_name));
  if (config.root_->kind != ConfigNode::Kind::kMap) {
    wrong_type(std::string(file_name), *config.root_, "a table of sections");
  }
  return config;
}

Config Config::load(const std::string& name_or_path,
                    const std::vector<std::filesystem::path>& folders) {
  std::filesystem::path file = name_or_path;
  if (!std::filesystem::exists(file)) {
    std::vector<std::string> presets;
    for (const std::filesystem::path& folder : folders) {
      if (std::filesystem::exists(folder / name_or_path)) {
        file = folder / name_or_path;
        break;
      }
      std::error_code ignored;
      for (const auto& entry : std::filesystem::recursive_directory_iterator(folder, ignored)) {
        if (entry.path().extension() == ".yaml") {
          presets.push_back(std::filesystem::relative(entry.path(), folder).string());
        }
      }
    }
    if (!std::filesystem::exists(file)) {
      const std::string nearest = nearest_word(name_or_path, presets);
      std::sort(presets.begin(), presets.end());
      presets.erase(std::unique(presets.begin(), presets.end()), presets.end());
      refuse_config("--config: there is neither a file nor a preset \"" + printable(name_or_path) +
                    "\"; " +
                    (nearest.empty() ? "presets are " + join(presets, ", ")
                                     : "did you mean \"" + nearest + "\"?"));
    }
  }
  Config config = from_text(read_text(file, std::uint64_t{1} << 20), file.filename().string());
  if (const NodePointer base = config.root_->find("base")) {
    std::string name;
    set_value("base", *base, name);
    if (name == name_or_path) {
      refuse_config("base: a preset cannot be its own base" + base->place());
    }
    const Config under = load(name, folders);
    auto own = std::make_shared<ConfigNode>(*config.root_);
    std::erase_if(own->entries, [](const auto& entry) { return entry.first == "base"; });
    config.root_ = merged(under.root_, own);
  }
  return config;
}

void Config::override_with(const std::vector<std::string>& words) {
  // All words first, so that a part that is chosen anew takes what is said about it before and
  // after.
  NodePointer said = std::make_shared<ConfigNode>();
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0) {
      refuse_config("command line: expected KEY=VALUE such as train.steps=100, found \"" +
                    printable(word) + "\"");
    }
    NodePointer node = parse_yaml(word.substr(equals + 1), "command line");
    std::vector<std::string> path = split_words(std::string_view(word).substr(0, equals), '.');
    for (auto part = path.rbegin(); part != path.rend(); ++part) {
      auto outer = std::make_shared<ConfigNode>();
      outer->file = "command line";
      outer->entries.emplace_back(*part, std::move(node));
      node = outer;
    }
    said = overlaid(said, node);
  }
  root_ = merged(root_, said);
}

void Config::allow_sections(const std::vector<std::string>& known) const {
  for (const auto& [key, node] : root_->entries) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      const std::string nearest = nearest_word(key, known);
      refuse_config("configuration: there is no section \"" + printable(key) + "\"" +
                    node->place() +
                    (nearest.empty() ? "; known are " + join(known, ", ")
                                     : "; did you mean \"" + nearest + "\"?"));
    }
  }
}

Config Config::with_sections_of(const Config& other, const std::vector<std::string>& kept) const {
  const auto is_kept = [&](const auto& entry) {
    return std::find(kept.begin(), kept.end(), entry.first) != kept.end();
  };
  auto node = std::make_shared<ConfigNode>();
  std::copy_if(
      root_->entries.begin(), root_->entries.end(), std::back_inserter(node->entries), is_kept);
  std::copy_if(other.root_->entries.begin(),
               other.root_->entries.end(),
               std::back_inserter(node->entries),
               [&](const auto& entry) { return !is_kept(entry); });
  Config result;
  result.root_ = node;
  return result;
}

bool Config::has(std::string_view name) const {
  return root_->find(std::string(name)) != nullptr;
}

ConfigSection Config::section(std::string_view name) const {
  return {std::string(name), root_->find(std::string(name))};
}

}  // namespace marrow
