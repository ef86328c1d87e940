#include "apps/split_command.h"

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/catalogue_file.h"
#include "apps/cli.h"
#include "core/error.h"
#include "core/files.h"
#include "core/interrupt.h"
#include "io/catalogue/catalogue.h"
#include "io/catalogue/series_json.h"
#include "io/catalogue/shared_scans.h"
#include "io/catalogue/split.h"
#include "io/catalogue/split_file.h"
#include "io/worker/worker_client.h"

namespace marrow {
namespace {

struct SplitCommandOptions {
  std::vector<double> fractions{0.7, 0.15, 0.15};
  std::string stratify;
  std::filesystem::path from;
};

// Who shares a scan with another patient is one patient with them.
std::map<std::string, std::string> shared_patients(const std::vector<SeriesRecord>& kept) {
  WorkerClient worker;
  return patients_sharing_scans(kept, [&](const SeriesRecord& record) {
    throw_if_interrupted("comparing scans");
    const auto volume = record.volumes > 1 ? std::optional<std::int64_t>(0) : record.volume;
    return worker.volume(record.files, volume);
  });
}

std::map<std::string, std::string> drawn_parts(std::vector<SeriesRecord> kept,
                                               const std::map<std::string, std::string>& shared,
                                               const SplitOptions& options) {
  for (SeriesRecord& record : kept) {
    const auto first = shared.find(record.patient);
    record.patient = first == shared.end() ? record.patient : first->second;
  }
  std::map<std::string, std::string> parts = split_patients(kept, options);
  for (const auto& [patient, first] : shared) {
    parts[patient] = parts.at(first);
  }
  return parts;
}

void refuse_shared_leak(const std::map<std::string, std::string>& parts,
                        const std::map<std::string, std::string>& shared) {
  const auto part_of = [&](const std::string& patient) {
    const auto found = parts.find(patient);
    return found == parts.end() ? std::string() : found->second;
  };
  for (const auto& [patient, first] : shared) {
    const std::string one = part_of(patient);
    const std::string other = part_of(first);
    if (!one.empty() && !other.empty() && one != other) {
      throw Error(ErrorCode::kRefused,
                  fmt::format("a leak: patients {} and {} have the same scan and are in {} and {}; "
                              "put both into one part",
                              first,
                              patient,
                              other,
                              one));
    }
  }
}

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
  const bool by_hand = !command.from.empty();
  const std::map<std::string, std::string> shared = shared_patients(kept);
  const std::map<std::string, std::string> parts =
      by_hand ? splits_from_csv(read_text(command.from), command.from, catalogue.series())
              : drawn_parts(kept, shared, options);
  refuse_shared_leak(parts, shared);
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
  std::int64_t in_no_part = 0;
  for (const SeriesRecord& record : kept) {
    const auto part = parts.find(record.patient);
    ++(part == parts.end() ? in_no_part : series[part->second]);
  }
  nlohmann::json answer{{"patients", patients},
                        {"series", series},
                        {"in_no_part", in_no_part},
                        {"patients_sharing_scans", shared.size()}};
  if (by_hand) {
    answer["from"] = command.from.string();
  } else {
    answer["seed"] = options.seed;
  }
  context.answer(answer);
  for (const char* part : {"train", "validation", "test"}) {
    context.print(
        fmt::format("{:<10} {:>6} patients  {:>6} series\n", part, patients[part], series[part]));
  }
  if (in_no_part > 0) {
    context.print(
        fmt::format("{:<10} {:>6}           {:>6} series of patients the file does not name\n",
                    "no part",
                    "",
                    in_no_part));
  }
  if (!shared.empty()) {
    context.print(fmt::format(
        "{} patients have scans that are also another's, voxel for voxel; they stay together\n",
        shared.size()));
  }
  context.print(fmt::format("{} · whole patients only -> {}\n",
                            by_hand ? "by hand" : fmt::format("seed {}", options.seed),
                            catalogue_path(context).string()));
  return 0;
}

}  // namespace

void add_split_command(CommandTable& table) {
  auto options = std::make_shared<SplitCommandOptions>();
  Command& command = table.add("split",
                               "puts the patients of the catalogue into train, validation and test",
                               "marrow split --fractions 0.7,0.15,0.15 --stratify modality");
  CLI::Option* const fractions =
      command.app()
          .add_option(
              "--fractions", options->fractions, "train, validation, test (default 0.7,0.15,0.15)")
          ->delimiter(',')
          ->expected(3)
          ->type_name("A,B,C");
  CLI::Option* const stratify =
      command.app()
          .add_option("--stratify",
                      options->stratify,
                      "spread its values evenly: modality, format or a fact's name")
          ->type_name("KEY");
  command.app()
      .add_option("--from",
                  options->from,
                  "a split made by hand: CSV with the columns patient or key, and split")
      ->type_name("FILE.csv")
      ->excludes(fractions)
      ->excludes(stratify);
  command.takes_overwrite();
  command.runs([options](const CommandContext& context) { return split_run(*options, context); });
}

}  // namespace marrow
