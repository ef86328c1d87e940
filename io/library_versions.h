#pragma once

#include <string>

namespace marrow {

// Of the libraries that read untrusted files, for `marrow doctor`.
[[nodiscard]] std::string dcmtk_version();
[[nodiscard]] std::string sqlite_version();

}  // namespace marrow
