#include "apps/evaluate_command.h"

#include <ATen/Parallel.h>
#include <CLI/CLI.hpp>

#include "apps/cli.h"
#include "apps/evaluating.h"
#include "apps/input_contract.h"
#include "apps/run_folder.h"

namespace marrow {

namespace {

int run_evaluate(const CommandContext& context, const EvaluateArguments& arguments) {
  at::set_num_threads(static_cast<int>(context.options.threads));
  return read_run(arguments.run).task == "classify" ? evaluate_classifier(context, arguments)
                                                    : evaluate_segmenter(context, arguments);
}

}  // namespace

void add_evaluate_command(CommandTable& table) {
  auto arguments = std::make_shared<EvaluateArguments>();
  Command& command =
      table.add("evaluate",
                "scores a segmenter or classifier on labelled cases that it has not seen",
                "marrow evaluate runs/seg --data Dataset004_Hippocampus");
  command.app().add_option("RUN", arguments->run, "a fine-tuned run")->required();
  command.app().add_option("--data", arguments->data, "labelled data set")->required();
  command.app().add_option(
      "--split", arguments->split, "train, validation or test (default: test, else validation)");
  command.app().add_option("--contract", arguments->contract, kContractWords);
  command.app().add_flag(
      "--allow-seen-cases", arguments->allow_seen_cases, "score cases that the run was trained on");
  command.runs(
      [arguments](const CommandContext& context) { return run_evaluate(context, *arguments); });
}

}  // namespace marrow
