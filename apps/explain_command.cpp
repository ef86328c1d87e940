#include "apps/explain_command.h"

#include <algorithm>
#include <filesystem>
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
#include "clinical/report/picture.h"
#include "clinical/report/png.h"
#include "core/error.h"
#include "core/files.h"
#include "core/text.h"
#include "io/catalogue/catalogue.h"
#include "io/catalogue/explain.h"
#include "io/catalogue/series_json.h"
#include "io/worker/worker_client.h"

namespace marrow {
namespace {

struct ExplainCommandOptions {
  std::string what;
  bool no_picture = false;
};

// Axial, coronal and sagittal through the middle, side by side on black.
Picture explain_planes(const Volume& volume) {
  constexpr std::int64_t kPlaneSide = 360;
  constexpr std::int64_t kGap = 8;
  const Size3& size = volume.geometry.size;
  const std::vector<Picture> planes = three_planes(
      volume, {size[0] / 2, size[1] / 2, size[2] / 2}, robust_window(volume), kPlaneSide);
  std::int64_t width = -kGap;
  std::int64_t height = 0;
  for (const Picture& plane : planes) {
    width += plane.width + kGap;
    height = std::max(height, plane.height);
  }
  Picture sheet = make_picture(width, height, {0, 0, 0});
  std::int64_t left = 0;
  for (const Picture& plane : planes) {
    for (std::int64_t y = 0; y < plane.height; ++y) {
      for (std::int64_t x = 0; x < plane.width; ++x) {
        sheet.at(left + x, y + (height - plane.height) / 2) = plane.at(x, y);
      }
    }
    left += plane.width + kGap;
  }
  return sheet;
}

struct ExplainPicture {
  std::string text;            // for the terminal; says why where there is none
  std::filesystem::path file;  // empty where there is none
};

ExplainPicture explain_picture(const SeriesRecord& record, const CommandContext& context) {
  if (record.verdict == Verdict::kRefuse) {
    return {};
  }
  try {
    WorkerClient worker;
    const auto index = record.volumes > 1 ? std::optional<std::int64_t>(0) : record.volume;
    const Volume volume = worker.volume(record.files, index);
    const std::filesystem::path file = context.options.work / "explain" / (record.key + ".png");
    write_atomically(file, encode_png(explain_planes(volume)));
    return {
        "axial, coronal and sagittal through the middle (left of the picture: right of the "
        "patient, or front)\n" +
            thumbnail_text(volume) + "  picture    " + file.string() + "\n",
        file};
  } catch (const Error& failure) {
    return {std::string("no picture: ") + failure.what() + "\n", {}};
  }
}

std::filesystem::path whole_path(const std::string& what) {
  return std::filesystem::absolute(what).lexically_normal();
}

// A file that was found by what it holds, but is none of the files that are read.
bool left_out(const SeriesRecord& record, const std::string& what) {
  const std::filesystem::path path = whole_path(what);
  return std::filesystem::is_regular_file(path) &&
         std::find(record.files.begin(), record.files.end(), path) == record.files.end();
}

// What the scan refused a file for that is in no series.
std::vector<Issue> explain_issues(const Catalogue& catalogue, const std::string& what) {
  std::vector<Issue> issues;
  const std::filesystem::path path = whole_path(what);
  catalogue.for_each_issue([&](const Issue& issue) {
    if (issue.path == path) {
      issues.push_back(issue);
    }
  });
  return issues;
}

int explain_refused(const std::vector<Issue>& issues, const CommandContext& context) {
  nlohmann::json list = nlohmann::json::array();
  for (const Issue& issue : issues) {
    list.push_back(issue_json(issue));
    context.print(fmt::format("refused ({}): {}\n{}",
                              issue.reason_code,
                              printable(issue.reason, 800),
                              issue.advice.empty() ? "" : "  advice     " + issue.advice + "\n"));
  }
  context.answer({{"series", nlohmann::json::array()}, {"issues", std::move(list)}});
  return 0;
}

int explain_run(const ExplainCommandOptions& options, const CommandContext& context) {
  const Catalogue catalogue = open_work_catalogue(context);
  std::vector<SeriesRecord> records;
  try {
    records = catalogue.find(options.what);
  } catch (const Error& failure) {
    const std::vector<Issue> issues = failure.code() == ErrorCode::kNothingFound
                                          ? explain_issues(catalogue, options.what)
                                          : std::vector<Issue>();
    if (issues.empty()) {
      throw;
    }
    return explain_refused(issues, context);
  }
  nlohmann::json list = nlohmann::json::array();
  bool first = true;
  for (const SeriesRecord& record : records) {
    const SeriesExplanation explanation = explain_series(catalogue, record);
    const ExplainPicture picture =
        options.no_picture ? ExplainPicture() : explain_picture(record, context);
    if (context.options.json) {
      nlohmann::json answer = explanation_json(explanation);
      answer["picture"] = picture.file.string();
      list.push_back(std::move(answer));
      continue;
    }
    context.print((first ? "" : "\n") + explanation_text(explanation));
    if (left_out(record, options.what)) {
      context.print("  this file  a copy of another file of the series; it was left out\n");
    }
    context.print(picture.text);
    first = false;
  }
  context.answer({{"series", std::move(list)}});
  return 0;
}

}  // namespace

void add_explain_command(CommandTable& table) {
  auto options = std::make_shared<ExplainCommandOptions>();
  Command& command = table.add(
      "explain",
      "says why a series is used, split, resampled or refused, and writes a three-plane picture",
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
