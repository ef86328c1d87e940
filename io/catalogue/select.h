#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace marrow {

// A value of a catalogue's table; monostate where there is none.
using Cell = std::variant<std::monostate, std::int64_t, double, std::string>;

// One of the lists that a catalogue can be asked for: a view in its file.
struct CatalogueView {
  std::string name;  // as `marrow list --of` takes it: "series", "studies", "volumes", ...
  std::string view;  // in the file
  std::string order;
  std::vector<std::string> columns;  // for expressions
};

// "series" first.
[[nodiscard]] const std::vector<CatalogueView>& catalogue_views();
// Throws Error{kInvalidArgument} naming the nearest.
[[nodiscard]] const CatalogueView& catalogue_view(const std::string& name);

// Cells of `columns` of the rows of a view for which an SQL expression holds (empty: of all rows).
// The expression runs on a read-only connection of its own, where an authorizer lets through
// nothing but the view's columns and harmless functions, and for a bounded time. Throws
// Error{kInvalidArgument} with what is wrong with it.
[[nodiscard]] std::vector<std::vector<Cell>> select_rows(const std::filesystem::path& catalogue,
                                                         const CatalogueView& view,
                                                         const std::vector<std::string>& columns,
                                                         const std::string& where);

// Keys, sorted, of the series for which the expression, which may not be empty, holds.
[[nodiscard]] std::vector<std::string> select_keys(const std::filesystem::path& catalogue,
                                                   const std::string& where);

}  // namespace marrow
