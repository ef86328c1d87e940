#include "io/catalogue/subset_table.h"

#include "core/digest.h"

namespace marrow {

std::string subset_digest(const std::map<std::string, std::string>& digest_of_series) {
  std::string lines;
  for (const auto& [key, digest] : digest_of_series) {
    lines += key + ' ' + digest + '\n';
  }
  return sha256_hex(lines);
}

void drop_subset(SQLite::Database& database, const std::string& name) {
  for (const char* const query :
       {"DELETE FROM subset_series WHERE subset = ?", "DELETE FROM subsets WHERE name = ?"}) {
    SQLite::Statement statement(database, query);
    statement.bind(1, name);
    statement.exec();
  }
}

void put_subset(SQLite::Database& database, const Subset& subset) {
  drop_subset(database, subset.name);
  SQLite::Statement head(database, "INSERT INTO subsets VALUES (?, ?, ?)");
  head.bind(1, subset.name);
  head.bind(2, subset.expression);
  head.bind(3, subset.digest);
  head.exec();
  SQLite::Statement series(database, "INSERT INTO subset_series VALUES (?, ?, ?)");
  for (const auto& [key, digest] : subset.digest_of_series) {
    series.reset();
    series.bind(1, subset.name);
    series.bind(2, key);
    series.bind(3, digest);
    series.exec();
  }
}

std::vector<Subset> all_subsets(SQLite::Database& database) {
  std::vector<Subset> subsets;
  SQLite::Statement heads(database, "SELECT name, expression, digest FROM subsets ORDER BY name");
  SQLite::Statement series(database, "SELECT key, digest FROM subset_series WHERE subset = ?");
  while (heads.executeStep()) {
    Subset& subset = subsets.emplace_back();
    subset.name = heads.getColumn(0).getString();
    subset.expression = heads.getColumn(1).getString();
    subset.digest = heads.getColumn(2).getString();
    series.reset();
    series.bind(1, subset.name);
    while (series.executeStep()) {
      subset.digest_of_series[series.getColumn(0).getString()] = series.getColumn(1).getString();
    }
  }
  return subsets;
}

}  // namespace marrow
