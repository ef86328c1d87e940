#pragma once

#include <string>
#include <string_view>

#include <SQLiteCpp/SQLiteCpp.h>

namespace marrow {

// The bytes of a column; SQLite gives no address for none.
[[nodiscard]] inline std::string blob_of(const SQLite::Column& column) {
  const auto* const bytes = static_cast<const char*>(column.getBlob());
  return bytes == nullptr ? std::string()
                          : std::string(bytes, static_cast<std::size_t>(column.getBytes()));
}

// Without a copy: `bytes` must live until the statement has run.
inline void bind_blob(SQLite::Statement& statement, int index, std::string_view bytes) {
  statement.bindNoCopy(index, bytes.empty() ? "" : bytes.data(), static_cast<int>(bytes.size()));
}

}  // namespace marrow
