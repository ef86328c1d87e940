#include "volumes/store/store_index.h"

#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/digest.h"
#include "core/error.h"
#include "core/files.h"
#include "core/text.h"

namespace marrow {

namespace {

using nlohmann::json;

constexpr std::string_view kIndexFormat = "marrow-volume-store";
constexpr int kIndexVersion = 1;
constexpr std::size_t kLongestName = 180;

std::uint64_t text_checksum(std::string_view text) {
  return xxh3(std::as_bytes(std::span(text.data(), text.size())));
}

std::string hex(std::uint64_t value) {
  return fmt::format("{:016x}", value);
}

std::uint64_t from_hex(const std::string& text) {
  std::size_t used = 0;
  const std::uint64_t value = std::stoull(text, &used, 16);
  if (used != text.size()) {
    throw std::invalid_argument("hex");
  }
  return value;
}

json geometry_json(const Geometry& geometry) {
  json direction = json::array();
  for (Eigen::Index row = 0; row < 3; ++row) {
    for (Eigen::Index column = 0; column < 3; ++column) {
      direction.push_back(geometry.direction(row, column));
    }
  }
  return {{"size", geometry.size},
          {"spacing_mm", {geometry.spacing[0], geometry.spacing[1], geometry.spacing[2]}},
          {"origin_mm", {geometry.origin[0], geometry.origin[1], geometry.origin[2]}},
          {"direction", direction}};
}

Geometry geometry_from(const json& value) {
  const auto spacing = value.at("spacing_mm").get<std::array<double, 3>>();
  const auto origin = value.at("origin_mm").get<std::array<double, 3>>();
  const auto direction = value.at("direction").get<std::array<double, 9>>();
  return make_geometry(value.at("size").get<Size3>(),
                       Eigen::Vector3d(spacing.data()),
                       Eigen::Vector3d(origin.data()),
                       Eigen::Matrix<double, 3, 3, Eigen::RowMajor>(direction.data()));
}

json info_json(const StoredCase& info) {
  json targets = json::array();
  for (const double target : info.targets) {
    targets.push_back(std::isfinite(target) ? json(target)
                                            : json(nullptr));  // JSON has no NaN: null is "unknown"
  }
  return {{"key", info.key},
          {"patient", info.patient},
          {"split", info.split},
          {"geometry", geometry_json(info.geometry)},
          {"source", geometry_json(info.source)},
          {"channels", info.channels},
          {"has_labels", info.has_labels},
          {"targets", targets},
          {"label_fractions", info.label_fractions}};
}

StoredCase info_from(const json& value) {
  StoredCase info;
  info.key = value.at("key").get<std::string>();
  info.patient = value.at("patient").get<std::string>();
  info.split = value.at("split").get<std::string>();
  info.geometry = geometry_from(value.at("geometry"));
  info.source = geometry_from(value.at("source"));
  info.channels = value.at("channels").get<std::int64_t>();
  info.has_labels = value.at("has_labels").get<bool>();
  for (const json& target : value.at("targets")) {
    info.targets.push_back(target.is_null() ? std::numeric_limits<double>::quiet_NaN()
                                            : target.get<double>());
  }
  info.label_fractions = value.at("label_fractions").get<std::vector<double>>();
  return info;
}

json parse_flat(std::string_view text) {
  if (json_nesting(text) > kMaxJsonNesting) {
    throw std::invalid_argument("nested too deeply");
  }
  return json::parse(text);
}

// Any malformed JSON or value in `read` becomes one sentence.
template <class Read>
auto reading(const std::string& what, const Read& read) {
  try {
    return read();
  } catch (const json::exception&) {
    throw Error(ErrorCode::kUnreadable, "store: " + what + " is damaged; run prepare again");
  } catch (const std::logic_error&) {  // a number that is none
    throw Error(ErrorCode::kUnreadable, "store: " + what + " is damaged; run prepare again");
  }
}

}  // namespace

std::string store_fingerprint(const std::vector<IndexedCase>& cases) {
  std::string text;
  for (const IndexedCase& one : cases) {
    text +=
        json{one.info.key, geometry_json(one.info.geometry), hex(one.table_checksum)}.dump() + "\n";
  }
  return sha256_hex(text);
}

std::string index_to_text(StoreIndex index) {
  json cases = json::array();
  for (const IndexedCase& one : index.cases) {
    json value = info_json(one.info);
    value["file"] = one.file;
    value["bytes"] = one.bytes;
    value["header_checksum"] = hex(one.header_checksum);
    value["table_checksum"] = hex(one.table_checksum);
    cases.push_back(std::move(value));
  }
  const json store = {{"recipe", json::parse(recipe_to_json(index.recipe))},
                      {"recipe_digest", recipe_digest(index.recipe)},
                      {"fingerprint", store_fingerprint(index.cases)},
                      {"cases", std::move(cases)}};
  const json file = {{"format", kIndexFormat},
                     {"version", kIndexVersion},
                     {"checksum", hex(text_checksum(store.dump()))},
                     {"store", store}};
  return file.dump(1) + "\n";
}

StoreIndex read_index(const std::filesystem::path& file) {
  const std::string shown = printable(file.string(), 400);
  return reading(shown, [&file, &shown] {
    const json value = parse_flat(read_text(file));
    if (value.at("format").get<std::string>() != kIndexFormat) {
      throw Error(ErrorCode::kUnsupported,
                  "store: " + shown + " is not the index of a volume store");
    }
    if (value.at("version").get<int>() != kIndexVersion) {
      throw Error(ErrorCode::kUnsupported,
                  fmt::format("store: {} has format version {}, and this program reads version {}; "
                              "prepare the store "
                              "again with this program",
                              shown,
                              value.at("version").get<int>(),
                              kIndexVersion));
    }
    const json& store = value.at("store");
    if (text_checksum(store.dump()) != from_hex(value.at("checksum").get<std::string>())) {
      throw Error(ErrorCode::kUnreadable,
                  "store: " + shown + " fails its checksum; run prepare again");
    }
    StoreIndex index;
    index.recipe = recipe_from_json(store.at("recipe").dump());
    index.fingerprint = store.at("fingerprint").get<std::string>();
    for (const json& one : store.at("cases")) {
      index.cases.push_back({info_from(one),
                             one.at("file").get<std::string>(),
                             one.at("bytes").get<std::uint64_t>(),
                             from_hex(one.at("header_checksum").get<std::string>()),
                             from_hex(one.at("table_checksum").get<std::string>())});
    }
    return index;
  });
}

std::string metadata_to_text(const CaseMetadata& metadata) {
  json value = info_json(metadata.info);
  value["recipe"] = json::parse(recipe_to_json(metadata.recipe));
  return value.dump();
}

CaseMetadata metadata_from_text(std::string_view text, const std::string& label) {
  return reading("the metadata of case " + printable(label), [text] {
    const json value = parse_flat(text);
    return CaseMetadata{info_from(value), recipe_from_json(value.at("recipe").dump())};
  });
}

std::string case_file_name(std::string_view key) {
  std::string name;
  for (const char letter : key) {
    const bool plain = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                       (letter >= '0' && letter <= '9') || letter == '-' || letter == '_' ||
                       (letter == '.' && !name.empty());
    if (plain) {
      name.push_back(letter);
    } else {
      name += fmt::format("%{:02X}", static_cast<unsigned char>(letter));
    }
  }
  if (name.size() > kLongestName) {
    // '~' appears in no other name, so that a cut one cannot meet a whole one.
    name = name.substr(0, kLongestName) + "~" + sha256_hex(key).substr(0, 16);
  }
  return name + std::string(kCaseFileEnding);
}

}  // namespace marrow
