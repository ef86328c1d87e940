#include "io/catalogue/reduction_table.h"

#include <SQLiteCpp/VariadicBind.h>
#include <fmt/format.h>

namespace marrow {

namespace {

void put_cases(SQLite::Database& database,
               const std::string& collection,
               const Reduction& reduction) {
  SQLite::Statement dropped(database, "INSERT INTO dropped_cases VALUES (?, ?, ?, ?, ?, ?)");
  for (const DroppedCase& one : reduction.dropped) {
    dropped.reset();
    SQLite::bind(dropped, collection, one.key, one.filter, one.kept, one.measure, one.because);
    dropped.exec();
  }
  SQLite::Statement reduced(database, "INSERT INTO reduced_cases VALUES (?, ?, ?, ?)");
  SQLite::Statement slices(database, "INSERT INTO dropped_slices VALUES (?, ?, ?, ?, ?, ?, ?)");
  for (const ReducedCase& one : reduction.cases) {
    reduced.reset();
    SQLite::bind(reduced, collection, one.key, one.axis, one.slices);
    reduced.exec();
    for (const DroppedSlice& slice : one.dropped) {
      slices.reset();
      SQLite::bind(slices,
                   collection,
                   one.key,
                   slice.slice,
                   slice.filter,
                   slice.kept_key,
                   slice.kept_slice,
                   slice.measure);
      slices.exec();
    }
  }
}

}  // namespace

void put_reduction(SQLite::Database& database,
                   const std::string& collection,
                   const std::optional<Reduction>& reduction) {
  for (const char* const table :
       {"reductions", "dropped_cases", "reduced_cases", "dropped_slices"}) {
    SQLite::Statement remove(database, fmt::format("DELETE FROM {} WHERE collection = ?", table));
    remove.bind(1, collection);
    remove.exec();
  }
  if (reduction) {
    SQLite::Statement head(database, "INSERT INTO reductions VALUES (?, ?)");
    SQLite::bind(head, collection, reduction->config);
    head.exec();
    put_cases(database, collection, *reduction);
  }
  if (!collection.empty()) {
    return;
  }
  database.exec("UPDATE series SET dropped_because = '' WHERE dropped_because <> ''");
  if (reduction) {
    SQLite::Statement series(database, "UPDATE series SET dropped_because = ? WHERE key = ?");
    for (const DroppedCase& one : reduction->dropped) {
      series.reset();
      series.bind(1,
                  one.kept.empty()
                      ? fmt::format("{}: {}", one.filter, one.because)
                      : fmt::format("{}: {}; {} is kept", one.filter, one.because, one.kept));
      series.bind(2, one.key);
      series.exec();
    }
  }
}

std::optional<Reduction> reduction_of(SQLite::Database& database, const std::string& collection) {
  SQLite::Statement head(database, "SELECT config FROM reductions WHERE collection = ?");
  head.bind(1, collection);
  if (!head.executeStep()) {
    return std::nullopt;
  }
  Reduction reduction;
  reduction.config = head.getColumn(0).getString();
  SQLite::Statement dropped(database,
                            "SELECT key, filter, kept, measure, because FROM dropped_cases WHERE "
                            "collection = ? ORDER BY key");
  dropped.bind(1, collection);
  while (dropped.executeStep()) {
    reduction.dropped.push_back({dropped.getColumn(0).getString(),
                                 dropped.getColumn(1).getString(),
                                 dropped.getColumn(2).getString(),
                                 dropped.getColumn(3).getDouble(),
                                 dropped.getColumn(4).getString()});
  }
  SQLite::Statement cases(
      database, "SELECT key, axis, slices FROM reduced_cases WHERE collection = ? ORDER BY key");
  cases.bind(1, collection);
  SQLite::Statement slices(database,
                           "SELECT slice, filter, kept_key, kept_slice, measure FROM "
                           "dropped_slices WHERE collection = ? AND key = ? ORDER BY slice");
  while (cases.executeStep()) {
    ReducedCase& one = reduction.cases.emplace_back();
    one.key = cases.getColumn(0).getString();
    one.axis = cases.getColumn(1).getInt64();
    one.slices = cases.getColumn(2).getInt64();
    slices.reset();
    SQLite::bind(slices, collection, one.key);
    while (slices.executeStep()) {
      one.dropped.push_back({slices.getColumn(0).getInt64(),
                             slices.getColumn(1).getString(),
                             slices.getColumn(2).getString(),
                             slices.getColumn(3).getInt64(),
                             slices.getColumn(4).getDouble()});
    }
  }
  return reduction;
}

}  // namespace marrow
