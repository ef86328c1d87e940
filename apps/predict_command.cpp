#include "apps/predict_command.h"

#include <algorithm>
#include <chrono>

#include <ATen/Parallel.h>
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli.h"
#include "apps/predictor.h"
#include "core/digest.h"
#include "core/error.h"
#include "core/files.h"
#include "core/interrupt.h"
#include "core/log.h"
#include "core/progress.h"
#include "core/text.h"
#include "io/catalogue/cases.h"
#include "io/catalogue/catalogue.h"
#include "io/file_endings.h"
#include "io/image_source.h"
#include "io/scan/scan.h"

namespace marrow {

namespace {

struct PredictArguments {
  std::filesystem::path run;
  std::filesystem::path input;
  std::filesystem::path output;
  std::string formats = "nifti";
  std::string contract = "match";
};

struct PredictInput {
  std::string name;  // of the output file
  ImageRef image;
  Modality modality = Modality::kUnknown;
};

// A file is taken as it is, and so is every picture of a folder that has any. Another folder is
// scanned, and every series with the verdict "use" is predicted. Refused ones come back as issues.
std::vector<PredictInput> find_inputs(const std::filesystem::path& input,
                                      std::vector<Issue>& issues) {
  if (!std::filesystem::exists(input)) {
    throw Error(ErrorCode::kNothingFound, "--input: there is no " + printable(input.string(), 400));
  }
  std::vector<PredictInput> inputs;
  if (std::filesystem::is_regular_file(input)) {
    inputs.push_back({without_image_ending(input.filename().string()),
                      ImageRef{keyed_digest("predict", input.string()), {input}}});
    return inputs;
  }
  std::vector<std::filesystem::path> pictures;
  for (const auto& entry : std::filesystem::directory_iterator(input)) {
    if (entry.is_regular_file() && has_picture_ending(entry.path().filename().string())) {
      pictures.push_back(entry.path());
    }
  }
  std::sort(pictures.begin(), pictures.end());
  for (const std::filesystem::path& picture : pictures) {
    inputs.push_back({without_image_ending(picture.filename().string()),
                      ImageRef{keyed_digest("predict", picture.string()), {picture}}});
  }
  if (!inputs.empty()) {
    return inputs;
  }
  const TemporaryFolder folder;
  Catalogue catalogue(folder.path() / "catalogue.db", Catalogue::Mode::kWrite);
  const std::vector<std::filesystem::path> archive = {input};
  ScanOptions options;
  // What a user points at is meant, also when other software made it from other images.
  options.use_derived = true;
  static_cast<void>(scan(archive, catalogue, options));
  issues = catalogue.issues();
  for (const SeriesRecord& series : catalogue.series()) {
    if (series.verdict == Verdict::kRefuse) {
      issues.push_back({series.files.empty() ? input : series.files.front(),
                        ErrorCode::kUnsupported,
                        series.reason_code,
                        series.reason,
                        ""});
      continue;
    }
    // A volume file keeps its name; a DICOM stack is called by its folder, which says nothing
    // about a patient that the input did not say already, plus the key where a folder holds
    // several.
    const std::string name = series.format != "dicom"
                                 ? without_image_ending(series.files.front().filename().string())
                                 : series.files.front().parent_path().filename().string();
    inputs.push_back({name, ImageRef{series.key, series.files, series.volume}, series.modality});
  }
  for (PredictInput& item : inputs) {
    const auto same = std::count_if(inputs.begin(), inputs.end(), [&](const PredictInput& other) {
      return other.name == item.name;
    });
    if (same > 1) {
      item.image.key.resize(16);
      item.name += "_" + item.image.key;
    }
  }
  return inputs;
}

int run_predict(const CommandContext& context, const PredictArguments& arguments) {
  for (const std::string& format : split_words(arguments.formats, ',')) {
    if (format != "nifti") {
      throw Error(ErrorCode::kUnsupported,
                  "--format: nifti is written so far, found \"" + printable(format) + "\"");
    }
  }
  at::set_num_threads(static_cast<int>(context.options.threads));
  const std::unique_ptr<Predictor> predictor = make_predictor(arguments.run);
  const ContractRule rule = contract_rule_from_name(arguments.contract);
  std::vector<Issue> issues;
  const std::vector<PredictInput> inputs = find_inputs(arguments.input, issues);
  const std::unique_ptr<VolumeSource> source = make_image_source();
  nlohmann::ordered_json outputs = nlohmann::ordered_json::array();
  std::string text;
  Progress progress(
      "predict", static_cast<std::int64_t>(inputs.size()), "images", default_progress_style());
  for (const PredictInput& item : inputs) {
    throw_if_interrupted("predicting");
    const auto start = std::chrono::steady_clock::now();
    const std::filesystem::path file = arguments.output / predictor->file_name(item.name);
    try {
      if (std::filesystem::exists(file) && !context.overwrite) {
        throw Error(ErrorCode::kRefused,
                    file.string() + " exists already; say --overwrite, or name another --output");
      }
      const Volume image = source->volume(item.image);
      const PreparedVolume prepared = prepare_volume(image, predictor->recipe());
      settle_breach(
          rule,
          item.name,
          contract_breach(predictor->contract(), item.modality, prepared.volume.geometry));
      const std::string line = predictor->predict(item.name, image, prepared, file);
      const double seconds =
          std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      outputs.push_back({{"path", file.string()},
                         {"key", item.image.key},
                         {"seconds", seconds},
                         {"peak_rss_mb", static_cast<double>(peak_rss_bytes()) / 1048576.0}});
      text += fmt::format("  {}  {}\n", file.string(), line);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kInterrupted || error.code() == ErrorCode::kResources) {
        throw;
      }
      issues.push_back({item.image.files.front(),
                        error.code(),
                        std::string(error_name(error.code())),
                        error.what(),
                        ""});
    }
    progress.advance();
  }
  progress.finish();
  nlohmann::ordered_json refused = nlohmann::ordered_json::array();
  for (const Issue& issue : issues) {
    refused.push_back({{"path", printable(issue.path.string(), 400)},
                       {"code", issue.reason_code},
                       {"reason", issue.reason}});
    text += "  refused: " + printable(issue.path.filename().string()) + ": " + issue.reason + "\n";
  }
  context.answer({{"outputs", outputs}, {"refused", refused}});
  context.print(fmt::format("{} {}, {} refused (research use only)\n",
                            outputs.size(),
                            predictor->done(),
                            refused.size()) +
                text);
  if (outputs.empty()) {
    // One input that failed keeps its own code; a folder without anything usable is "nothing
    // found".
    return issues.size() == 1 ? exit_code(issues.front().code)
                              : exit_code(ErrorCode::kNothingFound);
  }
  return refused.empty() ? 0 : exit_code(ErrorCode::kPartial);
}

}  // namespace

void add_predict_command(CommandTable& table) {
  auto arguments = std::make_shared<PredictArguments>();
  Command& command = table.add("predict",
                               "segments or classifies images that nobody has labelled",
                               "marrow predict runs/seg -i study/ -o out/");
  command.app().add_option("RUN", arguments->run, "a fine-tuned run")->required();
  command.app()
      .add_option("-i,--input",
                  arguments->input,
                  "a NIfTI file, a picture, a DICOM folder, or a folder of them")
      ->required();
  command.app().add_option("-o,--output", arguments->output, "folder for the results")->required();
  command.app().add_option("--format", arguments->formats, "nifti");
  command.app().add_option("--contract", arguments->contract, kContractWords);
  command.takes_overwrite();
  command.runs(
      [arguments](const CommandContext& context) { return run_predict(context, *arguments); });
}

}  // namespace marrow
