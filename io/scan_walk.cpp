#include "io/scan_walk.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
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

class Walk {
 public:
  WalkResult take() {
    const auto by_path = [](const auto& a, const auto& b) {
      return a.path.native() < b.path.native();
    };
    std::sort(result_.files.begin(), result_.files.end(), by_path);
    const auto repeated = std::unique(
        result_.files.begin(), result_.files.end(), [](const FoundFile& a, const FoundFile& b) {
          return a.path == b.path;
        });
    result_.files.erase(repeated, result_.files.end());
    std::sort(result_.issues.begin(), result_.issues.end(), by_path);
    std::sort(result_.roots.begin(), result_.roots.end());
    return std::move(result_);
  }

  void archive(const std::filesystem::path& given) {
    std::error_code failure;
    const std::filesystem::path root =
        std::filesystem::canonical(given, failure);  // the archive itself may be a link
    if (failure) {
      throw Error(
          ErrorCode::kNothingFound,
          fmt::format("scan: no file or folder {} ({})", shown_path(given), failure.message()));
    }
    result_.roots.push_back(root);
    entry(root);
    while (!folders_.empty()) {
      const std::filesystem::path next = std::move(folders_.back());
      folders_.pop_back();
      folder(next);
    }
  }

 private:
  void issue(const std::filesystem::path& path,
             ErrorCode code,
             const char* reason_code,
             const std::string& what,
             const char* advice) {
    result_.issues.push_back({path, code, reason_code, shown_path(path) + ": " + what, advice});
  }

  void entry(const std::filesystem::path& path) {
    struct stat status {};

    if (::lstat(path.c_str(), &status) != 0) {
      issue(path,
            ErrorCode::kUnreadable,
            "unreadable",
            std::string("it cannot be looked at: ") + std::strerror(errno),
            "");
      return;
    }
    if (S_ISDIR(status.st_mode)) {
      folders_.push_back(path);
    } else if (S_ISREG(status.st_mode)) {
      constexpr std::int64_t kNanoseconds = 1'000'000'000;
      result_.files.push_back({path,
                               {static_cast<std::int64_t>(status.st_size),
                                static_cast<std::int64_t>(status.st_mtim.tv_sec) * kNanoseconds +
                                    status.st_mtim.tv_nsec,
                                static_cast<std::int64_t>(status.st_ino)}});
    } else if (S_ISLNK(status.st_mode)) {
      issue(path,
            ErrorCode::kUnsupported,
            "symlink",
            "a symbolic link, which is not followed",
            "give the folder that the link points to");
    } else {
      issue(path,
            ErrorCode::kUnsupported,
            "not-a-file",
            "a pipe, a socket or a device, which is not opened",
            "");
    }
  }

  void folder(const std::filesystem::path& path) {
    throw_if_interrupted("walking the archive");
    const std::unique_ptr<DIR, int (*)(DIR*)> opened(::opendir(path.c_str()), ::closedir);
    if (opened == nullptr) {
      issue(path,
            ErrorCode::kUnreadable,
            "no-permission",
            std::string("the folder cannot be read: ") + std::strerror(errno),
            "make the folder readable for the user who runs the scan");
      return;
    }
    // NOLINTNEXTLINE(concurrency-mt-unsafe): the stream belongs to this thread alone
    while (const dirent* const found = ::readdir(opened.get())) {
      const std::string_view name = found->d_name;
      if (name != "." && name != "..") {
        entry(path / name);
      }
    }
  }

  WalkResult result_;
  std::vector<std::filesystem::path> folders_;
};

}  // namespace

WalkResult walk_archives(std::span<const std::filesystem::path> archives) {
  Walk walk;
  for (const std::filesystem::path& archive : archives) {
    walk.archive(archive);
  }
  return walk.take();
}

}  // namespace marrow
