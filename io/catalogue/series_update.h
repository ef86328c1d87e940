#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <SQLiteCpp/SQLiteCpp.h>

#include "core/records.h"
#include "io/catalogue/file_table.h"

namespace marrow {

// How series and issues are made of what is known of files.
struct SeriesMakers {
  std::string options;  // what they depend on besides the files; when it changes, all is made anew
  std::function<std::vector<SeriesRecord>(std::vector<DicomHeader>)> dicom;  // of one series
  std::function<SeriesRecord(const KnownVolumeFile&)> volume_file;
  std::function<Issue(const SeriesRecord&)> refused_series;
  std::function<Issue(const FileFacts&)> refused_file;
};

// What walking the archives found besides files (links, pipes, closed folders), in a table that
// goes with the connection, so that any number of them fits.
class FoundIssues {
 public:
  explicit FoundIssues(SQLite::Database& database);

  void add(const Issue& issue);
  // Forgets what was added and says where the next issues come from.
  void start(std::span<const std::filesystem::path> roots);
  // Whether the table `issues` says something else below the roots.
  [[nodiscard]] bool differ();
  // To be called inside a transaction, in this order; between the two whatever else is new.
  void remove_old();
  void put_new();

 private:
  SQLite::Database& database_;
  std::optional<SQLite::Statement> add_;  // made when its table is there
};

// Series and issues of all owners in `dirty`, made anew in one transaction; nothing is written when
// nothing has changed. Splits stay with their patients and `dropped_because` with its series.
// Returns whether anything was written.
bool update_series(SQLite::Database& database,
                   FileTable& files,
                   FoundIssues& found,
                   const SeriesMakers& makers);

// A value of the table `meta`; empty when there is none.
[[nodiscard]] std::string meta_value(SQLite::Database& database, const std::string& name);
void set_meta_value(SQLite::Database& database, const std::string& name, const std::string& value);

[[nodiscard]] std::vector<std::filesystem::path> catalogue_roots(SQLite::Database& database);

}  // namespace marrow
