#include "apps/catalogue_file.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli.h"
#include "core/error.h"
#include "core/files.h"
#include "core/progress.h"
#include "io/catalogue/series_json.h"

namespace marrow {

std::filesystem::path catalogue_path(const CommandContext& context) {
  return context.options.work / "catalogue.db";
}

Catalogue open_work_catalogue(const CommandContext& context) {
  const std::filesystem::path file = catalogue_path(context);
  if (!std::filesystem::exists(file)) {
    throw Error(ErrorCode::kNothingFound,
                "--work: there is no catalogue in " + context.options.work.string() +
                    "; make one with marrow scan ARCHIVE, or name the folder that has one");
  }
  return Catalogue(file);
}

ScanOptions scan_options(const CommandContext& context, bool use_derived) {
  ScanOptions options;
  options.threads = static_cast<int>(context.options.threads);
  options.use_derived = use_derived;
  options.progress = default_progress_style();
  return options;
}

ScanResult scan_into_work(std::span<const std::filesystem::path> archives,
                          const CommandContext& context,
                          bool use_derived) {
  Catalogue catalogue(catalogue_path(context), Catalogue::Mode::kWrite);
  return scan(archives, catalogue, scan_options(context, use_derived));
}

std::string size_text(const SeriesRecord& record) {
  if (!record.geometry) {
    return "-";
  }
  const Size3& size = record.geometry->size;
  return fmt::format("{}x{}x{}", size[0], size[1], size[2]);
}

std::string spacing_text(const SeriesRecord& record) {
  if (!record.geometry) {
    return "-";
  }
  const Eigen::Vector3d& spacing = record.geometry->spacing;
  return fmt::format("{:.2f}x{:.2f}x{:.2f} mm", spacing[0], spacing[1], spacing[2]);
}

void write_issues(const std::filesystem::path& file, std::span<const Issue> issues) {
  if (issues.empty()) {
    std::filesystem::remove(file);
    return;
  }
  std::string text;
  for (const Issue& issue : issues) {
    text += issue_json(issue).dump() + "\n";
  }
  write_atomically(file, text);
}

}  // namespace marrow
