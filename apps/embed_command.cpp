#include "apps/embed_command.h"

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <ATen/Parallel.h>
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/archive_cases.h"
#include "apps/catalogue_file.h"
#include "apps/cli.h"
#include "apps/embedding.h"
#include "core/error.h"
#include "core/progress.h"
#include "io/datasets/dataset_reader.h"

namespace marrow {
namespace {

struct EmbedArguments {
  EncoderArguments encoder;
  std::filesystem::path data;
  std::filesystem::path out;
  std::string where;
  std::string subset;
};

int embed_run(const CommandContext& context, const EmbedArguments& arguments) {
  const auto start = std::chrono::steady_clock::now();
  at::set_num_threads(static_cast<int>(context.options.threads));
  context.config.allow_sections({"embed", "prepare"});
  const auto options = context.config.section(FeatureOptions::kName).parse<FeatureOptions>();
  const ContractRule rule = contract_rule_from_name(arguments.encoder.contract);
  TrainedEncoder encoder =
      load_encoder(arguments.encoder.run, arguments.encoder.initial, context.options.seed);
  if (context.config.has("prepare")) {
    const auto asked = context.config.section("prepare").parse<RecipeOptions>();
    settle_breach(rule, "`prepare`", recipe_difference(asked, encoder.recipe));
    if (rule == ContractRule::kOverride) {
      encoder.recipe = asked;
      encoder.digest += recipe_digest(asked);
    }
  }
  const std::vector<Case> cases =
      arguments.data.empty()
          ? archive_cases(open_work_catalogue(context), arguments.where, arguments.subset)
          : read_dataset(arguments.data).cases;
  const std::filesystem::path out =
      arguments.out.empty() ? arguments.encoder.run / "embeddings.safetensors" : arguments.out;
  const Embedded made = embed_in_work(context, cases, encoder, options, rule);
  write_embeddings(out, made.file);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  context.answer({{"volumes", made.file.count()},
                  {"slices", made.file.first_slice.back()},
                  {"dimensions", made.file.dimensions},
                  {"known", made.known},
                  {"refused", made.issues.size()},
                  {"encoder", made.file.encoder},
                  {"path", out.string()},
                  {"seconds", seconds}});
  context.print(fmt::format("{} volumes, {} slices, {} features each -> {}   {}\n",
                            format_count(made.file.count()),
                            format_count(made.file.first_slice.back()),
                            format_count(made.file.dimensions),
                            out.string(),
                            format_duration(seconds)));
  print_not_embedded(context, made);
  context.print("next: marrow reduce --config reduce/embedding.yaml reduce.vectors=" +
                out.string() + (arguments.data.empty() ? "" : " --data DATASET") + "\n");
  return made.issues.empty() ? 0 : exit_code(ErrorCode::kPartial);
}

}  // namespace

void add_embed_command(CommandTable& table) {
  auto arguments = std::make_shared<EmbedArguments>();
  Command& command = table.add("embed",
                               "writes what an encoder sees in every slice and volume",
                               "marrow embed runs/spark embed.stages=all");
  add_encoder_options(command, arguments->encoder);
  command.app()
      .add_option("--data", arguments->data, "a data set instead of the catalogue")
      ->type_name("DATASET");
  command.app().add_option(
      "--out", arguments->out, "the file to write; else RUN/embeddings.safetensors");
  command.app()
      .add_option("--where", arguments->where, "only series for which this holds (see list)")
      ->type_name("EXPRESSION");
  command.app()
      .add_option("--subset", arguments->subset, "only series of a saved subset (see list)")
      ->type_name("NAME");
  command.takes_config("");
  command.runs(
      [arguments](const CommandContext& context) { return embed_run(context, *arguments); });
}

}  // namespace marrow
