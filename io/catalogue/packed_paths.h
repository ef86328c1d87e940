#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace marrow {

// A list of paths, front-coded: per path the number of bytes it shares with the one before, the
// number of further bytes (both LEB128), and these bytes. The slices of a series cost a few bytes
// each. Order is kept.
[[nodiscard]] std::string pack_paths(const std::vector<std::filesystem::path>& paths);
// Throws Error{kUnreadable} when the bytes are no such list.
[[nodiscard]] std::vector<std::filesystem::path> unpack_paths(std::string_view packed);

}  // namespace marrow
