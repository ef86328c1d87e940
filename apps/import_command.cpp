#include "apps/import_command.h"

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli.h"
#include "apps/parts.h"
#include "apps/run_folder.h"
#include "core/digest.h"
#include "core/error.h"
#include "core/files.h"
#include "core/rng.h"
#include "core/text.h"
#include "models/encoders/vit.h"
#include "models/weights/foreign_file.h"
#include "models/weights/name_map.h"

namespace marrow {
namespace {

struct ImportArguments {
  std::filesystem::path file;
  std::filesystem::path out;
  std::string encoder;
  std::string prefix;
  std::string inflate = "average";
  double minimum = 0.5;
};

// `--encoder resnet` or `--encoder "{name: resnet, depth: 18}"`, with the words of the command line
// on top.
Config import_config(const CommandContext& context, const ImportArguments& arguments) {
  Config config = context.config;
  const bool asked = config.section("encoder").has("name");
  if (!arguments.encoder.empty()) {
    const bool mapping = trim(arguments.encoder).starts_with('{');
    config.override_with(
        {mapping ? "encoder=" + arguments.encoder : "encoder.name=" + arguments.encoder});
    config.override_with(context.overrides);
  } else if (!asked) {
    throw Error(ErrorCode::kInvalidArgument,
                "import: the network that the weights are of is not named; say --encoder resnet "
                "(`marrow describe` lists what there is), or --config with a section `encoder`");
  }
  // A preset for pretraining serves as well; only these sections are used.
  config.allow_sections({"prepare", "encoder", "data", "method", "sampler", "augment", "train"});
  return config;
}

nlohmann::json import_answer(const WeightImport& made) {
  nlohmann::json blocks = nlohmann::json::array();
  for (const WeightImport::Block& block : made.blocks) {
    blocks.push_back({{"block", block.name}, {"matched", block.matched}, {"total", block.total}});
  }
  return {{"names", made.names},
          {"prefix", made.prefix},
          {"other_prefixes", made.other_prefixes},
          {"matched", made.matched},
          {"total", made.total},
          {"blocks", blocks},
          {"adapted", made.adapted},
          {"missing", made.missing},
          {"left_out", made.left_out},
          {"torn", made.torn}};
}

// One line for each: the first of them, and how many more.
std::string import_list(const std::string& title, const std::vector<std::string>& lines) {
  constexpr std::size_t kShown = 12;
  std::string text = lines.empty() ? "" : title + "\n";
  for (std::size_t i = 0; i < std::min(lines.size(), kShown); ++i) {
    text += "    " + printable(lines[i], 200) + "\n";
  }
  if (lines.size() > kShown) {
    text += fmt::format("    and {} more (all in encoder/import.json)\n", lines.size() - kShown);
  }
  return text;
}

std::string import_text(const WeightImport& made) {
  std::string text = fmt::format(
      "names of {}{}\n", made.tools, made.prefix.empty() ? "" : ", below \"" + made.prefix + "\"");
  if (!made.other_prefixes.empty()) {
    text += "  as many match below " + printable(join(made.other_prefixes, ", "), 200) +
            "; --prefix chooses\n";
  }
  for (const WeightImport::Block& block : made.blocks) {
    text += fmt::format("  {}: {} of {} tensors\n", block.name, block.matched, block.total);
  }
  text += import_list("  adapted:", made.adapted);
  text += import_list("  not in the file, left as they were drawn:", made.missing);
  text += import_list("  of the file, not used:", made.left_out);
  if (!made.torn.empty()) {
    text += fmt::format(
        "  {} of these belong to layers that are used (such as \"{}\"): the network there computes "
        "something that this one does not, and features will differ\n",
        made.torn.size(),
        printable(made.torn.front()));
  }
  return text;
}

int run_import(const CommandContext& context, const ImportArguments& arguments) {
  at::set_num_threads(static_cast<int>(context.options.threads));
  at::manual_seed(derive_seed(context.options.seed, "initial weights", {}));
  Config config = import_config(context, arguments);
  WeightImportOptions options;
  options.minimum = arguments.minimum;
  options.inflation = inflation_from_name(arguments.inflate);
  if (!arguments.prefix.empty()) {
    options.prefix = arguments.prefix == "none" ? "" : arguments.prefix;
  }
  PartSections parts(config);
  const auto recipe = parts.options<RecipeOptions>("prepare");
  const std::shared_ptr<Encoder> encoder = parts.encoder("resenc_unet");
  const std::string part = config.section("encoder").part_name("resenc_unet");
  if (!config.has("data")) {
    // What these networks usually see; of a tile of a volume, or of a slice.
    config.override_with(
        {encoder->dimensions() == 2 ? "data.patch_size=[224,224]" : "data.patch_size=[96,96,96]"});
  }
  if (part == "vit") {
    options.grid = vit_position_grid(config.section("encoder"));
  }
  static_cast<void>(patch_voxels(parts.options<DataOptions>("data"), encoder->dimensions()));
  const std::filesystem::path weights = arguments.out / "encoder" / "model.safetensors";
  if (!context.overwrite && std::filesystem::exists(weights)) {
    throw Error(ErrorCode::kRefused,
                "--out: " + arguments.out.string() +
                    " holds an encoder already; name a new folder, or say --overwrite");
  }
  const TensorFile file = read_foreign_weights(arguments.file);
  const WeightImport made = import_weights(*encoder, part, file, options, arguments.file.string());

  const std::string digest = sha256_file(arguments.file);
  RunFolder run(arguments.out);
  run.write_config(parts.yaml());
  export_encoder(run.path(),
                 *encoder,
                 nullptr,
                 yaml_section(parts.yaml(), "encoder"),
                 recipe,
                 fmt::format("Imported from `{}` (SHA-256 {}): {} of {} tensors.",
                             arguments.file.filename().string(),
                             digest,
                             made.matched,
                             made.total));
  nlohmann::json answer = import_answer(made);
  write_atomically(run.path() / "encoder" / "import.json", answer.dump(2) + "\n");
  run.write_manifest(context,
                     "import",
                     digest,
                     {{"imported_from", arguments.file.filename().string()},
                      {"imported_names", made.names},
                      {"imported_tensors", fmt::format("{} of {}", made.matched, made.total)}},
                     nullptr);
  answer["encoder"] = part;
  answer["out"] = arguments.out.string();
  context.answer(answer);
  context.print(import_text(made));
  context.print(fmt::format(
      "{} of {} tensors of the {} -> {}\nnext: marrow finetune segment --from {} --data "
      "DATASET --out RUN2\n",
      made.matched,
      made.total,
      part,
      weights.string(),
      arguments.out.string()));
  return 0;
}

}  // namespace

void add_import_command(CommandTable& table) {
  auto arguments = std::make_shared<ImportArguments>();
  Command& command = table.add("import",
                               "makes a run of weights that another tool trained (safetensors)",
                               "marrow import resnet50.safetensors --encoder resnet --out "
                               "runs/imagenet encoder.dimensions=2");
  command.app().add_option("FILE", arguments->file, "safetensors of another tool")->required();
  command.app().add_option("--out", arguments->out, "run folder")->required();
  command.app()
      .add_option("--encoder",
                  arguments->encoder,
                  "the network that they are of: resnet, or {name: resnet, depth: 18}")
      ->type_name("SECTION");
  command.app()
      .add_option("--prefix",
                  arguments->prefix,
                  "what comes before the names, such as encoder_q. (none: nothing); else what "
                  "matches most")
      ->type_name("TEXT");
  command.app()
      .add_option("--inflate",
                  arguments->inflate,
                  "2D kernels for a 3D network: average (default) over the depth, or centre")
      ->type_name("HOW");
  command.app()
      .add_option("--minimum",
                  arguments->minimum,
                  "share of the network's tensors that the file must give (default 0.5)")
      ->type_name("SHARE")
      ->check(CLI::Range(0.0, 1.0));
  command.takes_config("");
  command.takes_overwrite();
  command.runs(
      [arguments](const CommandContext& context) { return run_import(context, *arguments); });
}

}  // namespace marrow
