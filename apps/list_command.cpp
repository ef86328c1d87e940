#include "apps/list_command.h"

#include <filesystem>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/catalogue_file.h"
#include "apps/cli.h"
#include "apps/list_text.h"
#include "core/error.h"
#include "core/files.h"
#include "core/progress.h"
#include "core/records.h"
#include "core/text.h"
#include "io/catalogue/cases.h"
#include "io/catalogue/catalogue.h"
#include "io/catalogue/select.h"
#include "io/catalogue/subset_file.h"

namespace marrow {
namespace {

struct ListCommandOptions {
  std::string where;
  std::string format = "table";
  std::string of = "series";
  std::string subset;          // only its series
  std::string save;            // the series listed, under this name
  std::filesystem::path from;  // a list of keys
  bool subsets = false;
};

void print_rows(const std::vector<std::string>& columns,
                const std::vector<std::vector<Cell>>& rows,
                const std::string& name,
                const ListCommandOptions& options,
                const CommandContext& context) {
  if (context.options.json) {
    context.answer({{name, rows_json(columns, rows)}});
  } else if (options.format == "json") {
    context.print(nlohmann::json{{name, rows_json(columns, rows)}}.dump(2) + "\n");
  } else if (options.format == "csv") {
    context.print(rows_csv(columns, rows));
  } else {
    context.print(
        rows_table(columns, rows) +
        fmt::format("{} {}\n", format_count(static_cast<std::int64_t>(rows.size())), name));
  }
}

int list_subsets(const ListCommandOptions& options, const CommandContext& context) {
  const Catalogue catalogue = open_work_catalogue(context);
  std::vector<std::vector<Cell>> rows;
  for (const Subset& subset : catalogue.subsets()) {
    const SubsetState state = catalogue.subset_state(subset);
    std::set<std::string> patients;
    for (const SeriesRecord& record : state.series) {
      patients.insert(record.patient);
    }
    const std::string now =
        state.gone.empty() && state.changed.empty()
            ? "as saved"
            : fmt::format("{} gone, {} changed", state.gone.size(), state.changed.size());
    rows.push_back({subset.name,
                    static_cast<std::int64_t>(subset.digest_of_series.size()),
                    static_cast<std::int64_t>(patients.size()),
                    now,
                    subset.digest,
                    subset.expression});
  }
  print_rows({"name", "series", "patients", "state", "sha256", "expression"},
             rows,
             "subsets",
             options,
             context);
  return 0;
}

std::vector<SeriesRecord> listed_series(const ListCommandOptions& options,
                                        const Catalogue& catalogue) {
  std::vector<SeriesRecord> records =
      options.where.empty() ? catalogue.series() : catalogue.select(options.where);
  std::erase_if(records, std::not_fn(subset_filter(catalogue, options.subset)));
  if (!options.from.empty()) {
    const std::set<std::string> named =
        keys_from_file(read_text(options.from), options.from, catalogue);
    std::erase_if(records, [&](const SeriesRecord& record) { return !named.contains(record.key); });
  }
  return records;
}

int save_listed(const ListCommandOptions& options, const CommandContext& context) {
  (void)open_work_catalogue(context);
  Catalogue catalogue(catalogue_path(context), Catalogue::Mode::kWrite);
  const std::vector<SeriesRecord> records = listed_series(options, catalogue);
  for (const Subset& known : catalogue.subsets()) {
    if (known.name == options.save && !context.overwrite) {
      throw Error(ErrorCode::kRefused,
                  fmt::format("there is a subset {} of {} series already; add --overwrite to "
                              "replace it, or choose another name",
                              known.name,
                              known.digest_of_series.size()));
    }
  }
  const Subset subset = catalogue.save_subset(options.save, options.where, records);
  context.answer({{"subset", subset.name}, {"series", records.size()}, {"sha256", subset.digest}});
  context.print(fmt::format("{} series -> subset {}   sha256 {}\n",
                            format_count(static_cast<std::int64_t>(records.size())),
                            subset.name,
                            subset.digest));
  return 0;
}

int list_run(const ListCommandOptions& options, const CommandContext& context) {
  if (options.subsets) {
    return list_subsets(options, context);
  }
  const bool of_series = options.of == "series";
  const bool chooses = !options.subset.empty() || !options.from.empty() || !options.save.empty();
  if (!of_series && chooses) {
    throw Error(ErrorCode::kInvalidArgument,
                "--subset, --from and --save choose series; use them without --of " + options.of);
  }
  if (!options.save.empty()) {
    return save_listed(options, context);
  }
  const Catalogue catalogue = open_work_catalogue(context);
  if (!of_series) {
    const CatalogueView& view = catalogue_view(options.of);
    print_rows(view.columns,
               select_rows(catalogue.file(), view, view.columns, options.where),
               options.of,
               options,
               context);
    return 0;
  }
  const std::vector<SeriesRecord> records = listed_series(options, catalogue);
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
                               "marrow list --where \"modality='CT' and slices>40\" --save chest");
  CLI::App& app = command.app();
  std::vector<std::string> names;
  for (const CatalogueView& view : catalogue_views()) {
    names.push_back(view.name);
  }
  app.add_option("--of", options->of, join(names, ", ") + " (default series)")
      ->check(CLI::IsMember(names))
      ->type_name("LIST");
  app.add_option(
         "--where",
         options->where,
         "only rows for which this holds; columns of series: " + join(listing_columns(), " "))
      ->type_name("EXPRESSION");
  app.add_option("--format", options->format, "table, csv or json (default table)")
      ->check(CLI::IsMember({"table", "csv", "json"}))
      ->type_name("FORMAT");
  app.add_option("--from", options->from, "only series that a CSV or JSON file names by key")
      ->type_name("FILE");
  app.add_option("--subset", options->subset, "only series of a saved subset")->type_name("NAME");
  app.add_option("--save", options->save, "save the series listed as a subset of this name")
      ->type_name("NAME");
  app.add_flag(
      "--subsets", options->subsets, "the subsets, and whether they are as they were saved");
  command.takes_overwrite();
  command.runs([options](const CommandContext& context) { return list_run(*options, context); });
}

}  // namespace marrow
