#include "apps/explain_command.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/catalogue_file.h"
#include "apps/cli.h"
#include "apps/thumbnail.h"
#include "core/error.h"
#include "io/catalogue/catalogue.h"
#include "io/catalogue/explain.h"
#include "io/worker/worker_client.h"

namespace marrow {
namespace {

struct ExplainCommandOptions {
  std::string what;
  bool no_picture = false;
};

// Empty when the volume cannot be read; the reason is already in the explanation, or is said.
std::string explain_picture(const SeriesRecord& record) {
  if (record.verdict == Verdict::kRefuse) {
    return {};
  }
  try {
    WorkerClient worker;
    const auto first = record.volumes > 1 ? std::optional<std::int64_t>(0) : std::nullopt;
    const auto index = record.volume ? record.volume : first;
    return "axial, coronal and sagittal through the middle (left of the picture: right of the "
           "patient, or front)\n" +
           thumbnail_text(worker.volume(record.files, index));
  } catch (const Error& failure) {
    return std::string("no picture: ") + failure.what() + "\n";
  }
}

int explain_run(const ExplainCommandOptions& options, const CommandContext& context) {
  const Catalogue catalogue = open_work_catalogue(context);
  const std::vector<SeriesRecord> records = catalogue.find(options.what);
  nlohmann::json list = nlohmann::json::array();
  bool first = true;
  for (const SeriesRecord& record : records) {
    const SeriesExplanation explanation = explain_series(catalogue, record);
    if (context.options.json) {
      list.push_back(explanation_json(explanation));
      continue;
    }
    context.print((first ? "" : "\n") + explanation_text(explanation));
    if (!options.no_picture) {
      context.print(explain_picture(record));
    }
    first = false;
  }
  context.answer({{"series", std::move(list)}});
  return 0;
}

}  // namespace

void add_explain_command(CommandTable& table) {
  auto options = std::make_shared<ExplainCommandOptions>();
  Command& command =
      table.add("explain",
                "says why a series is used, split, resampled or refused, with a small picture",
                "marrow explain 4f3a91");
  command.app()
      .add_option(
          "WHAT", options->what, "key (or its start), series UID, or path of a file or folder")
      ->required()
      ->type_name("");
  command.app().add_flag(
      "--no-picture", options->no_picture, "leave the picture out; no image is read then");
  command.runs([options](const CommandContext& context) { return explain_run(*options, context); });
}

}  // namespace marrow
