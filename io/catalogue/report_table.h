#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <SQLiteCpp/SQLiteCpp.h>

#include "io/catalogue/file_table.h"

namespace marrow {

// One report of a list, and what it is about: a study's UID or the path of an image.
struct ReportRow {
  std::int64_t row = 0;  // of the file, the header being 1
  std::string study_uid;
  std::filesystem::path image;
  std::string text;
};

// CSV text with a header that names `report` and `study_uid` or `file` (an image, relative to the
// list), or both; other columns do not count. Rows without a report are left out. `file` is for
// messages and relative paths. Throws Error{kInvalidArgument} for a missing column or a row that
// names nothing, Error{kUnreadable} on an open quote.
[[nodiscard]] std::vector<ReportRow> reports_from_csv(std::string_view text,
                                                      const std::filesystem::path& file);

struct ReportCounts {
  std::int64_t reports = 0;
  std::int64_t linked = 0;  // about a study of which the catalogue holds a series
};

// The reports of `file` take the place of those that came from it before. Texts stay where they
// are: kept are the place, the length, and digests keyed with the salt. A report about a study that
// is not there yet is kept, too; one about an image that is not known stays without a study. To be
// called inside a transaction; throws SQLite::Exception.
[[nodiscard]] ReportCounts put_reports(SQLite::Database& database,
                                       FileTable& files,
                                       const std::string& salt,
                                       const std::filesystem::path& file,
                                       std::span<const ReportRow> reports);

}  // namespace marrow
