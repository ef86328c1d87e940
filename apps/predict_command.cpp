#include "apps/predict_command.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <map>
#include <mutex>
#include <set>
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

Case predict_file(std::string name, const std::filesystem::path& file) {
  return predict_input(std::move(name), ImageRef{keyed_digest("predict", file.string()), {file}});
}

struct FolderFiles {
  std::vector<std::filesystem::path> pictures;  // ascending
  bool others = false;
};

FolderFiles files_of(const std::filesystem::path& folder) {
  FolderFiles files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) {
      const bool picture = has_picture_ending(entry.path().filename().string());
      files.others = files.others || !picture;
      if (picture) {
        files.pictures.push_back(entry.path());
      }
    }
  }
  std::sort(files.pictures.begin(), files.pictures.end());
  return files;
}

// Every series of a folder that can be used; what cannot is added to `issues`, pictures apart.
std::vector<Case> series_of(const std::filesystem::path& input, std::vector<Issue>& issues) {
  const TemporaryFolder folder;
  Catalogue catalogue(folder.path() / "catalogue.db", Catalogue::Mode::kWrite);
  const std::vector<std::filesystem::path> archive = {input};
  ScanOptions options;
  // What a user points at is meant, also when other software made it from other images.
  options.use_derived = true;
  static_cast<void>(scan(archive, catalogue, options));
  std::set<std::filesystem::path> named;
  for (const Issue& issue : catalogue.issues()) {
    if (!has_picture_ending(issue.path.filename().string())) {
      named.insert(issue.path);
      issues.push_back(issue);
    }
  }
  std::vector<Case> inputs;
  for (const SeriesRecord& series : catalogue.series()) {
    if (series.verdict == Verdict::kRefuse) {
      const bool known = std::any_of(series.files.begin(),
                                     series.files.end(),
                                     [&](const auto& file) { return named.contains(file); });
      if (!known) {
        issues.push_back({series.files.empty() ? input : series.files.front(),
                          ErrorCode::kUnsupported,
                          series.reason_code,
                          series.reason,
                          ""});
      }
      continue;
    }
    // A volume file keeps its name; a DICOM stack is called by its folder, which says nothing
    // about a patient that the input did not say already.
    const std::string name = series.format != "dicom"
                                 ? without_image_ending(series.files.front().filename().string())
                                 : series.files.front().parent_path().filename().string();
    inputs.push_back(
        predict_input(name, ImageRef{series.key, series.files, series.volume}, series.modality));
  }
  return inputs;
}

// Where several would be called the same, all of them have their key behind their name.
void tell_apart(std::vector<Case>& inputs) {
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
}

// A file is taken as it is, and so is every picture of a folder and of what is in it, named by its
// path there. Other files are scanned, and every series with the verdict "use" is predicted.
// Refused ones come back as issues.
std::vector<Case> find_inputs(const std::filesystem::path& input, std::vector<Issue>& issues) {
  if (!std::filesystem::exists(input)) {
    throw Error(ErrorCode::kNothingFound, "--input: there is no " + printable(input.string(), 400));
  }
  if (std::filesystem::is_regular_file(input)) {
    return {predict_file(without_image_ending(input.filename().string()), input)};
  }
  const FolderFiles files = files_of(input);
  std::vector<Case> inputs;
  for (const std::filesystem::path& picture : files.pictures) {
    std::string name = without_image_ending(picture.lexically_relative(input).generic_string());
    std::replace(name.begin(), name.end(), '/', '_');
    inputs.push_back(predict_file(std::move(name), picture));
  }
  if (files.others) {
    std::vector<Case> series = series_of(input, issues);
    inputs.insert(inputs.end(),
                  std::make_move_iterator(series.begin()),
                  std::make_move_iterator(series.end()));
  }
  if (inputs.empty() && issues.empty()) {
    throw Error(ErrorCode::kNothingFound,
                "--input: there are no images in " + printable(input.string(), 400));
  }
  tell_apart(inputs);
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
