#include "io/catalogue/subset_file.h"

#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/text.h"
#include "io/catalogue/catalogue.h"

namespace marrow {

namespace {

std::string list_name(const std::filesystem::path& file) {
  return "list: " + printable(file.native(), 400);
}

std::vector<std::string> keys_of_json(std::string_view text, const std::filesystem::path& file) {
  if (json_nesting(text) > kMaxJsonNesting) {
    throw Error(ErrorCode::kUnreadable, list_name(file) + " is nested too deep for a list of keys");
  }
  const nlohmann::json list = nlohmann::json::parse(text, nullptr, false);
  if (list.is_discarded()) {
    throw Error(
        ErrorCode::kUnreadable,
        list_name(file) + " is no JSON; expected the output of `marrow list --format json`");
  }
  const nlohmann::json& series =
      list.is_object() && list.contains("series") ? list.at("series") : list;
  std::vector<std::string> keys;
  for (const nlohmann::json& item : series.is_array() ? series : nlohmann::json::array()) {
    const nlohmann::json& key = item.is_object() && item.contains("key") ? item.at("key") : item;
    if (!key.is_string()) {
      throw Error(ErrorCode::kInvalidArgument,
                  list_name(file) + ": expected keys, or objects with a key, in the list");
    }
    keys.push_back(key.get<std::string>());
  }
  return keys;
}

std::vector<std::string> keys_of_csv(std::string_view text, const std::filesystem::path& file) {
  const std::vector<std::vector<std::string>> records = parse_csv(text);
  const std::vector<std::string> header =
      records.empty() ? std::vector<std::string>() : records.front();
  const std::optional<std::size_t> column = csv_column(header, "key");
  if (!column) {
    throw Error(ErrorCode::kInvalidArgument,
                list_name(file) +
                    " has no column \"key\"; expected the output of `marrow list "
                    "--format csv`");
  }
  std::vector<std::string> keys;
  for (std::size_t row = 1; row < records.size(); ++row) {
    if (std::string key = csv_value(records[row], column); !key.empty()) {
      keys.push_back(std::move(key));
    }
  }
  return keys;
}

}  // namespace

std::set<std::string> keys_from_file(std::string_view text,
                                     const std::filesystem::path& file,
                                     const Catalogue& catalogue) {
  const std::vector<std::string> keys =
      file.extension() == ".json" ? keys_of_json(text, file) : keys_of_csv(text, file);
  if (keys.empty()) {
    throw Error(ErrorCode::kNothingFound, list_name(file) + " names no series");
  }
  for (const std::string& key : keys) {
    if (!catalogue.series_of_key(key)) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("{}: the catalogue has no series {}; `marrow list` shows the keys",
                              list_name(file),
                              printable(key, 64)));
    }
  }
  return {keys.begin(), keys.end()};
}

}  // namespace marrow
