#include "apps/finetune_command.h"

#include <ATen/Parallel.h>
#include <CLI/CLI.hpp>

#include "apps/cli.h"
#include "apps/finetuning.h"
#include "core/error.h"
#include "core/rng.h"
#include "core/text.h"

namespace marrow {

namespace {

int run_finetune(const CommandContext& context, const FinetuneArguments& arguments) {
  at::set_num_threads(static_cast<int>(context.options.threads));
  at::manual_seed(derive_seed(context.options.seed, "initial weights", {}));
  if (arguments.task == "segment") {
    return finetune_segment(context, arguments);
  }
  if (arguments.task == "classify") {
    return finetune_classify(context, arguments);
  }
  throw Error(ErrorCode::kInvalidArgument,
              "finetune: expected the task segment or classify, found \"" +
                  printable(arguments.task) + "\"");
}

}  // namespace

void add_finetune_command(CommandTable& table) {
  auto arguments = std::make_shared<FinetuneArguments>();
  Command& command = table.add(
      "finetune",
      "trains a head, and the encoder with it, from few labels; the same command again resumes",
      "marrow finetune segment --from runs/spark --data Dataset004_Hippocampus --cases 4 --out "
      "runs/seg");
  command.app().add_option("TASK", arguments->task, "segment or classify")->required();
  command.app()
      .add_option("--from", arguments->from, "a pretraining run, or none for training from scratch")
      ->required();
  command.app().add_option("--data", arguments->data, "labelled data set")->required();
  command.app().add_option(
      "--cases",
      arguments->cases,
      "a number of training cases (classify: of each class), or a file that lists them");
  command.app().add_option("--out", arguments->out, "run folder")->required();
  command.app().add_option("--contract", arguments->contract, kContractWords);
  command.app().add_flag("--accept-changed-data",
                         arguments->accept_changed_data,
                         "resume although the data changed since the run was stopped");
  command.takes_config("finetune/segment.yaml");
  command.runs(
      [arguments](const CommandContext& context) { return run_finetune(context, *arguments); });
}

}  // namespace marrow
