#include "volumes/preprocess/recipe.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/config/options.h"
#include "core/digest.h"
#include "core/error.h"
#include "core/text.h"
#include "volumes/preprocess/channels.h"

namespace marrow {

namespace {

constexpr int kRecipeVersion = 1;

[[noreturn]] void refuse_recipe(ErrorCode code, const std::string& what) {
  throw Error(code, "recipe: " + what);
}

std::string recipe_text(const std::string& value) {
  return "\"" + printable(value) + "\"";
}

std::string recipe_text(bool value) {
  return value ? "true" : "false";
}

std::string recipe_text(std::int64_t value) {
  return std::to_string(value);
}

std::string recipe_text(double value) {
  return fmt::format("{}", value);
}

std::string recipe_text(const std::vector<double>& value) {
  return value.empty() ? "[]" : fmt::format("[{}]", fmt::join(value, ", "));
}

void check_field(std::string_view key, const std::string& value, const OneOf& allowed) {
  if (std::find(allowed.words.begin(), allowed.words.end(), value) == allowed.words.end()) {
    refuse_recipe(
        ErrorCode::kInvalidArgument,
        fmt::format(
            "{} is {}; allowed are {}", key, recipe_text(value), join(allowed.words, ", ")));
  }
}

template <class T, class Bound>
void check_field(std::string_view key, T value, const Range<Bound>& allowed) {
  if (!(value >= allowed.low && value <= allowed.high)) {
    refuse_recipe(
        ErrorCode::kInvalidArgument,
        fmt::format("{} is {}; allowed is {} to {}", key, value, allowed.low, allowed.high));
  }
}

void check_field(std::string_view key,
                 const std::vector<double>& values,
                 const Range<double>& allowed) {
  for (const double value : values) {
    check_field(key, value, allowed);
  }
}

struct RecipeChecker {
  template <class T, class Allowed>
  void operator()(std::string_view key, T& field, const Allowed& allowed, std::string_view) {
    check_field(key, field, allowed);
  }

  void operator()(std::string_view, bool&, std::string_view) {}
};

struct RecipeWriter {
  nlohmann::ordered_json json;

  template <class T, class... Rest>
  void operator()(std::string_view key, T& field, const Rest&...) {
    json[std::string(key)] = field;
  }

  // Whole numbers came later than version 1: 0 means off, and is what a recipe without them has.
  template <class... Rest>
  void operator()(std::string_view key, std::int64_t& field, const Rest&...) {
    if (field != 0) {
      json[std::string(key)] = field;
    }
  }
};

void read_field(const nlohmann::json& json, std::string_view key, std::string& field) {
  if (!json.is_string()) {
    refuse_recipe(ErrorCode::kUnreadable,
                  fmt::format("{} is {} where a text was expected", key, json.type_name()));
  }
  field = json.get<std::string>();
}

void read_field(const nlohmann::json& json, std::string_view key, bool& field) {
  if (!json.is_boolean()) {
    refuse_recipe(ErrorCode::kUnreadable,
                  fmt::format("{} is {} where true or false was expected", key, json.type_name()));
  }
  field = json.get<bool>();
}

void read_field(const nlohmann::json& json, std::string_view key, double& field) {
  if (!json.is_number()) {
    refuse_recipe(ErrorCode::kUnreadable,
                  fmt::format("{} is {} where a number was expected", key, json.type_name()));
  }
  field = json.get<double>();
}

void read_field(const nlohmann::json& json, std::string_view key, std::int64_t& field) {
  if (!json.is_number_integer() || (json.is_number_unsigned() && json.get<std::uint64_t>() >> 63)) {
    refuse_recipe(ErrorCode::kUnreadable,
                  fmt::format("{} is {} where a whole number was expected", key, json.dump()));
  }
  field = json.get<std::int64_t>();
}

void read_field(const nlohmann::json& json, std::string_view key, std::vector<double>& field) {
  if (!json.is_array()) {
    refuse_recipe(
        ErrorCode::kUnreadable,
        fmt::format("{} is {} where a list of numbers was expected", key, json.type_name()));
  }
  field.clear();
  for (const nlohmann::json& element : json) {
    read_field(element, key, field.emplace_back());
  }
}

// Takes every described field out of the object, so that what is left is unknown.
struct RecipeReader {
  nlohmann::json json;

