#include "apps/report_command.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli.h"
#include "apps/run_folder.h"
#include "clinical/report/report_files.h"
#include "clinical/report/report_page.h"
#include "core/files.h"
#include "core/progress.h"

namespace marrow {

void add_report_command(CommandTable& table) {
  auto sources = std::make_shared<ReportSources>();
  Command& command =
      table.add("report",
                "writes RUN/report.html: one page, nothing loaded from elsewhere",
                "marrow report runs/seg --compare runs/scratch --pretraining runs/spark");
  command.app().add_option("RUN", sources->run, "a pretraining or fine-tuned run")->required();
  command.app().add_option("--compare",
                           sources->scratch,
                           "the same fine-tuning from scratch, evaluated on the same cases");
  command.app().add_option("--pretraining", sources->pretraining, "the run that RUN started from");
  command.app().add_option("--title", sources->title, "first line of the page");
  command.runs([sources](const CommandContext& context) {
    ReportSources asked = *sources;
    asked.date = utc_now().substr(0, 10);
    const std::string page = report_page(collect_report(asked));
    const std::filesystem::path file = asked.run / "report.html";
    write_atomically(file, page);
    context.answer({{"report", file.string()}, {"bytes", page.size()}});
    context.print(fmt::format("{} ({})\n", file.string(), format_bytes(page.size())));
    return 0;
  });
}

}  // namespace marrow
