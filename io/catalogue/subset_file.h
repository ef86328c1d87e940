#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <string_view>

namespace marrow {

class Catalogue;

// Keys of series from a list made elsewhere: CSV with a column `key`, or JSON as `marrow list
// --format json` prints it ({"series": [{"key": ...}, ...]}), or a JSON array of keys. `file` is
// for its ending (.json) and for messages. Throws Error{kInvalidArgument} when it is no such list
// or names a key that the catalogue does not hold, Error{kUnreadable} when it cannot be parsed,
// Error{kNothingFound} when it names none.
[[nodiscard]] std::set<std::string> keys_from_file(std::string_view text,
                                                   const std::filesystem::path& file,
                                                   const Catalogue& catalogue);

}  // namespace marrow
