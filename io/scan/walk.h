#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/records.h"
#include "io/catalogue/file_stamp.h"

namespace marrow {

// The regular files of one folder by name, in little memory.
class FolderListing {
 public:
  struct File {
    std::size_t offset = 0, length = 0;
    FileStamp stamp;
  };

  void add(std::string_view name, const FileStamp& stamp);
  void sort();

  [[nodiscard]] const std::vector<File>& files() const { return files_; }

  [[nodiscard]] std::string_view name(const File& file) const {
    return {names_.data() + file.offset, file.length};
  }

 private:
  std::string names_;
  std::vector<File> files_;
};

// Told what there is, folder by folder.
struct WalkVisitor {
  // `whole`: the listing holds all files of the folder, not only those that were asked for.
  std::function<void(const std::filesystem::path& folder, const FolderListing& files, bool whole)>
      folder;
  // Links, pipes, folders that cannot be read.
  std::function<void(const Issue&)> issue;
};

// Absolute, normal, sorted, each once. Throws Error{kNothingFound} naming an archive that is not
// there.
[[nodiscard]] std::vector<std::filesystem::path> archive_roots(
    std::span<const std::filesystem::path> archives);

// Every regular file below `roots` (folders or files, as archive_roots gives them), each once, with
// one look at each; memory is taken for one folder and the names of the folders above and beside
// it. Symbolic links and special files are issues and are neither followed nor opened. Throws
// Error{kInterrupted} on a signal.
void walk_archives(std::span<const std::filesystem::path> roots, const WalkVisitor& visitor);

}  // namespace marrow
