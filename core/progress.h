#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace marrow {

enum class ProgressStyle { kBar, kLines, kJson, kNone };

// How far a long loop is, on standard error: a bar on a terminal, one line every few seconds
// elsewhere, one JSON object a line on request. Thread-safe; costs nothing when called often (it
// prints at most ten times a second).
class Progress {
 public:
  // `total` = 0 when unknown. `unit` is a plural: "files", "crops".
  Progress(std::string label, std::int64_t total, std::string unit, ProgressStyle style);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void advance(std::int64_t by = 1);
  // Where a resumed job starts; not counted into the rate.
  void start_at(std::int64_t done);
  // Extra words for the end of the line, such as "loss 0.412".
  void note(std::string_view words);
  // Prints the final state and ends the line. Called by the destructor when not called before.
  void finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// "bar", "json", "none" or "" (bar on a terminal, lines elsewhere). Throws Error{kInvalidArgument}
// on other words.
[[nodiscard]] ProgressStyle progress_style(std::string_view word);
// The style that commands use unless they are given another; set once by main.
void set_default_progress_style(ProgressStyle style);
[[nodiscard]] ProgressStyle default_progress_style();

// 65 -> "1:05", 3723 -> "1:02:03".
[[nodiscard]] std::string format_duration(double seconds);
// 1204331 -> "1 204 331".
[[nodiscard]] std::string format_count(std::int64_t count);
// 1536 -> "1.5 KiB".
[[nodiscard]] std::string format_bytes(std::uint64_t bytes);

}  // namespace marrow
