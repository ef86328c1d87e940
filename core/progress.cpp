#include "core/progress.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <mutex>
#include <unistd.h>

#include <fmt/format.h>

#include "core/error.h"
#include "core/text.h"

namespace marrow {

namespace {

using Clock = std::chrono::steady_clock;

std::atomic<ProgressStyle> default_style{ProgressStyle::kLines};

std::string escape_json(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out.push_back('\\');
    }
    out.push_back(c);
  }
  return out;
}

std::string rate_text(double rate) {
  return rate >= 100 ? format_count(std::llround(rate)) : fmt::format("{:.1f}", rate);
}

}  // namespace

struct Progress::State {
  std::string label;
  std::int64_t total = 0;
  std::string unit;
  ProgressStyle style = ProgressStyle::kNone;
  std::mutex mutex;
  std::int64_t done = 0;
  std::int64_t first = 0;
  std::string words;
  Clock::time_point start = Clock::now();
  Clock::time_point printed{};
  bool finished = false;

  void print(bool last) {
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    const double rate = seconds > 0 ? static_cast<double>(done - first) / seconds : 0;
    const double left = rate > 0 && total > 0 ? static_cast<double>(total - done) / rate : 0;
    const std::string tail = words.empty() ? "" : "   " + words;
    if (style == ProgressStyle::kJson) {
      fmt::print(
          stderr,
          "{{\"progress\":\"{}\",\"done\":{},\"total\":{},\"unit\":\"{}\",\"per_second\":{:.4g},"
          "\"seconds_left\":{:.1f},\"note\":\"{}\"}}\n",
          escape_json(label),
          done,
          total,
          unit,
          rate,
          left,
          escape_json(words));
    } else {
      const double share =
          total > 0 ? std::min(1.0, static_cast<double>(done) / static_cast<double>(total)) : 0;
      std::string line = label + "  ";
      if (style == ProgressStyle::kBar && total > 0) {
        constexpr int kWidth = 24;
        const int eighths = static_cast<int>(share * kWidth * 8);
        static const char* const kParts[] = {" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
        for (int cell = 0; cell < kWidth; ++cell) {
          line += eighths >= (cell + 1) * 8 ? "█"
                  : eighths > cell * 8      ? kParts[eighths - cell * 8]
                                            : " ";
        }
        line += "  ";
      }
      if (total > 0) {
        line += fmt::format(
            "{:3.0f} %   {}/{} {}", 100 * share, format_count(done), format_count(total), unit);
      } else {
        line += format_count(done) + " " + unit;
      }
      line += "   " + rate_text(rate) + "/s";
      line += last       ? "   " + format_duration(seconds)
              : left > 0 ? "   " + format_duration(left) + " left"
                         : "";
      line += tail;
      if (style == ProgressStyle::kBar) {
        fmt::print(stderr, "\r\033[K{}{}", line, last ? "\n" : "");
      } else {
        fmt::print(stderr, "{}\n", line);
      }
    }
    std::fflush(stderr);
    printed = Clock::now();
  }

  void maybe_print() {
    const auto interval =
        style == ProgressStyle::kBar ? std::chrono::milliseconds(100) : std::chrono::seconds(5);
    if (style != ProgressStyle::kNone && Clock::now() - std::max(printed, start) >= interval) {
      print(false);
    }
  }
};

Progress::Progress(std::string label, std::int64_t total, std::string unit, ProgressStyle style)
    : state_(std::make_unique<State>()) {
  state_->label = std::move(label);
  state_->total = total;
  state_->unit = std::move(unit);
  state_->style = style;
}

Progress::~Progress() {
  finish();
}

void Progress::advance(std::int64_t by) {
  const std::lock_guard lock(state_->mutex);
  state_->done += by;
  state_->maybe_print();
}

void Progress::start_at(std::int64_t done) {
  const std::lock_guard lock(state_->mutex);
  state_->done = done;
  state_->first = done;
  state_->start = Clock::now();
}

void Progress::note(std::string_view words) {
  const std::lock_guard lock(state_->mutex);
  state_->words = words;
}

void Progress::finish() {
  const std::lock_guard lock(state_->mutex);
  if (!state_->finished && state_->style != ProgressStyle::kNone) {
    state_->print(true);
  }
  state_->finished = true;
}

ProgressStyle progress_style(std::string_view word) {
  if (word.empty()) {
    return ::isatty(STDERR_FILENO) == 1 ? ProgressStyle::kBar : ProgressStyle::kLines;
  }
  if (word == "bar") {
    return ::isatty(STDERR_FILENO) == 1 ? ProgressStyle::kBar : ProgressStyle::kLines;
  }
  if (word == "json") {
    return ProgressStyle::kJson;
  }
  if (word == "none") {
    return ProgressStyle::kNone;
  }
  throw Error(ErrorCode::kInvalidArgument,
              "--progress: expected bar, json or none, found \"" + printable(word) + "\"");
}

void set_default_progress_style(ProgressStyle style) {
  default_style = style;
}

ProgressStyle default_progress_style() {
  return default_style;
}

std::string format_duration(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::max(0.0, std::round(seconds)));
  const std::int64_t hours = whole / 3600;
  if (hours > 0) {
    return fmt::format("{}:{:02}:{:02}", hours, whole / 60 % 60, whole % 60);
  }
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

std::string format_count(std::int64_t count) {
  const std::string digits = std::to_string(count < 0 ? -count : count);
  std::string out;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) {
      out.push_back(' ');
    }
    out.push_back(digits[i]);
  }
  return count < 0 ? "-" + out : out;
}

std::string format_bytes(std::uint64_t bytes) {
  static const char* const kUnits[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit < 5) {
    value /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} bytes", bytes) : fmt::format("{:.3g} {}", value, kUnits[unit]);
}

}  // namespace marrow
