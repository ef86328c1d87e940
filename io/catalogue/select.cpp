#include "io/catalogue/select.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <sqlite3.h>

#include "core/error.h"
#include "core/text.h"
#include "io/catalogue/catalogue.h"
#include "io/catalogue/database.h"

namespace marrow {

namespace {

constexpr int kLongestExpression = 10'000;  // characters
constexpr int kInstructionsPerCheck = 100'000;
constexpr int kMostChecks = 20'000;  // 2e9 instructions of SQLite's machine: seconds

constexpr std::array<std::string_view, 20> kFunctions{
    "like",  "glob",   "lower",    "upper",  "abs",    "length",      "round",
    "instr", "substr", "coalesce", "ifnull", "nullif", "min",         "max",
    "trim",  "ltrim",  "rtrim",    "iif",    "typeof", "json_extract"};

constexpr std::string_view kInsideViews = "numbers";  // the schema's only common table expression

struct SelectGuard {
  std::string view;
  int allowed_selects = 0;  // what the view itself takes
  int selects = 0;
  int checks = 0;
};

int authorize_select(void* guard,
                     int action,
                     const char* first,
                     const char* second,
                     const char*,
                     const char* accessor) {
  // What the view itself does on the way to its rows is its own business.
  const SelectGuard& allowed = *static_cast<const SelectGuard*>(guard);
  const bool in_view =
      accessor != nullptr && (allowed.view == accessor || kInsideViews == accessor);
  switch (action) {
    case SQLITE_SELECT:
      // One more than without the expression would be a query inside it.
      return in_view || ++static_cast<SelectGuard*>(guard)->selects <= allowed.allowed_selects
                 ? SQLITE_OK
                 : SQLITE_DENY;
    case SQLITE_READ:
      return in_view || (first != nullptr && allowed.view == first) ? SQLITE_OK : SQLITE_DENY;
    case SQLITE_RECURSIVE:
      return in_view ? SQLITE_OK : SQLITE_DENY;
    case SQLITE_FUNCTION:
      return in_view ||
                     (second != nullptr &&
                      std::find(kFunctions.begin(), kFunctions.end(), second) != kFunctions.end())
                 ? SQLITE_OK
                 : SQLITE_DENY;
    default:
      return SQLITE_DENY;
  }
}

int count_selects(
    void* guard, int action, const char*, const char*, const char*, const char* accessor) {
  const bool in_view = accessor != nullptr && (static_cast<SelectGuard*>(guard)->view == accessor ||
                                               kInsideViews == accessor);
  static_cast<SelectGuard*>(guard)->allowed_selects += action == SQLITE_SELECT && !in_view ? 1 : 0;
  return SQLITE_OK;
}

int stop_long_select(void* guard) {
  return ++static_cast<SelectGuard*>(guard)->checks > kMostChecks ? 1 : 0;
}

[[noreturn]] void refuse_expression(const std::string& where, const std::string& why) {
  throw Error(ErrorCode::kInvalidArgument,
              fmt::format("--where \"{}\": {}", printable(where), why));
}

Cell cell_of(sqlite3_stmt* statement, int column) {
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
      return std::int64_t{sqlite3_column_int64(statement, column)};
    case SQLITE_FLOAT:
      return sqlite3_column_double(statement, column);
    case SQLITE_NULL:
      return {};
    default: {
      const auto* const text =
          reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
      const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, column));
      return text == nullptr ? std::string() : std::string(text, size);
    }
  }
}

std::string explain_select(std::string_view message, const CatalogueView& view) {
  constexpr std::string_view kNoColumn = "no such column: ";
  if (message.starts_with(kNoColumn)) {
    const std::string name(message.substr(kNoColumn.size()));
    const std::string nearest = nearest_word(name, view.columns);
    return fmt::format("there is no column \"{}\"{} (text goes in single quotes; columns: {})",
                       printable(name),
                       nearest.empty() ? "" : "; did you mean \"" + nearest + "\"?",
                       join(view.columns, ", "));
  }
  if (message.find("not authorized") != std::string_view::npos ||
      message.find("prohibited") != std::string_view::npos) {
    return "only comparisons of the listed columns are allowed: " + join(view.columns, ", ");
  }
  if (message == "interrupted") {
    return "the expression takes too long";
  }
  return printable(message);
}

}  // namespace

const std::vector<std::string>& listing_columns() {
  static const std::vector<std::string> columns{"key",
                                                "patient",
                                                "study",
                                                "modality",
                                                "format",
                                                "verdict",
                                                "reason_code",
                                                "reason",
                                                "split",
                                                "dropped_because",
                                                "kept",
                                                "volumes",
                                                "columns",
                                                "rows",
                                                "slices",
                                                "spacing_x",
                                                "spacing_y",
                                                "spacing_z",
                                                "files",
                                                "manufacturer",
                                                "model",
                                                "body_part",
                                                "kernel",
                                                "contrast",
                                                "thickness_mm",
                                                "kvp",
                                                "tr_ms",
                                                "te_ms",
                                                "field_strength_t",
                                                "facts"};
  return columns;
}

