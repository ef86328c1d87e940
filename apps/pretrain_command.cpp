#include "apps/pretrain_command.h"

#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli.h"
#include "apps/pretraining.h"
#include "core/progress.h"

namespace marrow {

namespace {

int run_pretrain(const CommandContext& context, const PretrainArguments& arguments) {
  const Pretrained made = pretrain(context, arguments);
  const TrainResult& result = made.result;
  context.answer({{"method", made.method},
                  {"encoder", made.encoder},
                  {"steps", result.steps},
                  {"loss", result.loss},
                  {"best", nullptr},
                  {"seconds", result.seconds},
                  {"samples_per_second", result.samples_per_second},
                  {"peak_rss_mb", static_cast<double>(result.peak_rss) / 1048576.0},
                  {"checkpoint", result.checkpoint.string()},
                  {"resumed_from", result.resumed_from}});
  context.print(
      fmt::format("pretrained {} steps in {}, loss {:.4f} -> {}\nnext: marrow finetune segment "
                  "(or classify) --from {} --data DATASET --out RUN2\n",
                  format_count(result.steps),
                  format_duration(result.seconds),
                  result.loss,
                  (arguments.out / "encoder").string(),
                  arguments.out.string()));
  return 0;
}

}  // namespace

void add_pretrain_command(CommandTable& table) {
  auto arguments = std::make_shared<PretrainArguments>();
  Command& command =
      table.add("pretrain",
                "pretrains an encoder without labels; the same command again resumes",
                "marrow pretrain --config pretrain/spark3d.yaml --out runs/spark train.steps=2000");
  command.app().add_option("--out", arguments->out, "run folder")->required();
  command.app().add_option(
      "--data", arguments->data, "a data set instead of the store in the work folder");
  command.app().add_flag(
      "--ignore-reduction", arguments->ignore_reduction, "use what `reduce` left out, too");
  command.app().add_flag("--accept-changed-data",
                         arguments->accept_changed_data,
                         "resume although the data changed since the run was stopped");
  command.takes_config("pretrain/spark3d.yaml");
  command.runs(
      [arguments](const CommandContext& context) { return run_pretrain(context, *arguments); });
}

}  // namespace marrow
