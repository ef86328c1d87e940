#pragma once

#include <filesystem>
#include <string_view>

// Sentences an operator acts upon, on standard error and (once opened) in a log file. Thread-safe.
// Losing the log (full disk, /dev/full) never ends the work: the loss is reported once on standard
// error.
namespace marrow::log {

void info(std::string_view sentence);
void warn(std::string_view sentence);
void error(std::string_view sentence);

// Also append every later sentence, with a UTC time stamp, to `file`.
void open_file(const std::filesystem::path& file);
void close_file();

}  // namespace marrow::log
