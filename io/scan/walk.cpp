#include "io/scan/walk.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <map>
#include <memory>
#include <set>
#include <sys/stat.h>

#include <dirent.h>
#include <fmt/format.h>

#include "core/error.h"
#include "core/interrupt.h"
#include "core/text.h"

namespace marrow {

namespace {

constexpr std::size_t kWalkPathShown = 400;

std::string shown_path(const std::filesystem::path& path) {
  return printable(path.native(), kWalkPathShown);
}

FileStamp stamp_of(const struct stat& status) {
  constexpr std::int64_t kNanoseconds = 1'000'000'000;
  return {static_cast<std::int64_t>(status.st_size),
          static_cast<std::int64_t>(status.st_mtim.tv_sec) * kNanoseconds + status.st_mtim.tv_nsec,
          static_cast<std::int64_t>(status.st_ino)};
}

class Walk {
 public:
  explicit Walk(const WalkVisitor& visitor) : visitor_(visitor) {}

  void archives(std::span<const std::filesystem::path> roots) {
    std::map<std::filesystem::path, FolderListing> single_files;
    std::vector<std::filesystem::path> folders;
    for (const std::filesystem::path& root : roots) {
      FolderListing files;
      std::vector<std::string> inside;
      look(AT_FDCWD, "", root.c_str(), files, inside);
      if (!inside.empty()) {
        folders.push_back(root);
        given_.insert(root);
      } else if (!files.files().empty()) {
        single_files[root.parent_path()].add(root.filename().native(), files.files().front().stamp);
        given_.insert(root.parent_path());
      }
    }
    for (const std::filesystem::path& root : folders) {
      if (!walked_.contains(root)) {
        folder(root);
      }
    }
    for (auto& [parent, files] : single_files) {
      if (!walked_.contains(parent)) {
        files.sort();
        visitor_.folder(parent, files, false);
      }
    }
  }

 private:
  void issue(const std::filesystem::path& path,
             ErrorCode code,
             const char* reason_code,
             const std::string& what,
             const char* advice) {
    visitor_.issue({path, code, reason_code, shown_path(path) + ": " + what, advice});
  }

  // At `name` in the folder of the descriptor; `folder` is its path, for messages.
  void look(int descriptor,
            const std::filesystem::path& folder,
            const char* name,
            FolderListing& files,
            std::vector<std::string>& folders) {
    struct stat status {};

    if (::fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
      issue(folder / name,
            ErrorCode::kUnreadable,
            "unreadable",
            std::string("it cannot be looked at: ") + std::strerror(errno),
            "");
    } else if (S_ISDIR(status.st_mode)) {
      folders.emplace_back(name);
    } else if (S_ISREG(status.st_mode)) {
      files.add(name, stamp_of(status));
    } else if (S_ISLNK(status.st_mode)) {
      issue(folder / name,
            ErrorCode::kUnsupported,
            "symlink",
            "a symbolic link, which is not followed",
            "give the folder that the link points to");
    } else {
      issue(folder / name,
            ErrorCode::kUnsupported,
            "not-a-file",
            "a pipe, a socket or a device, which is not opened",
            "");
    }
  }

  // Gives the folders in it; its files have gone to the visitor.
  std::vector<std::string> read(const std::filesystem::path& path) {
    FolderListing files;
    std::vector<std::string> folders;
    const std::unique_ptr<DIR, int (*)(DIR*)> opened(::opendir(path.c_str()), ::closedir);
    if (opened == nullptr) {
      issue(path,
            ErrorCode::kUnreadable,
            "no-permission",
            std::string("the folder cannot be read: ") + std::strerror(errno),
            "make the folder readable for the user who runs the scan");
      return folders;
    }
    const int descriptor = ::dirfd(opened.get());
    // NOLINTNEXTLINE(concurrency-mt-unsafe): the stream belongs to this thread alone
    while (const dirent* const found = ::readdir(opened.get())) {
      const std::string_view name = found->d_name;
      if (name == "." || name == "..") {
        continue;
      }
      if (found->d_type == DT_DIR) {
        folders.emplace_back(name);
      } else {
        look(descriptor, path, found->d_name, files, folders);
      }
    }
    if (given_.contains(path)) {
      walked_.insert(path);
    }
    files.sort();
    visitor_.folder(path, files, true);
    return folders;
  }

  void folder(const std::filesystem::path& path) {
    throw_if_interrupted("walking the archive");
    std::vector<std::string> folders = read(path);
    std::sort(folders.begin(), folders.end());
    for (const std::string& name : folders) {
      folder(path / name);
    }
  }

  const WalkVisitor& visitor_;
  std::set<std::filesystem::path> given_;   // that may lie below others: to be walked once
  std::set<std::filesystem::path> walked_;  // of these
};

}  // namespace

void FolderListing::add(std::string_view name, const FileStamp& stamp) {
  files_.push_back({names_.size(), name.size(), stamp});
  names_ += name;
}

void FolderListing::sort() {
  std::sort(files_.begin(), files_.end(), [&](const File& a, const File& b) {
    return name(a) < name(b);
  });
}

std::vector<std::filesystem::path> archive_roots(std::span<const std::filesystem::path> archives) {
  std::set<std::filesystem::path> roots;
  for (const std::filesystem::path& archive : archives) {
    std::error_code failure;
    // The archive itself may be a link.
    const std::filesystem::path root = std::filesystem::canonical(archive, failure);
    if (failure) {
      throw Error(
          ErrorCode::kNothingFound,
          fmt::format("scan: no file or folder {} ({})", shown_path(archive), failure.message()));
    }
    roots.insert(root);
  }
  return {roots.begin(), roots.end()};
}

void walk_archives(std::span<const std::filesystem::path> roots, const WalkVisitor& visitor) {
  Walk(visitor).archives(roots);
}

}  // namespace marrow
