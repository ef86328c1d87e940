#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <SQLiteCpp/SQLiteCpp.h>

namespace marrow {

// A named choice of series, and what each was when it was saved.
struct Subset {
  std::string name;
  std::string expression;  // that chose the series; empty when a list did
  std::string digest;      // of all series: 64 hex digits
  std::map<std::string, std::string> digest_of_series;  // by key
};

// SHA-256 of "key digest" lines, sorted.
[[nodiscard]] std::string subset_digest(const std::map<std::string, std::string>& digest_of_series);

// The tables `subsets` and `subset_series`. Throws SQLite::Exception.
void put_subset(SQLite::Database& database, const Subset& subset);  // replaces; in a transaction
void drop_subset(SQLite::Database& database, const std::string& name);
[[nodiscard]] std::vector<Subset> all_subsets(SQLite::Database& database);  // by name

}  // namespace marrow
