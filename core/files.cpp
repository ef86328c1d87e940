#include "core/files.h"

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <limits>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "core/error.h"
#include "core/progress.h"
#include "core/text.h"

namespace marrow {

namespace {

std::string shown(const std::filesystem::path& path) {
  return printable(path.string(), 400);
}

[[noreturn]] void unreadable(const std::filesystem::path& path, int error) {
  std::string reason = std::strerror(error);
  if (error == ENOENT) {
    reason = "there is no such file";
  } else if (error == EACCES || error == EPERM) {
    reason = "no permission to read it";
  } else if (error == EISDIR) {
    reason = "it is a folder where a file was expected";
  }
  throw Error(ErrorCode::kUnreadable, "cannot read " + shown(path) + ": " + reason);
}

[[noreturn]] void unwritable(const std::filesystem::path& path, std::uint64_t needed, int error) {
  if (error == ENOSPC || error == EDQUOT || error == EFBIG) {
    throw Error(ErrorCode::kResources,
                "no room to write " + shown(path) + ": " + format_bytes(needed) +
                    " are needed and " + format_bytes(free_disk_bytes(path.parent_path())) +
                    " are free; make room and run the same command again");
  }
  throw Error(ErrorCode::kResources, "cannot write " + shown(path) + ": " + std::strerror(error));
}

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}

  ~Descriptor() {
    if (value_ >= 0) {
      ::close(value_);
    }
  }

  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  [[nodiscard]] int get() const { return value_; }

 private:
  int value_;
};

void make_parent(const std::filesystem::path& file) {
  const std::filesystem::path parent = file.parent_path();
  if (parent.empty() || std::filesystem::is_directory(parent)) {
    return;
  }
  std::filesystem::path made;
  for (const auto& part : parent) {
    made /= part;
    if (::mkdir(made.c_str(), 0700) != 0 && errno != EEXIST) {
      const int error = errno;
      if (!std::filesystem::is_directory(made)) {
        unwritable(made, 0, error);
      }
    }
  }
}

void write_all(int descriptor,
               std::span<const std::byte> bytes,
               const std::filesystem::path& file) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = ::write(descriptor, bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      unwritable(file, bytes.size() - done, count == 0 ? ENOSPC : errno);
    }
    done += static_cast<std::size_t>(count);
  }
}

void sync_folder(const std::filesystem::path& file) {
  const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : ".";
  const Descriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (descriptor.get() >= 0) {
    ::fsync(descriptor.get());
  }
}

}  // namespace

std::vector<std::byte> read_bytes(const std::filesystem::path& file, std::uint64_t limit) {
  const Descriptor descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (descriptor.get() < 0) {
    unreadable(file, errno);
  }
  struct stat facts = {};
  if (::fstat(descriptor.get(), &facts) != 0) {
    unreadable(file, errno);
  }
  if (S_ISDIR(facts.st_mode)) {
    unreadable(file, EISDIR);
  }
  if (!S_ISREG(facts.st_mode)) {
    throw Error(ErrorCode::kUnreadable,
                "cannot read " + shown(file) + ": it is not a regular file");
  }
  if (static_cast<std::uint64_t>(facts.st_size) > limit) {
    throw Error(ErrorCode::kUnsupported,
                shown(file) + " has " + format_bytes(static_cast<std::uint64_t>(facts.st_size)) +
                    ", more than the " + format_bytes(limit) + " allowed here");
  }
  std::vector<std::byte> bytes(static_cast<std::size_t>(facts.st_size));
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = ::read(descriptor.get(), bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      unreadable(file, errno);
    }
    if (count == 0) {
      bytes.resize(done);  // it shrank while we read
      break;
    }
    done += static_cast<std::size_t>(count);
  }
  return bytes;
}

