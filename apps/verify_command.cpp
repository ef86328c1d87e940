#include "apps/verify_command.h"

#include <filesystem>
#include <memory>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "apps/checks.h"
#include "apps/cli.h"
#include "apps/run_checks.h"
#include "core/error.h"

namespace marrow {

namespace {

int run_verify(const CommandContext& context, const std::filesystem::path& run) {
  const std::vector<Check> checks = run_checks(run);
  const std::size_t failed = show_checks(context, checks);
  context.print(failed == 0
                    ? fmt::format("{} is whole: {} checks passed.\n", run.string(), checks.size())
                    : fmt::format("{} of {} checks failed: do not use {} for results.\n",
                                  failed,
                                  checks.size(),
                                  run.string()));
  return failed == 0 ? 0 : exit_code(ErrorCode::kUnreadable);
}

}  // namespace

void add_verify_command(CommandTable& table) {
  auto run = std::make_shared<std::filesystem::path>();
  Command& command = table.add("verify",
                               "checks that a run's files are whole, belong together and would "
                               "repeat it",
                               "marrow verify runs/spark");
  command.app().add_option("RUN", *run, "a run folder")->required();
  command.runs([run](const CommandContext& context) { return run_verify(context, *run); });
}

}  // namespace marrow
