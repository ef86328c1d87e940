#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace marrow {

// Whole file. Throws Error{kUnreadable} (missing, a folder, no permission) and Error{kUnsupported}
// when larger than `limit` bytes.
[[nodiscard]] std::vector<std::byte> read_bytes(const std::filesystem::path& file,
                                                std::uint64_t limit = std::uint64_t{1} << 40);
[[nodiscard]] std::string read_text(const std::filesystem::path& file,
                                    std::uint64_t limit = std::uint64_t{1} << 28);

// Either the old file or the new one, complete, whatever happens: writes NAME.tmp beside it, fsync,
// rename, fsync of the folder. Creates missing folders (mode 0700; the file 0600). A full disk is
// Error{kResources} naming the file, the bytes needed and the bytes free.
void write_atomically(const std::filesystem::path& file, std::span<const std::byte> bytes);
void write_atomically(const std::filesystem::path& file, std::string_view text);

// For output too large to hold in memory: append to NAME.tmp, then `commit`. Destroyed without
// commit, it removes the temporary file.
class AtomicFile {
 public:
  explicit AtomicFile(const std::filesystem::path& file);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  // Overwrites bytes already written (headers filled in at the end).
  void write_at(std::uint64_t offset, std::span<const std::byte> bytes);
  [[nodiscard]] std::uint64_t size() const;
  void commit();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Appends one line and flushes. Never throws: a failed log line is reported once and the work goes
// on.
void append_line(const std::filesystem::path& file, std::string_view line);

// Exclusive ownership of a folder for the life of the object (an advisory lock, so a dead owner's
// lock is free). Throws Error{kRefused} naming the folder and the owner's process id when another
// process holds it.
class FolderLock {
 public:
  explicit FolderLock(const std::filesystem::path& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int descriptor_ = -1;
};

// A folder for temporary files that is removed with the object.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// A read-only memory map of a whole file; the span is empty for an empty file.
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& file);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::span<const std::byte> bytes_;
};

// Whether `path` is `folder` or lies in it, links followed as far as there are files.
[[nodiscard]] bool lies_within(const std::filesystem::path& path,
                               const std::filesystem::path& folder);

[[nodiscard]] std::uint64_t free_disk_bytes(const std::filesystem::path& folder);
[[nodiscard]] std::uint64_t peak_rss_bytes();
// The folder of the running executable.
[[nodiscard]] std::filesystem::path executable_folder();

}  // namespace marrow
