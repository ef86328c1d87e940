#include "apps/convert_command.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/catalogue_file.h"
#include "apps/cli.h"
#include "core/error.h"
#include "core/files.h"
#include "core/interrupt.h"
#include "core/progress.h"
#include "core/text.h"
#include "io/catalogue/acquisition_json.h"
#include "io/catalogue/catalogue.h"
#include "io/catalogue/series_json.h"
#include "io/nifti/nifti.h"
#include "io/scan/scan.h"
#include "io/worker/worker_client.h"

namespace marrow {
namespace {

struct ConvertCommandOptions {
  std::vector<std::filesystem::path> inputs;
  std::filesystem::path out;
};

struct ConvertJob {
  SeriesRecord record;
  std::optional<std::int64_t> volume;  // of a file with several
  std::filesystem::path image;
};

bool convert_fits_int16(const Volume& volume) {
  return std::all_of(volume.voxels.begin(), volume.voxels.end(), [](float value) {
    return value >= -32768.0F && value <= 32767.0F && value == std::nearbyint(value);
  });
}

nlohmann::json convert_write(const ConvertJob& job, WorkerClient& worker) {
  const Volume volume = worker.volume(job.record.files, job.volume);
  if (convert_fits_int16(volume)) {
    write_nifti_int16(job.image, volume);
  } else {
    write_nifti(job.image, volume);
  }
  nlohmann::json series = series_json(job.record);
  for (const char* own : {"kept", "dropped_because", "split"}) {
    series.erase(own);
  }
  if (job.volume) {
    series["volume"] = *job.volume;
  }
  if (!worker.warnings().empty()) {
    series["voxel_warnings"] = worker.warnings();
  }
  nlohmann::json facts = acquisition_json(job.record);
  facts["Marrow"] = std::move(series);
  std::filesystem::path sidecar = job.image;
  sidecar.replace_extension().replace_extension(".json");
  write_atomically(sidecar, facts.dump(2) + "\n");
  const Geometry& grid = volume.geometry;
  return {{"path", job.image.string()},
          {"key", job.record.key},
          {"size", grid.size},
          {"spacing_mm", {grid.spacing[0], grid.spacing[1], grid.spacing[2]}},
          {"volumes", 1}};
}

std::vector<ConvertJob> convert_jobs(std::vector<SeriesRecord> records,
                                     const CommandContext& context,
                                     const std::filesystem::path& out,
                                     nlohmann::json& refused) {
  std::vector<ConvertJob> jobs;
  for (SeriesRecord& record : records) {
    if (record.verdict == Verdict::kRefuse) {
      refused.push_back(
          {{"key", record.key}, {"code", record.reason_code}, {"reason", record.reason}});
      continue;
    }
    for (std::int64_t n = 0; n < record.volumes; ++n) {
      const bool several = record.volumes > 1;
      const std::string name = several ? fmt::format("{}_v{:04}", record.key, n) : record.key;
      jobs.push_back(
          {record, several ? std::optional(n) : record.volume, out / (name + ".nii.gz")});
      if (!context.overwrite && std::filesystem::exists(jobs.back().image)) {
        throw Error(ErrorCode::kRefused,
                    "-o: " + jobs.back().image.string() +
                        " exists already; add --overwrite or name another folder");
      }
    }
  }
  return jobs;
}

// Nothing is written where the images lie, whoever owns the folder.
void convert_check_out(const ConvertCommandOptions& options) {
  for (const std::filesystem::path& input : options.inputs) {
    if (std::filesystem::is_directory(input) && lies_within(options.out, input)) {
      throw Error(ErrorCode::kInvalidArgument,
                  "-o: expected a folder outside of the inputs, found " +
                      printable(options.out.string(), 400) + " within " +
                      printable(input.string(), 400) + "; name another folder");
    }
  }
}

// In a catalogue of its own, since what is converted is no part of the archive that is learned
// from; with the names by which --work knows its series.
Catalogue convert_scan(const ConvertCommandOptions& options,
                       const CommandContext& context,
                       const std::filesystem::path& file) {
  const Catalogue known(catalogue_path(context), Catalogue::Mode::kWrite);
  Catalogue catalogue(file, Catalogue::Mode::kWrite);
  catalogue.name_with(known.salt());
  static_cast<void>(scan(options.inputs, catalogue, scan_options(context, true)));
  return catalogue;
}

// Refused files; those of refused series are said with the series.
void convert_add_issues(const Catalogue& catalogue, nlohmann::json& refused) {
  std::set<std::pair<std::filesystem::path, std::string>> of_series;
  for (const SeriesRecord& record : catalogue.series()) {
    if (record.verdict == Verdict::kRefuse && !record.files.empty()) {
      of_series.emplace(record.files.front(), record.reason_code);
    }
  }
  for (const Issue& issue : catalogue.issues()) {
    if (!of_series.contains({issue.path, issue.reason_code})) {
      refused.push_back(issue_json(issue));
    }
  }
}

int convert_run(const ConvertCommandOptions& options, const CommandContext& context) {
  convert_check_out(options);
  const TemporaryFolder folder;
  const Catalogue catalogue = convert_scan(options, context, folder.path() / "catalogue.db");
  nlohmann::json outputs = nlohmann::json::array();
  nlohmann::json refused = nlohmann::json::array();
  std::vector<SeriesRecord> records = catalogue.series();
  std::sort(records.begin(), records.end(), [](const SeriesRecord& a, const SeriesRecord& b) {
    return std::tie(a.files.front(), a.volume, a.key) < std::tie(b.files.front(), b.volume, b.key);
  });
  const std::vector<ConvertJob> jobs =
      convert_jobs(std::move(records), context, options.out, refused);
  convert_add_issues(catalogue, refused);
  WorkerClient worker;
  Progress progress(
      "convert", static_cast<std::int64_t>(jobs.size()), "volumes", default_progress_style());
  for (const ConvertJob& job : jobs) {
    throw_if_interrupted("converting");
    try {
      outputs.push_back(convert_write(job, worker));
    } catch (const Error& failure) {
      if (failure.code() != ErrorCode::kUnreadable && failure.code() != ErrorCode::kUnsupported &&
          failure.code() != ErrorCode::kRefused) {
        throw;
      }
      refused.push_back({{"key", job.record.key},
                         {"code", error_name(failure.code())},
                         {"reason", failure.what()}});
    }
    progress.advance();
  }
  progress.finish();
  context.answer({{"outputs", outputs}, {"refused", refused}});
  for (const nlohmann::json& output : outputs) {
    context.print(output.at("path").get<std::string>() + "\n");
  }
  for (const nlohmann::json& one : refused) {
    context.say("refused: " + one.at("reason").get<std::string>());
  }
  if (outputs.empty()) {
    throw Error(
        ErrorCode::kNothingFound,
        fmt::format("none of the inputs holds a volume that could be converted ({} refused)",
                    refused.size()));
  }
  context.say(fmt::format("{} volumes -> {}{}",
                          outputs.size(),
                          options.out.string(),
                          refused.empty() ? "" : fmt::format("; {} refused", refused.size())));
  return refused.empty() ? 0 : exit_code(ErrorCode::kPartial);
}

}  // namespace

void add_convert_command(CommandTable& table) {
  auto options = std::make_shared<ConvertCommandOptions>();
  Command& command =
      table.add("convert",
                "turns DICOM or any readable image into NIfTI, one file per volume, geometry exact",
                "marrow convert /archive/series3 -o nifti");
  command.app().add_option("INPUT", options->inputs, "folders or files")->required()->type_name("");
  command.app()
      .add_option("-o,--out", options->out, "folder for KEY.nii.gz and KEY.json")
      ->required()
      ->type_name("DIR");
  command.takes_overwrite();
  command.runs([options](const CommandContext& context) { return convert_run(*options, context); });
}

}  // namespace marrow
