#include "io/catalogue/select.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>
#include <sqlite3.h>

#include "core/error.h"
#include "core/text.h"
#include "io/catalogue/catalogue.h"
#include "io/catalogue/database.h"

namespace marrow {

namespace {

constexpr std::string_view kView = "listing";
constexpr int kLongestExpression = 10'000;  // characters
constexpr int kInstructionsPerCheck = 100'000;
constexpr int kMostChecks = 20'000;  // 2e9 instructions of SQLite's machine: seconds

constexpr std::array<std::string_view, 20> kFunctions{
    "like",  "glob",   "lower",    "upper",  "abs",    "length",      "round",
    "instr", "substr", "coalesce", "ifnull", "nullif", "min",         "max",
    "trim",  "ltrim",  "rtrim",    "iif",    "typeof", "json_extract"};

struct SelectGuard {
  int selects = 0;  // of the expression itself, not of the view
  int checks = 0;
};

int authorize_select(void* guard,
                     int action,
                     const char* first,
                     const char* second,
                     const char*,
                     const char* accessor) {
  const bool in_view = accessor != nullptr && kView == accessor;
  switch (action) {
    case SQLITE_SELECT:
      // One is ours; a second would be a query inside the expression.
      return in_view || ++static_cast<SelectGuard*>(guard)->selects <= 1 ? SQLITE_OK : SQLITE_DENY;
    case SQLITE_READ:
      return in_view || (first != nullptr && kView == first) ? SQLITE_OK : SQLITE_DENY;
    case SQLITE_FUNCTION:
      return second != nullptr &&
                     std::find(kFunctions.begin(), kFunctions.end(), second) != kFunctions.end()
                 ? SQLITE_OK
                 : SQLITE_DENY;
    default:
      return SQLITE_DENY;
  }
}

int stop_long_select(void* guard) {
  return ++static_cast<SelectGuard*>(guard)->checks > kMostChecks ? 1 : 0;
}

[[noreturn]] void refuse_expression(const std::string& where, const std::string& why) {
  throw Error(ErrorCode::kInvalidArgument,
              fmt::format("--where \"{}\": {}", printable(where), why));
}

std::string explain_select(std::string_view message) {
  constexpr std::string_view kNoColumn = "no such column: ";
  if (message.starts_with(kNoColumn)) {
    const std::string name(message.substr(kNoColumn.size()));
    const std::string nearest = nearest_word(name, listing_columns());
    return fmt::format("there is no column \"{}\"{} (text goes in single quotes; columns: {})",
                       printable(name),
                       nearest.empty() ? "" : "; did you mean \"" + nearest + "\"?",
                       join(listing_columns(), ", "));
  }
  if (message.find("not authorized") != std::string_view::npos ||
      message.find("prohibited") != std::string_view::npos) {
    return "only comparisons of the listed columns are allowed: " + join(listing_columns(), ", ");
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

std::vector<std::string> select_keys(const std::filesystem::path& catalogue,
                                     const std::string& where) {
  if (trim(where).empty()) {
    refuse_expression(where, "the expression is empty; an example: modality='CT' and slices>40");
  }
  if (where.size() > kLongestExpression || where.find('\0') != std::string::npos) {
    refuse_expression(where,
                      fmt::format("an expression has at most {} characters", kLongestExpression));
  }
  SQLite::Database database = open_catalogue(catalogue, false);
  sqlite3* const handle = database.getHandle();
  SelectGuard guard;
  sqlite3_db_config(
      handle, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);  // "text" is a column, never silently a string
  sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, nullptr);
  sqlite3_limit(handle, SQLITE_LIMIT_EXPR_DEPTH, 200);
  sqlite3_limit(handle, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 200);
  sqlite3_progress_handler(handle, kInstructionsPerCheck, stop_long_select, &guard);
  sqlite3_set_authorizer(handle, authorize_select, &guard);
  // The line end closes a comment, which would otherwise hide the bracket.
  const std::string sql = fmt::format("SELECT key FROM listing WHERE (\n{}\n) ORDER BY key", where);
  sqlite3_stmt* statement = nullptr;
  const char* tail = nullptr;
  std::vector<std::string> keys;
  int status =
      sqlite3_prepare_v2(handle, sql.c_str(), static_cast<int>(sql.size()) + 1, &statement, &tail);
  const bool more = status == SQLITE_OK && tail != nullptr && !trim(tail).empty();
  while (status == SQLITE_OK && !more && (status = sqlite3_step(statement)) == SQLITE_ROW) {
    keys.emplace_back(reinterpret_cast<const char*>(sqlite3_column_text(statement, 0)));
    status = SQLITE_OK;
  }
  const std::string message = sqlite3_errmsg(handle);
  sqlite3_finalize(statement);
  if (more) {
    refuse_expression(where, "one expression is expected, found more behind it");
  }
  if (status != SQLITE_DONE) {
    refuse_expression(where, explain_select(message));
  }
  return keys;
}

}  // namespace marrow
