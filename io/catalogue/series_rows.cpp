#include "io/catalogue/series_rows.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/text.h"
#include "io/catalogue/blobs.h"
#include "io/catalogue/packed_paths.h"

namespace marrow {

namespace {

using nlohmann::json;

// Nine numbers, row by row, each with all its digits.
std::string direction_text(const Eigen::Matrix3d& direction) {
  std::vector<std::string> numbers;
  for (int row = 0; row < 3; ++row) {
    for (int column = 0; column < 3; ++column) {
      numbers.push_back(fmt::format("{:.17g}", direction(row, column)));
    }
  }
  return join(numbers, " ");
}

Eigen::Matrix3d direction_from_text(const std::string& text) {
  const std::vector<std::string> words = split_words(text, ' ');
  Eigen::Matrix3d direction;
  if (words.size() != 9) {
    throw Error(ErrorCode::kUnreadable,
                "catalogue: a direction without nine numbers; run `marrow scan` again");
  }
  for (int n = 0; n < 9; ++n) {
    direction(n / 3, n % 3) = parse_decimal(words[static_cast<std::size_t>(n)]).value_or(0);
  }
  return direction;
}

// "?, ?, ", so that one more may follow.
std::string question_marks(int count) {
  std::string marks;
  for (int n = 0; n < count; ++n) {
    marks += "?, ";
  }
  return marks;
}

std::map<std::string, std::string> facts_from_text(const std::string& text) {
  try {
    return json::parse(text).get<std::map<std::string, std::string>>();
  } catch (const json::exception&) {
    throw Error(ErrorCode::kUnreadable,
                "catalogue: damaged acquisition facts; run `marrow scan` again");
  }
}

}  // namespace

SeriesRecord series_from_row(SQLite::Statement& row) {
  int column = 0;
  const auto text = [&] { return row.getColumn(column++).getString(); };
  const auto integer = [&] { return row.getColumn(column++).getInt64(); };
  const auto real = [&] { return row.getColumn(column++).getDouble(); };
  SeriesRecord record;
  record.key = text();
  record.study = text();
  record.patient = text();
  record.modality = modality_from_name(text());
  record.format = text();
  record.verdict = verdict_from_name(text());
  record.reason_code = text();
  record.reason = text();
  record.split = text();
  record.dropped_because = text();
  record.volumes = integer();
  if (!row.getColumn(column).isNull()) {
    record.volume = row.getColumn(column).getInt64();
  }
  ++column;
  const bool has_grid = !row.getColumn(column).isNull();
  Size3 size{};
  Eigen::Vector3d spacing;
  Eigen::Vector3d origin;
  for (std::int64_t& axis : size) {
    axis = integer();
  }
  for (int axis = 0; axis < 3; ++axis) {
    spacing[axis] = real();
  }
  for (int axis = 0; axis < 3; ++axis) {
    origin[axis] = real();
  }
  const std::string direction = text();
  if (has_grid) {
    record.geometry = make_geometry(size, spacing, origin, direction_from_text(direction));
  }
  ++column;  // file_count
  record.files = unpack_paths(text());
  record.facts = facts_from_text(text());
  return record;
}

void bind_series(SQLite::Statement& statement, const SeriesRecord& record) {
  int index = 1;
  const auto text = [&](std::string_view value) { statement.bind(index++, std::string(value)); };
  statement.reset();
  statement.clearBindings();
  text(record.key);
  text(record.study);
  text(record.patient);
  text(modality_name(record.modality));
  text(record.format);
  text(verdict_name(record.verdict));
  text(record.reason_code);
  text(record.reason);
  text(record.split);
  text(record.dropped_because);
  statement.bind(index++, record.volumes);
  if (record.volume) {
    statement.bind(index, *record.volume);  // else NULL, as all that is not bound
  }
  ++index;
  if (record.geometry) {
    for (const std::int64_t axis : record.geometry->size) {
      statement.bind(index++, axis);
    }
    for (int axis = 0; axis < 3; ++axis) {
      statement.bind(index++, record.geometry->spacing[axis]);
    }
    for (int axis = 0; axis < 3; ++axis) {
      statement.bind(index++, record.geometry->origin[axis]);
    }
    text(direction_text(record.geometry->direction));
  } else {
    index += 10;  // unbound parameters are NULL
  }
  statement.bind(index++, static_cast<std::int64_t>(record.files.size()));
  const std::string files = pack_paths(record.files);
  statement.bind(index++, files.data(), static_cast<int>(files.size()));
  text(json(record.facts).dump(-1, ' ', false, json::error_handler_t::replace));
}

SeriesWriter::SeriesWriter(SQLite::Database& database)
    : series_(database,
              fmt::format("INSERT INTO series ({}, owner) VALUES ({}?)",
                          kSeriesColumns,
                          question_marks(kSeriesColumnCount))),
      issue_(
          database,
          "INSERT OR REPLACE INTO issues (path, code, reason_code, reason, advice, series, owner) "
          "VALUES (?, ?, ?, ?, ?, ?, ?)") {}

void SeriesWriter::add(const SeriesRecord& record, const std::string& owner) {
  bind_series(series_, record);
  series_.bind(kSeriesColumnCount + 1, owner);
  series_.exec();
}

void SeriesWriter::add(const Issue& issue, const std::string& series, const std::string& owner) {
  issue_.reset();
  bind_blob(issue_, 1, issue.path.native());
  issue_.bind(2, static_cast<int>(issue.code));
  issue_.bind(3, issue.reason_code);
  issue_.bind(4, issue.reason);
  issue_.bind(5, issue.advice);
  issue_.bind(6, series);
  issue_.bind(7, owner);
  issue_.exec();
}

Issue issue_from_row(SQLite::Statement& row) {
  return {blob_of(row.getColumn(0)),
          static_cast<ErrorCode>(row.getColumn(1).getInt()),
          row.getColumn(2).getString(),
          row.getColumn(3).getString(),
          row.getColumn(4).getString()};
}

}  // namespace marrow
