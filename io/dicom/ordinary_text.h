#pragma once

#include <string_view>

namespace marrow {

// What the bytes of a text value hold besides printable ASCII, padding at its end left out.
struct TextContent {
  bool control = false;         // control characters, a zero within
  bool high = false;            // bytes beyond ASCII
  bool separator = false;       // a backslash
  std::string_view unpadded{};  // without trailing blanks and zeros, and without blanks in front
};

[[nodiscard]] TextContent text_content(std::string_view bytes);

// Whether blanks stand beside a separator, where some readers remove them and others do not.
[[nodiscard]] bool blank_beside_separator(std::string_view text);

}  // namespace marrow
