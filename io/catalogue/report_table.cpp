#include "io/catalogue/report_table.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "core/digest.h"
#include "core/error.h"
#include "core/text.h"
#include "io/catalogue/blobs.h"

namespace marrow {

namespace {

struct LinkedReport {
  std::string study, series;
};

}  // namespace

std::vector<ReportRow> reports_from_csv(std::string_view text, const std::filesystem::path& file) {
  const std::string name = "reports: " + printable(file.native(), 400);
  const std::vector<std::vector<std::string>> records = parse_csv(text);
  std::vector<std::string> words = records.empty() ? std::vector<std::string>() : records.front();
  std::transform(words.begin(), words.end(), words.begin(), lower_case);
  const auto report = csv_column(words, "report");
  const auto study = csv_column(words, "study_uid");
  const auto image = csv_column(words, "file");
  if (!report || (!study && !image)) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("{} has no column \"{}\"; expected a first line such as "
                            "\"study_uid,report\" or \"file,report\"",
                            name,
                            report ? "study_uid" : "report"));
  }
  std::vector<ReportRow> rows;
  for (std::size_t n = 1; n < records.size(); ++n) {
    ReportRow row{static_cast<std::int64_t>(n) + 1,
                  csv_value(records[n], study),
                  {},
                  csv_value(records[n], report)};
    if (row.text.empty()) {
      continue;
    }
    if (const std::string path = csv_value(records[n], image); !path.empty()) {
      row.image = (std::filesystem::absolute(file).parent_path() / path).lexically_normal();
    }
    if (row.study_uid.empty() && row.image.empty()) {
      throw Error(
          ErrorCode::kInvalidArgument,
          fmt::format("{}, row {}: names neither a study nor an image; fill in study_uid or file",
                      name,
                      row.row));
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

ReportCounts put_reports(SQLite::Database& database,
                         FileTable& files,
                         const std::string& salt,
                         const std::filesystem::path& file,
                         std::span<const ReportRow> reports) {
  SQLite::Statement remove(database, "DELETE FROM reports WHERE file = ?");
  bind_blob(remove, 1, file.native());
  remove.exec();
  SQLite::Statement insert(database, "INSERT INTO reports VALUES (?, ?, ?, ?, ?, ?)");
  SQLite::Statement of_owner(database,
                             "SELECT study, key FROM series WHERE owner = ? ORDER BY key LIMIT 1");
  SQLite::Statement of_study(database, "SELECT 1 FROM series WHERE study = ? LIMIT 1");
  const KeyedDigest digest(salt);
  ReportCounts counts;
  for (const ReportRow& report : reports) {
    LinkedReport link{report.study_uid.empty() ? std::string() : digest(report.study_uid), {}};
    if (!report.image.empty()) {
      of_owner.reset();
      of_owner.bind(1, files.owner(report.image));
      if (of_owner.executeStep()) {
        link = {of_owner.getColumn(0).getString(), of_owner.getColumn(1).getString()};
      }
    }
    of_study.reset();
    of_study.bind(1, link.study);
    counts.linked += of_study.executeStep() ? 1 : 0;
    ++counts.reports;
    insert.reset();
    bind_blob(insert, 1, file.native());
    insert.bind(2, report.row);
    insert.bind(3, link.study);
    insert.bind(4, link.series);
    insert.bind(5, static_cast<std::int64_t>(report.text.size()));
    insert.bind(6, digest(report.text));
    insert.exec();
  }
  return counts;
}

}  // namespace marrow
