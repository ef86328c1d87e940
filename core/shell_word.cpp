#include "core/shell_word.h"

namespace marrow {

std::string shell_word(std::string_view word) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,+@%";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string_view::npos) {
    return std::string(word);
  }
  std::string quoted = "'";
  for (const char one : word) {
    quoted += one == '\'' ? std::string("'\\''") : std::string(1, one);
  }
  return quoted + "'";
}

}  // namespace marrow
