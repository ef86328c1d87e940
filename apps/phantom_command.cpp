#include "apps/phantom_command.h"

#include <filesystem>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli.h"
#include "core/error.h"
#include "core/files.h"
#include "core/progress.h"
#include "core/text.h"
#include "io/phantom/archive.h"

namespace marrow {
namespace {

// Present while a phantom is being written; names its options, so that only the same command goes
// on.
constexpr const char* kUnfinished = "phantom.unfinished";

struct PhantomCommandOptions {
  std::filesystem::path out;
  std::string kind = "ct";
  std::int64_t patients = 24;
  std::int64_t labelled = 24;
  std::string size = "56x48x40";
};

Size3 phantom_parse_size(const std::string& text) {
  const std::vector<std::string> words = split_words(text, 'x');
  Size3 size{};
  bool good = words.size() == 3;
  for (std::size_t axis = 0; good && axis < 3; ++axis) {
    good = !words[axis].empty() && words[axis].size() <= 4 &&
           words[axis].find_first_not_of("0123456789") == std::string::npos;
    size[axis] = good ? std::stoll(words[axis]) : 0;
  }
  if (!good) {
    throw Error(
        ErrorCode::kInvalidArgument,
        "--size: expected three lengths such as 56x48x40, but found \"" + printable(text) + "\"");
  }
  return size;
}

// Empty, ours to overwrite, or what the same command left unfinished.
void phantom_claim_folder(const std::filesystem::path& out,
                          const std::string& options,
                          bool overwrite) {
  std::error_code ignored;
  const bool occupied =
      std::filesystem::exists(out, ignored) &&
      !(std::filesystem::is_directory(out, ignored) && std::filesystem::is_empty(out, ignored));
  if (occupied) {
    const std::filesystem::path marker = out / kUnfinished;
    const bool resumes =
        std::filesystem::is_regular_file(marker, ignored) && read_text(marker) == options;
    const bool phantom = resumes || std::filesystem::exists(marker, ignored) ||
                         std::filesystem::exists(out / "truth.json", ignored);
    if (!resumes && !(overwrite && phantom)) {
      throw Error(ErrorCode::kRefused,
                  fmt::format("OUT: {} is not empty{}; name another folder{}",
                              out.string(),
                              phantom ? "" : " and is not a phantom",
                              phantom ? " or add --overwrite" : ""));
    }
    for (const char* part : {"archive", "labelled", "reports.csv", "truth.json"}) {
      std::filesystem::remove_all(out / part);
    }
  }
  write_atomically(out / kUnfinished, options);
}

int phantom_run(const PhantomCommandOptions& command, const CommandContext& context) {
  PhantomOptions options;
  options.kind = command.kind == "mr" ? PhantomKind::kMr : PhantomKind::kCt;
  options.patients = command.patients;
  options.labelled = command.labelled;
  options.seed = context.options.seed;
  options.size = phantom_parse_size(command.size);
  options.threads = context.options.threads;
  check_phantom_options(options);
  phantom_claim_folder(command.out,
                       fmt::format("{} {} {} {} {}\n",
                                   command.kind,
                                   options.patients,
                                   options.labelled,
                                   options.seed,
                                   command.size),
                       context.overwrite);
  PhantomSummary summary;
  {
    Progress progress("phantom", phantom_pictures(options), "series", default_progress_style());
    summary = write_phantom(command.out, options, progress);
  }
  std::filesystem::remove(command.out / kUnfinished);
  context.answer({{"folder", command.out.string()},
                  {"kind", command.kind},
                  {"seed", options.seed},
                  {"patients", summary.patients},
                  {"studies", summary.studies},
                  {"series", summary.series},
                  {"files", summary.files},
                  {"traps", summary.traps},
                  {"labelled", summary.labelled}});
  context.print(
      fmt::format("{} patients · {} studies · {} usable series · {} traps -> {}\n"
                  "{}seed {} · what was planted: {}\n"
                  "next: marrow scan {}\n",
                  summary.patients,
                  summary.studies,
                  summary.series,
                  summary.traps,
                  (command.out / "archive").string(),
                  summary.labelled > 0 ? fmt::format("{} labelled cases of other patients -> {}\n",
                                                     summary.labelled,
                                                     (command.out / "labelled").string())
                                       : "",
                  options.seed,
                  (command.out / "truth.json").string(),
                  (command.out / "archive").string()));
  return 0;
}

}  // namespace

void add_phantom_command(CommandTable& table) {
  auto options = std::make_shared<PhantomCommandOptions>();
  Command& command = table.add(
      "phantom",
      "writes a synthetic archive: DICOM series, labels, reports, and the traps of a real one",
      "marrow phantom demo --kind mr --patients 12");
  command.app()
      .add_option("OUT", options->out, "folder to write, new or empty")
      ->required()
      ->type_name("");
  command.app()
      .add_option("--kind", options->kind, "ct or mr (default ct)")
      ->check(CLI::IsMember({"ct", "mr"}))
      ->type_name("KIND");
  command.app()
      .add_option("--patients", options->patients, "unlabelled patients (default 24)")
      ->type_name("N");
  command.app()
      .add_option("--labelled", options->labelled, "labelled cases, or 0 (default 24)")
      ->type_name("N");
  command.app()
      .add_option("--size", options->size, "voxels of a volume (default 56x48x40)")
      ->type_name("IxJxK");
  command.takes_overwrite();
  command.runs([options](const CommandContext& context) { return phantom_run(*options, context); });
}

}  // namespace marrow
