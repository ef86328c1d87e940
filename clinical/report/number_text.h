#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>

namespace marrow {

// Numbers as a person writes them on a page: narrow no-break spaces between thousands, a true minus
// sign, an en dash for anything that is not finite.

// `digits` significant digits, but never fewer digits than the integer part has: 0.7654 ->
// "0.765", 12.41 -> "12.4", 1204.3 -> "1 204"; below 0.001 as "2.0 × 10⁻⁴". Trailing zeros are
// kept, since they are significant.
[[nodiscard]] std::string number_text(double value, int digits = 3);
[[nodiscard]] std::string fixed_text(double value, int decimals);
// With its sign, also when positive: "+0.042".
[[nodiscard]] std::string signed_text(double value, int decimals);
[[nodiscard]] std::string count_text(std::int64_t count);
// 222.4 -> "3 min 42 s".
[[nodiscard]] std::string seconds_text(double seconds);

// How many decimals give the largest of `values` three significant digits (at most 3, so 0.8 -> 3,
// 12 -> 1, 150 -> 0): one number for a whole column, so that its figures align.
[[nodiscard]] int column_decimals(std::span<const double> values);

// A value and, where it is known, its interval.
struct Estimate {
  double value = std::numeric_limits<double>::quiet_NaN();
  double low = std::numeric_limits<double>::quiet_NaN();
  double high = std::numeric_limits<double>::quiet_NaN();

  [[nodiscard]] bool known() const { return value == value; }

  [[nodiscard]] bool has_interval() const { return low == low && high == high; }
};

// "0.712 to 0.803"; empty without an interval.
[[nodiscard]] std::string interval_text(const Estimate& estimate, int decimals);
[[nodiscard]] std::string signed_interval_text(const Estimate& estimate, int decimals);

}  // namespace marrow
