#include "apps/list_command.h"

#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/catalogue_file.h"
#include "apps/cli.h"
#include "core/progress.h"
#include "core/records.h"
#include "core/text.h"
#include "io/catalogue/catalogue.h"
#include "io/catalogue/series_json.h"

namespace marrow {
namespace {

struct ListCommandOptions {
  std::string where;
  std::string format = "table";
};

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
      "volumes,files,verdict,"
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

int list_run(const ListCommandOptions& options, const CommandContext& context) {
  const Catalogue catalogue = open_work_catalogue(context);
  const std::vector<SeriesRecord> records =
      options.where.empty() ? catalogue.series() : catalogue.select(options.where);
  if (context.options.json) {
    context.answer(list_json(records));
  } else if (options.format == "json") {
    context.print(list_json(records).dump(2) + "\n");
  } else {
    context.print(options.format == "csv" ? list_csv(records) : list_table(records));
  }
  return 0;
}

}  // namespace

void add_list_command(CommandTable& table) {
  auto options = std::make_shared<ListCommandOptions>();
  Command& command = table.add("list",
                               "shows what is in the catalogue",
                               "marrow list --where \"modality='CT' and slices>40\"");
  command.app()
      .add_option("--where",
                  options->where,
                  "only series for which this holds; columns: " + join(listing_columns(), " "))
      ->type_name("EXPRESSION");
  command.app()
      .add_option("--format", options->format, "table, csv or json (default table)")
      ->check(CLI::IsMember({"table", "csv", "json"}))
      ->type_name("FORMAT");
  command.runs([options](const CommandContext& context) { return list_run(*options, context); });
}

}  // namespace marrow
