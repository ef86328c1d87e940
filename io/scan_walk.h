#pragma once

#include <filesystem>
#include <span>
#include <vector>

#include "core/records.h"
#include "io/catalogue/catalogue.h"

namespace marrow {

struct FoundFile {
  std::filesystem::path path;
  FileStamp stamp;
};

struct WalkResult {
  std::vector<std::filesystem::path> roots;  // absolute, normal, sorted
  std::vector<FoundFile> files;              // regular files, by path, each once
  std::vector<Issue> issues;                 // links, pipes, folders that cannot be read; by path
};

// Every regular file below `archives` (folders or files). Symbolic links and special files are
// issues and are neither followed nor opened. Throws Error{kNothingFound} naming an archive that is
// not there, Error{kInterrupted} on a signal.
[[nodiscard]] WalkResult walk_archives(std::span<const std::filesystem::path> archives);

}  // namespace marrow
