#include <charconv>
#include <limits>

#include <fmt/format.h>

#include "core/config/config.h"
#include "core/text.h"

namespace marrow {

namespace internal {

namespace {

template <class T>
std::string list_to_yaml(const std::vector<T>& values) {
  std::vector<std::string> words;
  words.reserve(values.size());
  for (const T& value : values) {
    words.push_back(to_yaml(value));
  }
  return "[" + join(words, ", ") + "]";
}

}  // namespace

std::string to_yaml(bool value) {
  return value ? "true" : "false";
}

std::string to_yaml(std::int64_t value) {
  return std::to_string(value);
}

std::string to_yaml(double value) {
  char text[64];
  const auto result = std::to_chars(text, text + sizeof text, value);
  return {text, result.ptr};
}

std::string to_yaml(const std::string& value) {
  const bool plain =
      !value.empty() &&
      value.find_first_not_of(
          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
          "0123456789_/.-") == std::string::npos &&
      value.find_first_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ/") == 0 &&
      value != "null" && value != "Null" && value != "NULL";  // unquoted, YAML's word for nothing
  if (plain) {
    return value;
  }
  std::string quoted = "\"";
  for (const char c : value) {
    if (static_cast<unsigned char>(c) < 0x20) {  // YAML folds line ends even between quotes
      quoted += fmt::format("\\x{:02x}", static_cast<unsigned>(c));
      continue;
    }
    if (c == '"' || c == '\\') {
      quoted.push_back('\\');
    }
    quoted.push_back(c);
  }
  return quoted + "\"";
}

std::string to_yaml(const std::vector<std::int64_t>& value) {
  return list_to_yaml(value);
}

std::string to_yaml(const std::vector<double>& value) {
  return list_to_yaml(value);
}

std::string to_yaml(const std::vector<std::string>& value) {
  return list_to_yaml(value);
}

std::string allowed_text(AnyValue) {
  return "any";
}

std::string allowed_text(const OneOf& words) {
  return join(words.words, " | ");
}

std::string allowed_text(const Range<double>& range) {
  return to_yaml(range.low) + " to " + to_yaml(range.high);
}

std::string allowed_text(const Range<std::int64_t>& range) {
  return fmt::format("{} to {}", range.low, range.high);
}

std::string allowed_text(const Range<int>& range) {
  return fmt::format("{} to {}", range.low, range.high);
}

std::string type_text(bool) {
  return "true or false";
}

std::string type_text(std::int64_t) {
  return "integer";
}

std::string type_text(double) {
  return "number";
}

std::string type_text(const std::string&) {
  return "word";
}

std::string type_text(const std::vector<std::int64_t>&) {
  return "list of integers";
}

std::string type_text(const std::vector<double>&) {
  return "list of numbers";
}

std::string type_text(const std::vector<std::string>&) {
  return "list of words";
}

}  // namespace internal

void ResolvedConfig::add(std::string_view section,
                         std::string_view part,
                         const std::vector<OptionDescription>& fields) {
  text_ += std::string(section) + ":\n";
  if (!part.empty()) {
    text_ += "  name: " + std::string(part) + "\n";
  }
  for (const OptionDescription& field : fields) {
    text_ += "  " + field.name + ": " + field.default_value + "\n";
  }
}

std::string ResolvedConfig::yaml() const {
  return text_;
}

}  // namespace marrow
