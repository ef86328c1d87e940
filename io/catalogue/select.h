#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace marrow {

// Keys, sorted, of the rows of the view `listing` for which an SQL expression holds. The expression
// runs on a read-only connection of its own, where an authorizer lets through nothing but the
// view's columns and harmless functions, and for a bounded time. Throws Error{kInvalidArgument}
// with what is wrong with it.
[[nodiscard]] std::vector<std::string> select_keys(const std::filesystem::path& catalogue,
                                                   const std::string& where);

}  // namespace marrow
