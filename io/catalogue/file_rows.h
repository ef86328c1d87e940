#pragma once

#include <cstdint>
#include <string>

#include "io/catalogue/catalogue.h"

namespace marrow {

// What is kept of one file, in two parts: what all slices of a series say alike, stored once, and
// the file's own.
struct FileRow {
  std::string series;  // "d" + series digest, "n" for NIfTI, "x" for refused files: the order of
                       // for_each_file
  std::string header;  // JSON, shared between files
  std::int64_t header_id = 0;
  std::string own;  // JSON
};

[[nodiscard]] FileRow pack_file(const FileFacts& facts);
// Throws Error{kUnreadable} when the texts are no such parts.
[[nodiscard]] FileFacts unpack_file(const std::string& header,
                                    const std::string& own,
                                    const std::filesystem::path& path);

}  // namespace marrow
