#pragma once

#include <cstdint>
#include <string_view>

namespace marrow {

// "512M", "4GiB", "1.5G", "1000000" -> bytes (binary units). Throws Error{kInvalidArgument}.
[[nodiscard]] std::uint64_t parse_byte_count(std::string_view text);

}  // namespace marrow
