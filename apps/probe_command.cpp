#include "apps/probe_command.h"

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include <ATen/Parallel.h>
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli.h"
#include "apps/embedding.h"
#include "apps/probing.h"
#include "core/error.h"
#include "core/files.h"
#include "core/progress.h"
#include "io/datasets/dataset_reader.h"

namespace marrow {
namespace {

struct ProbeArguments {
  EncoderArguments encoder;
  std::filesystem::path data;
  std::filesystem::path out;
};

int probe_run(const CommandContext& context, const ProbeArguments& arguments) {
  const auto start = std::chrono::steady_clock::now();
  at::set_num_threads(static_cast<int>(context.options.threads));
  context.config.allow_sections({"embed", "probe"});
  const auto features = context.config.section(FeatureOptions::kName).parse<FeatureOptions>();
  const auto options = context.config.section(ProbeOptions::kName).parse<ProbeOptions>();
  check_probe(options);
  TrainedEncoder encoder =
      load_encoder(arguments.encoder.run, arguments.encoder.initial, context.options.seed);
  const Dataset dataset = read_dataset(arguments.data);
  const Embedded made = embed_in_work(context,
                                      dataset.cases,
                                      encoder,
                                      features,
                                      contract_rule_from_name(arguments.encoder.contract));
  const ProbeSets sets = probe_sets(dataset, made.file);
  const ProbeReport report = run_probes(sets.train, sets.test, options);
  nlohmann::json answer = probe_answer(report);
  answer["training_cases"] = sets.train.rows();
  answer["classes"] = sets.classes;
  answer["split"] = sets.test_split;
  answer["encoder"] = made.file.encoder;
  answer["refused"] = made.issues.size();
  const std::filesystem::path out =
      arguments.out.empty() ? arguments.encoder.run /
                                  (arguments.encoder.initial ? "probe-initial.json" : "probe.json")
                            : arguments.out;
  write_atomically(out, answer.dump(2) + "\n");
  answer["path"] = out.string();
  answer["seconds"] =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  context.answer(answer);
  context.print(fmt::format("{} training and {} {} cases, {} classes, {} features   {}\n{}",
                            format_count(static_cast<std::int64_t>(sets.train.rows())),
                            format_count(static_cast<std::int64_t>(sets.test.rows())),
                            sets.test_split,
                            sets.classes.size(),
                            made.file.dimensions,
                            format_duration(answer["seconds"].get<double>()),
                            probe_text(report)));
  print_not_embedded(context, made);
  context.print(
      fmt::format("means over draws of labels, 95 % intervals over test patients and "
                  "draws: {}\n",
                  out.string()));
  return made.issues.empty() ? 0 : exit_code(ErrorCode::kPartial);
}

}  // namespace

void add_probe_command(CommandTable& table) {
  auto arguments = std::make_shared<ProbeArguments>();
  Command& command = table.add("probe",
                               "kNN and linear probe of frozen features, from few labels to all",
                               "marrow probe runs/spark --data labels.csv probe.budgets=[1,5,20]");
  add_encoder_options(command, arguments->encoder);
  command.app()
      .add_option("--data", arguments->data, "a data set with classes")
      ->type_name("DATASET")
      ->required();
  command.app().add_option("--out", arguments->out, "where the result goes; else RUN/probe.json");
  command.takes_config("");
  command.runs(
      [arguments](const CommandContext& context) { return probe_run(context, *arguments); });
}

}  // namespace marrow
