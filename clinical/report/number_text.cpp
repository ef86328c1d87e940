#include "clinical/report/number_text.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string_view>

#include <fmt/format.h>

namespace marrow {

namespace {

constexpr std::string_view kThinSpace = "\u202f";
constexpr std::string_view kMinus = "\u2212";
constexpr std::string_view kNotKnown = "\u2013";

// `digits`: decimal digits with an optional fraction, no sign.
std::string group_thousands(const std::string& digits) {
  const std::size_t whole = std::min(digits.find('.'), digits.size());
  std::string text;
  for (std::size_t i = 0; i < whole; ++i) {
    if (i > 0 && (whole - i) % 3 == 0) {
      text += kThinSpace;
    }
    text += digits[i];
  }
  return text + digits.substr(whole);
}

std::string superscript(int exponent) {
  static constexpr std::string_view kDigits[] = {"\u2070",
                                                 "\u00b9",
                                                 "\u00b2",
                                                 "\u00b3",
                                                 "\u2074",
                                                 "\u2075",
                                                 "\u2076",
                                                 "\u2077",
                                                 "\u2078",
                                                 "\u2079"};
  std::string text = exponent < 0 ? "\u207b" : "";
  for (const char digit : std::to_string(std::abs(exponent))) {
    text += kDigits[digit - '0'];
  }
  return text;
}

bool reads_as_zero(const std::string& digits) {
  return digits.find_first_not_of("0.") == std::string::npos;
}

}  // namespace

std::string fixed_text(double value, int decimals) {
  if (!std::isfinite(value)) {
    return std::string(kNotKnown);
  }
  const std::string digits = fmt::format("{:.{}f}", std::abs(value), std::max(decimals, 0));
  return (value < 0 && !reads_as_zero(digits) ? std::string(kMinus) : std::string()) +
         group_thousands(digits);
}

std::string number_text(double value, int digits) {
  if (!std::isfinite(value)) {
    return std::string(kNotKnown);
  }
  if (value == 0) {
    return "0";
  }
  // Through %e, so that 0.9996 with three digits counts as 1.00.
  const std::string scientific = fmt::format("{:.{}e}", std::abs(value), digits - 1);
  const std::size_t e = scientific.find('e');
  const int exponent = std::atoi(scientific.c_str() + e + 1);
  if (exponent < -3 || exponent > 11) {
    return (value < 0 ? std::string(kMinus) : std::string()) + scientific.substr(0, e) +
           "\u202f\u00d7\u202f10" + superscript(exponent);
  }
  return fixed_text(value, std::max(digits - 1 - exponent, 0));
}

std::string signed_text(double value, int decimals) {
  const std::string text = fixed_text(value, decimals);
  return std::isfinite(value) && value > 0 && !reads_as_zero(text) ? "+" + text : text;
}

std::string count_text(std::int64_t count) {
  const std::string digits = std::to_string(count);
  return count < 0 ? std::string(kMinus) + group_thousands(digits.substr(1))
                   : group_thousands(digits);
}

std::string seconds_text(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) {
    return std::string(kNotKnown);
  }
  if (seconds < 60) {
    return number_text(seconds, 2) + " s";
  }
  const auto whole = static_cast<std::int64_t>(std::llround(seconds));
  if (whole < 3600) {
    return fmt::format("{} min {} s", whole / 60, whole % 60);
  }
  return fmt::format("{} h {} min", count_text(whole / 3600), whole % 3600 / 60);
}

int column_decimals(std::span<const double> values) {
  double largest = 0;
  for (const double value : values) {
    if (std::isfinite(value)) {
      largest = std::max(largest, std::abs(value));
    }
  }
  return largest >= 99.95 ? 0 : largest >= 9.995 ? 1 : largest > 1.0005 ? 2 : 3;
}

std::string interval_text(const Estimate& estimate, int decimals) {
  return estimate.has_interval()
             ? fixed_text(estimate.low, decimals) + " to " + fixed_text(estimate.high, decimals)
             : std::string();
}

std::string signed_interval_text(const Estimate& estimate, int decimals) {
  return estimate.has_interval()
             ? signed_text(estimate.low, decimals) + " to " + signed_text(estimate.high, decimals)
             : std::string();
}

}  // namespace marrow
