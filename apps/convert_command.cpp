#include "apps/convert_command.h"

#include <algorithm>
#include <cmath>
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
#include "core/progress.h"
#include "io/catalogue/catalogue.h"
#include "io/catalogue/series_json.h"
#include "io/nifti/nifti.h"
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

// Everything the catalogue knows under the inputs, by key.
std::vector<SeriesRecord> convert_series(const Catalogue& catalogue,
                                         const std::vector<std::filesystem::path>& inputs) {
  std::map<std::string, SeriesRecord> found;
  for (const std::filesystem::path& input : inputs) {
    try {
      for (SeriesRecord& record :
           catalogue.find(std::filesystem::absolute(input).lexically_normal().string())) {
        found.emplace(record.key, std::move(record));
      }
    } catch (const Error& failure) {
      // An input without any series is among the issues of the scan.
      if (failure.code() != ErrorCode::kNothingFound) {
        throw;
      }
    }
  }
  std::vector<SeriesRecord> records;
  for (auto& [key, record] : found) {
    records.push_back(std::move(record));
  }
  return records;
}

bool convert_fits_int16(const Volume& volume) {
  return std::all_of(volume.voxels.begin(), volume.voxels.end(), [](float value) {
    return value >= -32768.0F && value <= 32767.0F && value == std::nearbyint(value);
  });
}

bool convert_is_below(const std::filesystem::path& path,
                      const std::vector<std::filesystem::path>& inputs) {
  return std::any_of(inputs.begin(), inputs.end(), [&](const std::filesystem::path& input) {
    const std::filesystem::path whole = std::filesystem::absolute(input).lexically_normal();
    const std::string text = path.lexically_normal().string();
    std::string start = whole.string();
    return text == start || text.rfind((start.back() == '/' ? start : start + "/"), 0) == 0;
  });
}

nlohmann::json convert_write(const ConvertJob& job, WorkerClient& worker) {
  const Volume volume = worker.volume(job.record.files, job.volume);
  if (convert_fits_int16(volume)) {
    write_nifti_int16(job.image, volume);
  } else {
    write_nifti(job.image, volume);
  }
  nlohmann::json facts = series_json(job.record);
  for (const char* own : {"kept", "dropped_because", "split"}) {
    facts.erase(own);
  }
  if (job.volume) {
    facts["volume"] = *job.volume;
  }
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
    if (record.verdict == Verdict::kRefuse || record.verdict == Verdict::kResample) {
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

int convert_run(const ConvertCommandOptions& options, const CommandContext& context) {
  (void)scan_into_work(options.inputs, context, true);
  const Catalogue catalogue = open_work_catalogue(context);
  nlohmann::json outputs = nlohmann::json::array();
  nlohmann::json refused = nlohmann::json::array();
  const std::vector<ConvertJob> jobs =
      convert_jobs(convert_series(catalogue, options.inputs), context, options.out, refused);
  for (const Issue& issue : catalogue.issues()) {
    if (convert_is_below(issue.path, options.inputs) &&
        std::filesystem::is_regular_file(issue.path)) {
      refused.push_back(issue_json(issue));
    }
  }
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
