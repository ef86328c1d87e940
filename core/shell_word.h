#pragma once

#include <string>
#include <string_view>

namespace marrow {

// A word as a shell takes it back: as it is, or in single quotes.
[[nodiscard]] std::string shell_word(std::string_view word);

}  // namespace marrow
