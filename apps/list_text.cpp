#include "apps/list_text.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/catalogue_file.h"
#include "core/progress.h"
#include "core/text.h"
#include "io/catalogue/series_json.h"

namespace marrow {

namespace {

constexpr std::size_t kWidestCell = 64;
constexpr std::size_t kWholeCell = 4096;

struct CellText {
  std::size_t limit;

  std::string operator()(std::monostate) const { return {}; }

  std::string operator()(std::int64_t number) const { return std::to_string(number); }

  std::string operator()(double number) const { return fmt::format("{:g}", number); }

  std::string operator()(const std::string& text) const { return printable(text, limit); }
};

struct CellJson {
  nlohmann::json operator()(std::monostate) const { return nullptr; }

  nlohmann::json operator()(std::int64_t number) const { return number; }

  nlohmann::json operator()(double number) const { return number; }

  nlohmann::json operator()(const std::string& text) const { return printable(text, kWholeCell); }
};

}  // namespace

std::string list_table(const std::vector<SeriesRecord>& records) {
  std::string text = fmt::format("{:<16}  {:<2}  {:<13} {:<20} {:>5}  {:<8} {:<10} {}\n",
                                 "key",
                                 "mo",
                                 "size",
                                 "spacing",
                                 "files",
                                 "verdict",
                                 "split",
                                 "reason");
  for (const SeriesRecord& record : records) {
    std::string line = fmt::format("{:<16}  {:<2}  {:<13} {:<20} {:>5}  {:<8} {:<10} {}",
                                   record.key,
                                   modality_name(record.modality),
                                   size_text(record),
                                   spacing_text(record),
                                   record.files.size(),
                                   verdict_name(record.verdict),
                                   record.split,
                                   record.dropped_because.empty() ? record.reason_code : "dropped");
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text + fmt::format("{} series\n", format_count(static_cast<std::int64_t>(records.size())));
}

std::string list_csv(const std::vector<SeriesRecord>& records) {
  std::string text =
      "key,patient,study,modality,columns,rows,slices,spacing_x_mm,spacing_y_mm,spacing_z_mm,"
      "volumes,volume,files,verdict,"
      "reason_code,reason,split,kept,dropped_because\n";
  for (const SeriesRecord& record : records) {
    std::vector<std::string> fields = {
        record.key, record.patient, record.study, std::string(modality_name(record.modality))};
    for (std::size_t axis = 0; axis < 3; ++axis) {
      fields.push_back(record.geometry ? std::to_string(record.geometry->size[axis]) : "");
    }
    for (Eigen::Index axis = 0; axis < 3; ++axis) {
      fields.push_back(record.geometry ? fmt::format("{}", record.geometry->spacing[axis]) : "");
    }
    fields.push_back(std::to_string(record.volumes));
    fields.push_back(record.volume ? std::to_string(*record.volume) : "");
    fields.push_back(std::to_string(record.files.size()));
    fields.emplace_back(verdict_name(record.verdict));
    fields.push_back(csv_field(record.reason_code));
    fields.push_back(csv_field(record.reason));
    fields.push_back(record.split);
    fields.emplace_back(is_kept(record) ? "1" : "0");
    fields.push_back(csv_field(record.dropped_because));
    text += join(fields, ",") + "\n";
  }
  return text;
}

nlohmann::json list_json(const std::vector<SeriesRecord>& records) {
  nlohmann::json list = nlohmann::json::array();
  for (const SeriesRecord& record : records) {
    list.push_back(series_json(record));
  }
  return {{"series", std::move(list)}};
}

std::string rows_table(const std::vector<std::string>& columns,
                       const std::vector<std::vector<Cell>>& rows) {
  std::vector<std::vector<std::string>> texts{columns};
  for (const std::vector<Cell>& row : rows) {
    std::vector<std::string>& text = texts.emplace_back();
    for (const Cell& cell : row) {
      text.push_back(std::visit(CellText{kWidestCell}, cell));
    }
  }
  std::vector<std::size_t> widths(columns.size(), 0);
  for (const std::vector<std::string>& row : texts) {
    for (std::size_t n = 0; n < columns.size(); ++n) {
      widths[n] = std::max(widths[n], row[n].size());
    }
  }
  std::string table;
  for (const std::vector<std::string>& row : texts) {
    std::string line;
    for (std::size_t n = 0; n < columns.size(); ++n) {
      line += fmt::format("{:<{}}  ", row[n], widths[n]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    table += line + "\n";
  }
  return table;
}

std::string rows_csv(const std::vector<std::string>& columns,
                     const std::vector<std::vector<Cell>>& rows) {
  std::string text = join(columns, ",") + "\n";
  for (const std::vector<Cell>& row : rows) {
    std::vector<std::string> fields;
    for (const Cell& cell : row) {
      const bool is_text = std::holds_alternative<std::string>(cell);
      std::string field = std::visit(CellText{kWholeCell}, cell);
      fields.push_back(is_text ? csv_field(field) : std::move(field));
    }
    text += join(fields, ",") + "\n";
  }
  return text;
}

nlohmann::json rows_json(const std::vector<std::string>& columns,
                         const std::vector<std::vector<Cell>>& rows) {
  nlohmann::json list = nlohmann::json::array();
  for (const std::vector<Cell>& row : rows) {
    nlohmann::json object = nlohmann::json::object();
    for (std::size_t n = 0; n < columns.size(); ++n) {
      object[columns[n]] = std::visit(CellJson{}, row[n]);
    }
    list.push_back(std::move(object));
  }
  return list;
}

}  // namespace marrow
