#pragma once

#include <string_view>

namespace marrow {

// The style sheet and the script of every page, to be put inline. Colours are the Okabe-Ito
// palette; the custom properties --c1 ... --c6 are its series colours in light and dark.
[[nodiscard]] std::string_view page_style();
// Moves the sliders through slices. Without it each case shows one slice.
[[nodiscard]] std::string_view page_script();

}  // namespace marrow