const std::vector<CatalogueView>& catalogue_views() {
  static const std::vector<CatalogueView> views{
      {"series", "listing", "key", listing_columns()},
      {"studies",
       "studies",
       "study",
       {"study", "patient", "modalities", "series", "kept", "files", "reports", "split"}},
      {"volumes",
       "volumes",
       "key, volume",
       {"key",
        "volume",
        "patient",
        "study",
        "modality",
        "format",
        "split",
        "kept",
        "columns",
        "rows",
        "slices",
        "spacing_x",
        "spacing_y",
        "spacing_z"}},
      {"issues",
       "issue_list",
       "path, series",
       {"path", "kind", "reason_code", "reason", "advice", "series"}},
      {"reports",
       "report_list",
       "file, row",
       {"study", "patient", "series", "file", "row", "characters", "digest"}},
      {"dropped",
       "dropped_list",
       "collection, key",
       {"key", "filter", "kept", "measure", "because", "collection"}},
      {"dropped_slices",
       "dropped_slice_list",
       "collection, key, slice",
       {"key", "slice", "filter", "kept_key", "kept_slice", "measure", "collection"}}};
  return views;
}

const CatalogueView& catalogue_view(const std::string& name) {
  std::vector<std::string> names;
  for (const CatalogueView& view : catalogue_views()) {
    if (view.name == name) {
      return view;
    }
    names.push_back(view.name);
  }
  throw Error(
      ErrorCode::kInvalidArgument,
      fmt::format(
          "there is no list \"{}\"; expected one of {}", printable(name), join(names, ", ")));
}

std::vector<std::vector<Cell>> select_rows(const std::filesystem::path& catalogue,
                                           const CatalogueView& view,
                                           const std::vector<std::string>& columns,
                                           const std::string& where) {
  if (where.size() > kLongestExpression || where.find('\0') != std::string::npos) {
    refuse_expression(where,
                      fmt::format("an expression has at most {} characters", kLongestExpression));
  }
  SQLite::Database database = open_catalogue(catalogue, false);
  sqlite3* const handle = database.getHandle();
  SelectGuard guard{.view = view.view};
  sqlite3_db_config(
      handle, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);  // "text" is a column, never silently a string
  sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, nullptr);
  sqlite3_limit(handle, SQLITE_LIMIT_EXPR_DEPTH, 200);
  sqlite3_limit(handle, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 200);
  sqlite3_progress_handler(handle, kInstructionsPerCheck, stop_long_select, &guard);
  // The line end closes a comment, which would otherwise hide the bracket.
  const auto query = [&](const std::string& condition) {
    return fmt::format("SELECT {} FROM {} WHERE (\n{}\n) ORDER BY {}",
                       join(columns, ", "),
                       view.view,
                       condition,
                       view.order);
  };
  sqlite3_stmt* statement = nullptr;
  sqlite3_set_authorizer(handle, count_selects, &guard);
  sqlite3_prepare_v2(handle, query("1").c_str(), -1, &statement, nullptr);
  sqlite3_finalize(std::exchange(statement, nullptr));
  sqlite3_set_authorizer(handle, authorize_select, &guard);
  const std::string sql = query(where.empty() ? "1" : where);
  const char* tail = nullptr;
  std::vector<std::vector<Cell>> rows;
  int status =
      sqlite3_prepare_v2(handle, sql.c_str(), static_cast<int>(sql.size()) + 1, &statement, &tail);
  const bool more = status == SQLITE_OK && tail != nullptr && !trim(tail).empty();
  while (status == SQLITE_OK && !more && (status = sqlite3_step(statement)) == SQLITE_ROW) {
    std::vector<Cell>& row = rows.emplace_back();
    for (int column = 0; column < sqlite3_column_count(statement); ++column) {
      row.push_back(cell_of(statement, column));
    }
    status = SQLITE_OK;
  }
  const std::string message = sqlite3_errmsg(handle);
  sqlite3_finalize(statement);
  if (more) {
    refuse_expression(where, "one expression is expected, found more behind it");
  }
  if (status != SQLITE_DONE) {
    refuse_expression(where, explain_select(message, view));
  }
  return rows;
}

std::vector<std::string> select_keys(const std::filesystem::path& catalogue,
                                     const std::string& where) {
  if (trim(where).empty()) {
    refuse_expression(where, "the expression is empty; an example: modality='CT' and slices>40");
  }
  std::vector<std::string> keys;
  for (std::vector<Cell>& row : select_rows(catalogue, catalogue_view("series"), {"key"}, where)) {
    keys.push_back(std::move(std::get<std::string>(row.front())));
  }
  return keys;
}

}  // namespace marrow
