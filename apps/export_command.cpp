#include "apps/export_command.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "apps/cli.h"
#include "apps/encoder_folder.h"
#include "apps/onnx_export.h"
#include "apps/parts.h"
#include "apps/run_folder.h"
#include "core/error.h"
#include "core/text.h"
#include "models/weights/name_families.h"

namespace marrow {
namespace {

struct ExportArguments {
  std::filesystem::path run;
  std::filesystem::path out;
  std::string names;
  std::vector<std::string> to = {"safetensors"};
};

bool is_asked(const ExportArguments& arguments, const std::string& format) {
  return std::find(arguments.to.begin(), arguments.to.end(), format) != arguments.to.end();
}

void check_export(const CommandContext& context, const ExportArguments& arguments) {
  for (const std::string& format : arguments.to) {
    if (format != "safetensors" && format != "onnx") {
      throw Error(ErrorCode::kInvalidArgument,
                  "--to: expected safetensors, onnx or both with a comma, found \"" +
                      printable(format) + "\"");
    }
  }
  if (!context.overwrite && std::filesystem::exists(arguments.out) &&
      (!std::filesystem::is_directory(arguments.out) ||
       !std::filesystem::is_empty(arguments.out))) {
    throw Error(ErrorCode::kRefused,
                "--out: " + arguments.out.string() +
                    " is there already and not empty; name a new folder, or say --overwrite");
  }
}

int run_export(const CommandContext& context, const ExportArguments& arguments) {
  const RunDescription description = read_run(arguments.run);
  PartSections parts(description.config);
  const std::shared_ptr<Encoder> encoder = parts.encoder("resenc_unet");
  const std::string part = description.config.section("encoder").part_name("resenc_unet");
  const NameFamily family = export_family(part, arguments.names);
  static_cast<void>(load_exported_encoder(arguments.run, *encoder));
  check_export(context, arguments);
  nlohmann::json answer = {{"encoder", part}, {"out", arguments.out.string()}};
  if (is_asked(arguments, "safetensors")) {
    const bool in_python = write_encoder_folder(
        arguments.out,
        *encoder,
        nullptr,
        description.recipe,
        {.encoder_yaml = yaml_section(parts.yaml(), "encoder"),
         .sentence = fmt::format("Exported from a run that was made by `marrow {}`.",
                                 description.task == "pretrain" || description.task == "import"
                                     ? description.task
                                     : "finetune " + description.task)},
        family.name);
    answer["names"] = family.name;
    answer["weights"] = (arguments.out / "model.safetensors").string();
    context.print(fmt::format(
        "{} with the names of {} -> {}\nnext: {}\n",
        part,
        family.tools,
        (arguments.out / "model.safetensors").string(),
        in_python ? "the lines of Python in " + (arguments.out / "README.md").string()
                  : "marrow export " + arguments.run.string() +
                        " --to onnx for Python, where no common library has this network"));
  }
  if (is_asked(arguments, "onnx")) {
    const std::filesystem::path file = arguments.out / "model.onnx";
    const ExportedOnnx made = export_onnx_of_run(arguments.run, file);
    answer["onnx"] = file.string();
    answer["onnx_input"] = made.input_size;
    answer["onnx_outputs"] = made.outputs;
    context.print(fmt::format("network for {} of {} -> {}\n",
                              fmt::join(made.outputs, ", "),
                              fmt::join(made.input_size, "x"),
                              file.string()));
  }
  context.answer(answer);
  return 0;
}

}  // namespace

void add_export_command(CommandTable& table) {
  auto arguments = std::make_shared<ExportArguments>();
  Command& command =
      table.add("export",
                "writes a run's encoder for other tools: weights, recipe and how to load them",
                "marrow export runs/spark --out exported --names nnunet");
  command.app().add_option("RUN", arguments->run, "a pretrained or fine-tuned run")->required();
  command.app().add_option("--out", arguments->out, "folder to write")->required();
  command.app()
      .add_option("--names",
                  arguments->names,
                  "whose names: torchvision, timm, nnunet or marrow; else those of the encoder's "
                  "own field")
      ->type_name("TOOL");
  command.app()
      .add_option("--to", arguments->to, "safetensors (default), onnx, or both with a comma")
      ->delimiter(',')
      ->type_name("FORMATS");
  command.takes_overwrite();
  command.runs(
      [arguments](const CommandContext& context) { return run_export(context, *arguments); });
}

}  // namespace marrow
