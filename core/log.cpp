#include "core/log.h"

#include <cstdio>
#include <ctime>
#include <mutex>
#include <string>

#include "core/files.h"

namespace marrow::log {

namespace {

std::mutex log_mutex;
std::filesystem::path log_file;

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

void write(const char* level, std::string_view sentence) {
  const std::lock_guard lock(log_mutex);
  const std::string line =
      (*level == '\0' ? "" : std::string(level) + ": ") + std::string(sentence);
  std::fprintf(stderr, "%s\n", line.c_str());
  if (!log_file.empty()) {
    append_line(log_file, utc_now() + " " + line);
  }
}

}  // namespace

void info(std::string_view sentence) {
  write("", sentence);
}

void warn(std::string_view sentence) {
  write("warning", sentence);
}

void error(std::string_view sentence) {
  write("error", sentence);
}

void open_file(const std::filesystem::path& file) {
  const std::lock_guard lock(log_mutex);
  log_file = file;
}

void close_file() {
  const std::lock_guard lock(log_mutex);
  log_file.clear();
}

}  // namespace marrow::log