  template <class T, class... Rest>
  void operator()(std::string_view key, T& field, const Rest&...) {
    const auto found = json.find(std::string(key));
    if (found == json.end()) {
      if constexpr (std::is_same_v<T, std::int64_t>) {
        return;  // off; see RecipeWriter
      }
      refuse_recipe(ErrorCode::kUnreadable, fmt::format("{} is missing", key));
    }
    read_field(*found, key, field);
    json.erase(found);
  }
};

struct RecipeTexts {
  std::vector<std::pair<std::string, std::string>> fields;

  template <class T, class... Rest>
  void operator()(std::string_view key, T& field, const Rest&...) {
    fields.emplace_back(std::string(key), recipe_text(field));
  }
};

}  // namespace

void check_recipe(const RecipeOptions& recipe) {
  RecipeOptions copy = recipe;
  copy.describe(RecipeChecker{});
  if (!recipe.spacing_mm.empty() && recipe.spacing_mm.size() != 3) {
    refuse_recipe(
        ErrorCode::kInvalidArgument,
        fmt::format("spacing_mm has {} values where none or three (along L, P, S) were expected",
                    recipe.spacing_mm.size()));
  }
  if (recipe.fit_size > 0 && !recipe.spacing_mm.empty()) {
    refuse_recipe(
        ErrorCode::kInvalidArgument,
        fmt::format("fit_size is {} and spacing_mm is {}, of which only one can be followed; set "
                    "fit_size to 0 or spacing_mm to []",
                    recipe.fit_size,
                    recipe_text(recipe.spacing_mm)));
  }
  if (recipe.window_hu.size() != 2 || !(recipe.window_hu[0] < recipe.window_hu[1])) {
    refuse_recipe(ErrorCode::kInvalidArgument,
                  "window_hu is " + recipe_text(recipe.window_hu) +
                      " where a low and a higher value were expected");
  }
}

std::string recipe_to_json(const RecipeOptions& recipe) {
  RecipeOptions copy = recipe;
  RecipeWriter writer;
  writer.json["version"] = kRecipeVersion;
  copy.describe(writer);
  return writer.json.dump();
}

RecipeOptions recipe_from_json(std::string_view text) {
  RecipeReader reader{nlohmann::json::parse(text, nullptr, false)};
  if (json_nesting(text) > kMaxJsonNesting || !reader.json.is_object()) {
    refuse_recipe(ErrorCode::kUnreadable,
                  "expected a JSON object, found " + recipe_text(std::string(text)));
  }
  const auto version = reader.json.find("version");
  if (version == reader.json.end() || !version->is_number_integer()) {
    refuse_recipe(ErrorCode::kUnreadable, "it has no version number");
  }
  if (*version != kRecipeVersion) {
    refuse_recipe(
        ErrorCode::kUnsupported,
        fmt::format("version {} was written by a newer program; this one reads version {}",
                    version->dump(),
                    kRecipeVersion));
  }
  reader.json.erase(version);
  RecipeOptions recipe;
  recipe.describe(reader);
  if (!reader.json.empty()) {
    refuse_recipe(ErrorCode::kUnreadable,
                  "unknown field " + recipe_text(reader.json.begin().key()));
  }
  try {
    check_recipe(recipe);
  } catch (const Error& error) {
    throw Error(ErrorCode::kUnreadable, error.what());
  }
  return recipe;
}

std::string recipe_digest(const RecipeOptions& recipe) {
  return sha256_hex(recipe_to_json(recipe)).substr(0, 16);
}

std::string recipe_difference(const RecipeOptions& a, const RecipeOptions& b) {
  RecipeTexts first;
  RecipeTexts second;
  RecipeOptions copy = a;
  copy.describe(first);
  copy = b;
  copy.describe(second);
  for (std::size_t at = 0; at < first.fields.size(); ++at) {
    if (first.fields[at].second != second.fields[at].second) {
      return fmt::format("{} {} against {}",
                         first.fields[at].first,
                         first.fields[at].second,
                         second.fields[at].second);
    }
  }
  return "";
}

}  // namespace marrow
