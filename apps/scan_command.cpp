#include "apps/scan_command.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/catalogue_file.h"
#include "apps/cli.h"
#include "core/error.h"
#include "core/files.h"
#include "core/progress.h"
#include "core/text.h"

namespace marrow {
namespace {

struct ScanCommandOptions {
  std::vector<std::filesystem::path> archives;
  std::vector<std::filesystem::path> reports;
  bool use_derived = false;
};

std::int64_t scan_count(const std::map<std::string, std::int64_t>& counts,
                        const std::string& name) {
  const auto found = counts.find(name);
  return found == counts.end() ? 0 : found->second;
}

std::string scan_reasons(const std::map<std::string, std::int64_t>& by_reason) {
  std::vector<std::pair<std::string, std::int64_t>> reasons(by_reason.begin(), by_reason.end());
  std::stable_sort(reasons.begin(), reasons.end(), [](const auto& a, const auto& b) {
    return a.second > b.second;
  });
  std::vector<std::string> words;
  for (const auto& [reason, count] : reasons) {
    words.push_back(reason + " " + format_count(count));
  }
  return join(words, ", ");
}

// Lists are read before the scan, so that a wrong one is told at once, and taken in after it.
struct ReportList {
  std::filesystem::path file;
  std::vector<ReportRow> rows;
};

std::vector<ReportList> read_report_lists(const std::vector<std::filesystem::path>& files) {
  std::vector<ReportList> lists;
  for (const std::filesystem::path& file : files) {
    const std::filesystem::path path = std::filesystem::absolute(file).lexically_normal();
    lists.push_back({path, reports_from_csv(read_text(file), path)});
  }
  return lists;
}

ReportCounts import_report_lists(const std::vector<ReportList>& lists,
                                 const CommandContext& context) {
  ReportCounts all;
  if (lists.empty()) {
    return all;
  }
  Catalogue catalogue(catalogue_path(context), Catalogue::Mode::kWrite);
  for (const ReportList& list : lists) {
    const ReportCounts counts = catalogue.import_reports(list.file, list.rows);
    all.reports += counts.reports;
    all.linked += counts.linked;
  }
  return all;
}

// An archive is only read.
void check_work_outside(const ScanCommandOptions& options, const CommandContext& context) {
  for (const std::filesystem::path& archive : options.archives) {
    if (std::filesystem::is_directory(archive) && lies_within(context.options.work, archive)) {
      throw Error(ErrorCode::kInvalidArgument,
                  "--work: expected a folder outside of the archive, found " +
                      printable(context.options.work.string(), 400) + " within " +
                      printable(archive.string(), 400) + "; name another with --work DIR");
    }
  }
}

int scan_run(const ScanCommandOptions& options, const CommandContext& context) {
  check_work_outside(options, context);
  const std::vector<ReportList> lists = read_report_lists(options.reports);
  const ScanResult result = scan_into_work(options.archives, context, options.use_derived);
  const ReportCounts reports = import_report_lists(lists, context);
  const std::int64_t refused_series = scan_count(result.by_verdict, "refuse");
  const std::int64_t refused = refused_series + result.refused_files;
  context.answer({{"files", result.files},
                  {"opened", result.opened},
                  {"unchanged", result.unchanged},
                  {"removed", result.removed},
                  {"patients", result.patients},
                  {"studies", result.studies},
                  {"series", result.series},
                  {"refused", refused},
                  {"refused_series", refused_series},
                  {"refused_files", result.refused_files},
                  {"verdicts", result.by_verdict},
                  {"reasons", result.by_reason},
                  {"reports", reports.reports},
                  {"reports_linked", reports.linked},
                  {"seconds", result.seconds},
                  {"peak_rss_mb", static_cast<double>(peak_rss_bytes()) / (1 << 20)},
                  {"catalogue", catalogue_path(context).string()},
                  {"issues", result.issues.string()}});
  context.print(fmt::format(
      "{} patients · {} studies · {} series -> {}\n  use {} · split {} · resample {} · refuse {}\n",
      format_count(result.patients),
      format_count(result.studies),
      format_count(result.series),
      catalogue_path(context).string(),
      format_count(scan_count(result.by_verdict, "use")),
      format_count(scan_count(result.by_verdict, "split")),
      format_count(scan_count(result.by_verdict, "resample")),
      format_count(refused_series)));
  if (!lists.empty()) {
    context.print(fmt::format("  reports {} · about a study that is here {}\n",
                              format_count(reports.reports),
                              format_count(reports.linked)));
  }
  if (refused > 0) {
    context.print(fmt::format(
        "  refused: {}\n  every one of them: {}\n  why: marrow list --where \"verdict='refuse'\""
        "      one series: marrow explain KEY\n",
        scan_reasons(result.by_reason),
        result.issues.string()));
  }
  if (result.files == 0) {
    throw Error(ErrorCode::kNothingFound,
                "there is no file in the folders to scan; is the archive mounted?");
  }
  if (result.series == refused_series) {
    throw Error(ErrorCode::kNothingFound,
                fmt::format("none of the {} files could be used; the reasons are in {}",
                            format_count(result.files),
                            result.issues.string()));
  }
  context.print("next: marrow prepare --config prepare/ct.yaml (or prepare/mr.yaml)\n");
  return refused > 0 ? exit_code(ErrorCode::kPartial) : 0;
}

}  // namespace

void add_scan_command(CommandTable& table) {
  auto options = std::make_shared<ScanCommandOptions>();
  Command& command = table.add(
      "scan",
      "reads every file of an archive into a catalogue and says what cannot be used, and why",
      "marrow scan /archive --work work");
  command.app()
      .add_option("ARCHIVE", options->archives, "folders or files; never written")
      ->required()
      ->type_name("");
  command.app()
      .add_option("--reports",
                  options->reports,
                  "CSV of study_uid,report or file,report: links reports to studies")
      ->type_name("FILE.csv");
  command.app().add_flag(
      "--use-derived", options->use_derived, "keep derived series that are regular volumes");
  command.runs([options](const CommandContext& context) { return scan_run(*options, context); });
}

}  // namespace marrow
