#include "apps/predict_command.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <utility>

#include <ATen/Parallel.h>
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli.h"
#include "apps/predictor.h"
#include "core/case.h"
#include "core/digest.h"
#include "core/error.h"
#include "core/files.h"
#include "core/interrupt.h"
#include "core/log.h"
#include "core/progress.h"
#include "core/text.h"
#include "io/catalogue/cases.h"
#include "io/catalogue/catalogue.h"
#include "io/datasets/dataset_reader.h"
#include "io/file_endings.h"
#include "io/image_source.h"
#include "io/scan/scan.h"
#include "volumes/preprocess/case_reading.h"
#include "volumes/preprocess/channels.h"

namespace marrow {

namespace {

struct PredictArguments {
  std::filesystem::path run;
  std::filesystem::path input;
  std::filesystem::path data;
  std::filesystem::path output;
  std::string formats = "nifti";
  std::string contract = "match";
};

// What is predicted, named as its output file is, without labels.
Case predict_input(std::string name, ImageRef image, Modality modality = Modality::kUnknown) {
  Case input;
  input.key = std::move(name);
  input.images = {std::move(image)};
  input.modality = modality;
  return input;
}

// A file is taken as it is, and so is every picture of a folder that has any. Another folder is
// scanned, and every series with the verdict "use" is predicted. Refused ones come back as issues.
std::vector<Case> find_inputs(const std::filesystem::path& input, std::vector<Issue>& issues) {
  if (!std::filesystem::exists(input)) {
    throw Error(ErrorCode::kNothingFound, "--input: there is no " + printable(input.string(), 400));
  }
  std::vector<Case> inputs;
  if (std::filesystem::is_regular_file(input)) {
    inputs.push_back(predict_input(without_image_ending(input.filename().string()),
                                   ImageRef{keyed_digest("predict", input.string()), {input}}));
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
    inputs.push_back(predict_input(without_image_ending(picture.filename().string()),
                                   ImageRef{keyed_digest("predict", picture.string()), {picture}}));
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
    inputs.push_back(
        predict_input(name, ImageRef{series.key, series.files, series.volume}, series.modality));
  }
  std::map<std::string, int> uses;
  for (const Case& item : inputs) {
    ++uses[item.key];
  }
  for (Case& item : inputs) {
    if (uses[item.key] > 1) {
      item.images.front().key.resize(16);
      item.key += "_" + item.images.front().key;
    }
  }
  return inputs;
}

// Every case of a data set, whatever its split, with all of its channels.
std::vector<Case> cases_of_dataset(const std::filesystem::path& data) {
  std::vector<Case> inputs = read_dataset(data).cases;
  for (Case& item : inputs) {
    item.labels.reset();
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
  if (arguments.input.empty() == arguments.data.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                "predict: say either what to predict with -i, or a data set with --data");
  }
  at::set_num_threads(static_cast<int>(context.options.threads));
  const std::unique_ptr<Predictor> predictor = make_predictor(arguments.run);
  const ContractRule rule = contract_rule_from_name(arguments.contract);
  std::vector<Issue> issues;
  const std::vector<Case> inputs = arguments.data.empty() ? find_inputs(arguments.input, issues)
                                                          : cases_of_dataset(arguments.data);
  const std::unique_ptr<VolumeSource> source = make_image_source();
  nlohmann::ordered_json outputs = nlohmann::ordered_json::array();
  std::string text;
  Progress progress(
      "predict", static_cast<std::int64_t>(inputs.size()), "images", default_progress_style());
  std::mutex reading;
  for (const Case& item : inputs) {
    throw_if_interrupted("predicting");
    const auto start = std::chrono::steady_clock::now();
    const std::filesystem::path file = arguments.output / predictor->file_name(item.key);
    try {
      if (std::filesystem::exists(file) && !context.overwrite) {
        throw Error(ErrorCode::kRefused,
                    file.string() + " exists already; say --overwrite, or name another --output");
      }
      check_channels(printable(item.key), std::ssize(item.images), predictor->channels());
      const PreparedChannels prepared =
          prepare_channels(read_case(item, *source, reading).channels, predictor->recipe());
      settle_breach(rule,
                    printable(item.key),
                    contract_breach(
                        predictor->contract(), item.modality, prepared.channels.front().geometry));
      const std::string line = predictor->predict(item.key, prepared, file);
      const double seconds =
          std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      outputs.push_back({{"path", file.string()},
                         {"key", item.images.front().key},
                         {"seconds", seconds},
                         {"peak_rss_mb", static_cast<double>(peak_rss_bytes()) / 1048576.0}});
      text += fmt::format("  {}  {}\n", file.string(), line);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kInterrupted || error.code() == ErrorCode::kResources) {
        throw;
      }
      issues.push_back({item.images.front().files.front(),
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
  command.app().add_option("-i,--input",
                           arguments->input,
                           "a NIfTI file, a picture, a DICOM folder, or a folder of them");
  command.app()
      .add_option(
          "--data",
          arguments->data,
          "all cases of a data set instead, with every channel where a network takes several")
      ->type_name("DATASET");
  command.app().add_option("-o,--output", arguments->output, "folder for the results")->required();
  command.app().add_option("--format", arguments->formats, "nifti");
  command.app().add_option("--contract", arguments->contract, kContractWords);
  command.takes_overwrite();
  command.runs(
      [arguments](const CommandContext& context) { return run_predict(context, *arguments); });
}

}  // namespace marrow
