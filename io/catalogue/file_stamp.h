#pragma once

#include <cstdint>

namespace marrow {

// By what a scan knows a file again without opening it.
struct FileStamp {
  std::int64_t size = 0;
  std::int64_t modified_ns = 0;
  std::int64_t inode = 0;

  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

}  // namespace marrow