std::string read_text(const std::filesystem::path& file, std::uint64_t limit) {
  const std::vector<std::byte> bytes = read_bytes(file, limit);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void write_atomically(const std::filesystem::path& file, std::span<const std::byte> bytes) {
  AtomicFile out(file);
  out.write(bytes);
  out.commit();
}

void write_atomically(const std::filesystem::path& file, std::string_view text) {
  write_atomically(file, std::as_bytes(std::span(text.data(), text.size())));
}

struct AtomicFile::State {
  std::filesystem::path file;
  std::filesystem::path temporary;
  int descriptor = -1;
  std::uint64_t size = 0;
  bool committed = false;
};

AtomicFile::AtomicFile(const std::filesystem::path& file) : state_(std::make_unique<State>()) {
  make_parent(file);
  state_->file = file;
  state_->temporary = file.string() + ".tmp";
  state_->descriptor =
      ::open(state_->temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (state_->descriptor < 0) {
    unwritable(file, 0, errno);
  }
}

AtomicFile::~AtomicFile() {
  if (state_->descriptor >= 0) {
    ::close(state_->descriptor);
  }
  if (!state_->committed) {
    ::unlink(state_->temporary.c_str());
  }
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  write_all(state_->descriptor, bytes, state_->file);
  state_->size += bytes.size();
}

void AtomicFile::write_at(std::uint64_t offset, std::span<const std::byte> bytes) {
  MARROW_CHECK(offset + bytes.size() <= state_->size);
  if (::pwrite(state_->descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset)) !=
      static_cast<ssize_t>(bytes.size())) {
    unwritable(state_->file, bytes.size(), errno);
  }
}

std::uint64_t AtomicFile::size() const {
  return state_->size;
}

void AtomicFile::commit() {
  if (::fsync(state_->descriptor) != 0 && errno != EINVAL) {
    unwritable(state_->file, state_->size, errno);
  }
  const int descriptor = std::exchange(state_->descriptor, -1);
  if (::close(descriptor) != 0) {
    unwritable(state_->file, state_->size, errno);
  }
  if (::rename(state_->temporary.c_str(), state_->file.c_str()) != 0) {
    unwritable(state_->file, state_->size, errno);
  }
  state_->committed = true;
  sync_folder(state_->file);
}

void append_line(const std::filesystem::path& file, std::string_view line) {
  static std::atomic<bool> reported{false};
  const Descriptor descriptor(
      ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  std::string text(line);
  text.push_back('\n');
  const bool written =
      descriptor.get() >= 0 &&
      ::write(descriptor.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (!written && !reported.exchange(true)) {
    const std::string message = "warning: cannot append to " + shown(file) + ": " +
                                std::strerror(errno) + "; the work goes on without it\n";
    std::fputs(message.c_str(), stderr);
  }
}

FolderLock::FolderLock(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / ".lock";
  make_parent(file);
  descriptor_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor_ < 0) {
    unwritable(file, 0, errno);
  }
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
    char owner[32] = {};
    const ssize_t count = ::pread(descriptor_, owner, sizeof owner - 1, 0);
    ::close(descriptor_);
    descriptor_ = -1;
    throw Error(ErrorCode::kRefused,
                "the folder " + shown(folder) + " is in use by process " +
                    (count > 0 ? owner : "?") + "; wait for it, stop it, or name another folder");
  }
  const std::string owner = std::to_string(::getpid());
  if (::ftruncate(descriptor_, 0) != 0 ||
      ::pwrite(descriptor_, owner.data(), owner.size(), 0) != static_cast<ssize_t>(owner.size())) {
    // The lock holds without the number, which only serves the message above.
    ::lseek(descriptor_, 0, SEEK_SET);
  }
}

FolderLock::~FolderLock() {
  if (descriptor_ >= 0) {
    ::close(descriptor_);
  }
}

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "marrow-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) {
    unwritable(name, 0, errno);
  }
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

MappedFile::MappedFile(const std::filesystem::path& file) {
  const Descriptor descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (descriptor.get() < 0) {
    unreadable(file, errno);
  }
  struct stat facts = {};
  if (::fstat(descriptor.get(), &facts) != 0) {
    unreadable(file, errno);
  }
  if (!S_ISREG(facts.st_mode)) {
    unreadable(file, S_ISDIR(facts.st_mode) ? EISDIR : EINVAL);
  }
  const auto size = static_cast<std::size_t>(facts.st_size);
  if (size > 0) {
    void* const start = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor.get(), 0);
    if (start == MAP_FAILED) {
      unreadable(file, errno);
    }
    bytes_ = {static_cast<const std::byte*>(start), size};
  }
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) {
    ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
  }
}

bool lies_within(const std::filesystem::path& path, const std::filesystem::path& folder) {
  const auto whole = [](const std::filesystem::path& of) {
    return (std::filesystem::weakly_canonical(std::filesystem::absolute(of)) / "").native();
  };
  return whole(path).starts_with(whole(folder));
}

std::uint64_t free_disk_bytes(const std::filesystem::path& folder) {
  struct statvfs facts = {};
  const std::filesystem::path where = folder.empty() ? "." : folder;
  if (::statvfs(where.c_str(), &facts) != 0) {
    return 0;
  }
  return static_cast<std::uint64_t>(facts.f_bavail) * facts.f_frsize;
}

std::uint64_t peak_rss_bytes() {
  struct rusage usage = {};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

std::filesystem::path executable_folder() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path();
}

}  // namespace marrow
