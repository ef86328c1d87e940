#include "apps/split_command.h"

#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/catalogue_file.h"
#include "apps/cli.h"
#include "core/error.h"
#include "io/catalogue/catalogue.h"
#include "io/catalogue/series_json.h"
#include "io/catalogue/split.h"

namespace marrow {
namespace {

struct SplitCommandOptions {
  std::vector<double> fractions{0.7, 0.15, 0.15};
  std::string stratify;
};

int split_run(const SplitCommandOptions& command, const CommandContext& context) {
  (void)open_work_catalogue(context);
  Catalogue catalogue(catalogue_path(context), Catalogue::Mode::kWrite);
  std::vector<SeriesRecord> kept;
  std::map<std::string, std::string> before;
  for (SeriesRecord& record : catalogue.series()) {
    if (is_kept(record)) {
      if (!record.split.empty()) {
        before[record.patient] = record.split;
      }
      kept.push_back(std::move(record));
    }
  }
  refuse_leak(kept);
  SplitOptions options;
  options.fractions = {command.fractions[0], command.fractions[1], command.fractions[2]};
  options.stratify = command.stratify;
  options.seed = context.options.seed;
  const std::map<std::string, std::string> parts = split_patients(kept, options);
  if (!before.empty() && before != parts && !context.overwrite) {
    throw Error(ErrorCode::kRefused,
                fmt::format("{} already has another split of {} patients; add --overwrite to "
                            "replace it (models that were "
                            "trained by the old one must then not be evaluated by the new one)",
                            catalogue_path(context).string(),
                            before.size()));
  }
  catalogue.set_splits(parts);
  std::map<std::string, std::int64_t> patients{{"train", 0}, {"validation", 0}, {"test", 0}};
  std::map<std::string, std::int64_t> series = patients;
  for (const auto& [patient, part] : parts) {
    ++patients[part];
  }
  for (const SeriesRecord& record : kept) {
    ++series[parts.at(record.patient)];
  }
  context.answer({{"patients", patients}, {"series", series}, {"seed", options.seed}});
  for (const char* part : {"train", "validation", "test"}) {
    context.print(
        fmt::format("{:<10} {:>6} patients  {:>6} series\n", part, patients[part], series[part]));
  }
  context.print(fmt::format(
      "seed {} · whole patients only -> {}\n", options.seed, catalogue_path(context).string()));
  return 0;
}

}  // namespace

void add_split_command(CommandTable& table) {
  auto options = std::make_shared<SplitCommandOptions>();
  Command& command = table.add("split",
                               "puts the patients of the catalogue into train, validation and test",
                               "marrow split --fractions 0.7,0.15,0.15 --stratify modality");
  command.app()
      .add_option(
          "--fractions", options->fractions, "train, validation, test (default 0.7,0.15,0.15)")
      ->delimiter(',')
      ->expected(3)
      ->type_name("A,B,C");
  command.app()
      .add_option("--stratify",
                  options->stratify,
                  "spread its values evenly: modality, format or a fact's name")
      ->type_name("KEY");
  command.takes_overwrite();
  command.runs([options](const CommandContext& context) { return split_run(*options, context); });
}

}  // namespace marrow
