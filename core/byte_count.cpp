#include "core/byte_count.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <optional>
#include <sstream>
#include <string>
#include <utility>

#include "core/error.h"
#include "core/text.h"

namespace marrow {

std::uint64_t parse_byte_count(std::string_view text) {
  const std::string word(trim(text));
  std::istringstream stream(word);
  stream.imbue(std::locale::classic());
  double number = 0;
  std::string unit;
  const bool read = static_cast<bool>(stream >> number);
  stream >> unit;
  std::transform(unit.begin(), unit.end(), unit.begin(), [](unsigned char letter) {
    return static_cast<char>(std::toupper(letter));
  });
  std::optional<int> power;
  for (const auto& [prefix, exponent] :
       {std::pair{"", 0}, {"K", 10}, {"M", 20}, {"G", 30}, {"T", 40}}) {
    const std::string base(prefix);
    if (unit == base || unit == base + "B" || (!base.empty() && unit == base + "IB")) {
      power = exponent;
    }
  }
  if (!read || !power || !(number > 0) || number * std::exp2(*power) >= 0x1p62) {
    throw Error(ErrorCode::kInvalidArgument,
                "expected a size such as 512M or 6G, but found \"" + printable(word) + "\"");
  }
  return static_cast<std::uint64_t>(number * std::exp2(*power));
}

}  // namespace marrow
