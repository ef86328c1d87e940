#include "apps/prepare_command.h"

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/archive_cases.h"
#include "apps/catalogue_file.h"
#include "apps/cli.h"
#include "apps/data_counts.h"
#include "apps/training_data.h"
#include "core/error.h"
#include "core/files.h"
#include "core/progress.h"
#include "io/catalogue/cases.h"
#include "io/catalogue/catalogue.h"
#include "io/catalogue/series_filter.h"
#include "io/image_source.h"
#include "volumes/preprocess/prepare.h"
#include "volumes/preprocess/recipe.h"

namespace marrow {
namespace {

struct PrepareCommandOptions {
  std::filesystem::path data;
  std::string where;
  std::string subset;
};

int prepare_report(const CommandContext& context,
                   const std::filesystem::path& store,
                   const PrepareResult& result,
                   std::int64_t known) {
  const std::filesystem::path list = context.options.work / "prepare_issues.jsonl";
  write_issues(list, result.issues);
  context.answer({{"volumes", result.volumes},
                  {"bytes_in", result.bytes_in},
                  {"bytes_store", result.bytes_store},
                  {"seconds", result.seconds},
                  {"refused", result.issues.size()},
                  {"store", store.string()}});
  context.print(fmt::format("{} volumes of {} -> {}   {} on disk   {}\n",
                            format_count(result.volumes),
                            format_count(known),
                            store.string(),
                            format_bytes(result.bytes_store),
                            format_duration(result.seconds)));
  if (!result.issues.empty()) {
    context.print(fmt::format(
        "  refused {}, each with its reason: {}\n", result.issues.size(), list.string()));
  }
  context.print("next: marrow pretrain --config pretrain/spark3d.yaml --out runs/spark\n");
  return result.issues.empty() ? 0 : exit_code(ErrorCode::kPartial);
}

int prepare_catalogue(const PrepareCommandOptions& options,
                      const RecipeOptions& recipe,
                      const SelectOptions& select,
                      const CommandContext& context) {
  const Catalogue catalogue = open_work_catalogue(context);
  // The other series of the archive are not the recipe's business.
  const std::string modality = series_fitting(recipe);
  std::string where = modality;
  if (!options.where.empty()) {
    where += " and (" + options.where + ")";
  }
  const auto in_subset = subset_filter(catalogue, options.subset);
  std::map<std::string, std::int64_t> not_wanted;
  const auto say_not_wanted = [&] {
    for (const auto& [because, count] : not_wanted) {
      context.say(fmt::format("not selected: {} series ({})", format_count(count), because));
    }
  };
  std::vector<Case> cases;
  try {
    cases = cases_from_catalogue(catalogue, where, [&](const SeriesRecord& record) {
      const std::string because = in_subset(record) ? not_wanted_because(record, select)
                                                    : "not in subset " + options.subset;
      if (!because.empty()) {
        ++not_wanted[because];
      }
      return because.empty();
    });
  } catch (const Error&) {
    say_not_wanted();
    throw;
  }
  say_not_wanted();
  const std::filesystem::path store = context.options.work / "store";
  if (context.overwrite) {
    std::filesystem::remove_all(store);
  }
  const std::unique_ptr<VolumeSource> source = make_image_source();
  const PrepareResult result = prepare(cases, *source, recipe, store, context.options.threads);
  const auto known = static_cast<std::int64_t>(cases.size());
  const DataFlow flow = catalogue_flow(catalogue, {modality, known, result.volumes, result.issues});
  write_atomically(store / "flow.json", flow_to_json(flow));
  return prepare_report(context, store, result, known);
}

int prepare_data(const PrepareCommandOptions& options,
                 const RecipeOptions& recipe,
                 const CommandContext& context) {
  const TrainingData data = open_dataset(
      options.data, context.options.work, recipe, context.options.seed, context.options.threads);
  return prepare_report(
      context, data.folder, data.prepared, static_cast<std::int64_t>(data.dataset.cases.size()));
}

int prepare_run(const PrepareCommandOptions& options, const CommandContext& context) {
  context.config.allow_sections({"prepare", "select"});
  const auto recipe = context.config.section("prepare").parse<RecipeOptions>();
  const auto select = context.config.section("select").parse<SelectOptions>();
  check_select(select);
  return options.data.empty() ? prepare_catalogue(options, recipe, select, context)
                              : prepare_data(options, recipe, context);
}

}  // namespace

void add_prepare_command(CommandTable& table) {
  auto options = std::make_shared<PrepareCommandOptions>();
  Command& command =
      table.add("prepare",
                "resamples and normalises the kept series once, into a volume store",
                "marrow prepare --config prepare/ct.yaml prepare.window_hu=[-160,240]");
  command.app()
      .add_option(
          "--data", options->data, "a data set instead of the catalogue, into WORK/datasets")
      ->type_name("DATASET");
  command.app()
      .add_option("--where", options->where, "only series for which this holds (see list)")
      ->type_name("EXPRESSION");
  command.app()
      .add_option("--subset", options->subset, "only series of a saved subset (see list)")
      ->type_name("NAME");
  command.takes_config("prepare/mr.yaml");
  command.takes_overwrite();
  command.runs([options](const CommandContext& context) { return prepare_run(*options, context); });
}

}  // namespace marrow
