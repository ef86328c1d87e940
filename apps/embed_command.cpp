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

#include "apps/catalogue_file.h"
#include "apps/cli.h"
#include "apps/embedding.h"
#include "core/error.h"
#include "core/progress.h"
#include "io/catalogue/cases.h"
#include "io/catalogue/catalogue.h"
#include "io/datasets/dataset_reader.h"
#include "io/image_source.h"

namespace marrow {
namespace {

struct EmbedArguments {
  std::filesystem::path run;
  std::filesystem::path data;
  std::filesystem::path out;
  std::string where;
  std::string subset;
  std::string contract = "match";
  bool initial = false;
};

// Every usable series, also those that `reduce` left out: what it decides anew wants them all.
std::vector<Case> archive_cases(const EmbedArguments& arguments, const Catalogue& catalogue) {
  const auto in_subset = subset_filter(catalogue, arguments.subset);
  std::vector<Case> cases;
  for (const SeriesRecord& record :
       arguments.where.empty() ? catalogue.series() : catalogue.select(arguments.where)) {
    if (record.verdict == Verdict::kRefuse || !in_subset(record)) {
      continue;
    }
    Case one;
    one.key = record.key;
    one.patient = record.patient;
    one.images = {ImageRef{record.key, record.files, record.volume}};
    one.modality = record.modality;
    cases.push_back(std::move(one));
  }
  if (cases.empty()) {
    throw Error(ErrorCode::kNothingFound,
                "embed: no usable series in " + catalogue.file().string() +
                    (arguments.where.empty() ? "" : " fits \"" + arguments.where + "\"") +
                    "; `marrow list` shows what there is and why not");
  }
  return cases;
}

int embed_run(const CommandContext& context, const EmbedArguments& arguments) {
  const auto start = std::chrono::steady_clock::now();
  at::set_num_threads(static_cast<int>(context.options.threads));
  context.config.allow_sections({"embed", "prepare"});
  const auto options = context.config.section(FeatureOptions::kName).parse<FeatureOptions>();
  const ContractRule rule = contract_rule_from_name(arguments.contract);
  TrainedEncoder encoder = load_encoder(arguments.run, arguments.initial, context.options.seed);
  if (context.config.has("prepare")) {
    const auto asked = context.config.section("prepare").parse<RecipeOptions>();
    settle_breach(rule, "`prepare`", recipe_difference(asked, encoder.recipe));
    if (rule == ContractRule::kOverride) {
      encoder.recipe = asked;
      encoder.digest += recipe_digest(asked);
    }
  }
  const std::vector<Case> cases = arguments.data.empty()
                                      ? archive_cases(arguments, open_work_catalogue(context))
                                      : read_dataset(arguments.data).cases;
  const std::filesystem::path out =
      arguments.out.empty() ? arguments.run / "embeddings.safetensors" : arguments.out;
  const std::filesystem::path& work = context.options.work;
  std::filesystem::create_directories(work);
  const std::unique_ptr<VolumeSource> source = make_image_source();
  const Embedded made = embed_cases(cases, *source, encoder, options, rule, work / "features.db");
  write_embeddings(out, made.file);
  write_issues(work / "embed_issues.jsonl", made.issues);
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
  if (!made.issues.empty()) {
    context.print(fmt::format("  {} could not be embedded, each with its reason: {}\n",
                              format_count(std::ssize(made.issues)),
                              (work / "embed_issues.jsonl").string()));
  }
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
  command.app().add_option("RUN", arguments->run, "a pretrained or fine-tuned run")->required();
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
  command.app().add_option("--contract", arguments->contract, kContractWords);
  command.app().add_flag("--initial",
                         arguments->initial,
                         "the network before training (weights from --seed), to compare with");
  command.takes_config("");
  command.runs(
      [arguments](const CommandContext& context) { return embed_run(context, *arguments); });
}

}  // namespace marrow
