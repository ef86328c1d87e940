#include "apps/doctor_command.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "apps/checks.h"
#include "apps/cli.h"
#include "apps/machine.h"
#include "apps/self_test.h"
#include "core/error.h"

namespace marrow {
namespace {

int doctor_run(const CommandContext& context) {
  std::vector<Check> checks = machine_checks(context.options.work, context.options.threads);
  const std::vector<Check> tests = self_test();
  checks.insert(checks.end(), tests.begin(), tests.end());
  const std::size_t bad = show_checks(context, checks);
  context.print(bad == 0 ? "This machine can run marrow. Next: marrow phantom demo\n"
                         : fmt::format("{} of {} checks need attention.\n", bad, checks.size()));
  const bool broken =
      std::any_of(tests.begin(), tests.end(), [](const Check& check) { return !check.ok; });
  return broken ? exit_code(ErrorCode::kInternal) : bad > 0 ? exit_code(ErrorCode::kPartial) : 0;
}

}  // namespace

void add_doctor_command(CommandTable& table) {
  Command& command = table.add(
      "doctor", "shows what this machine has and runs a short self-test", "marrow doctor --json");
  command.runs(doctor_run);
}

}  // namespace marrow
