#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <sys/mman.h>
#include <unistd.h>

#include "core/error.h"

// What the fuzzers share. A fuzzer lets marrow::Error pass, which is how a reader refuses; any
// other exception ends it, as a crash does.
namespace marrow::fuzzing {

// The bytes of one run, taken from the front.
class FuzzInput {
 public:
  FuzzInput(const std::uint8_t* data, std::size_t size)
      : left_(std::as_bytes(std::span(data, size))) {}

  // 0 where nothing is left.
  [[nodiscard]] unsigned take_byte() {
    if (left_.empty()) {
      return 0;
    }
    const auto byte = std::to_integer<unsigned>(left_.front());
    left_ = left_.subspan(1);
    return byte;
  }

  [[nodiscard]] std::span<const std::byte> bytes() const { return left_; }

  [[nodiscard]] std::string_view text() const {
    return {reinterpret_cast<const char*>(left_.data()), left_.size()};
  }

 private:
  std::span<const std::byte> left_;
};

// A copy with nothing readable behind it, so that libraries compiled without checks are seen to
// read too far.
class GuardedCopy {
 public:
  explicit GuardedCopy(std::span<const std::byte> bytes) {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    const std::size_t room = (bytes.size() + page - 1) / page * page;
    mapped_ = room + page;
    start_ = static_cast<std::byte*>(
        ::mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    MARROW_CHECK(start_ != MAP_FAILED);
    MARROW_CHECK(::mprotect(start_ + room, page, PROT_NONE) == 0);
    bytes_ = {std::copy(bytes.begin(), bytes.end(), start_ + (room - bytes.size())) - bytes.size(),
              bytes.size()};
  }

  ~GuardedCopy() { ::munmap(start_, mapped_); }

  GuardedCopy(const GuardedCopy&) = delete;
  GuardedCopy& operator=(const GuardedCopy&) = delete;

  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::byte* start_ = nullptr;
  std::size_t mapped_ = 0;
  std::span<const std::byte> bytes_;
};

// A file in memory with a path, for readers that take one.
class MemoryFile {
 public:
  explicit MemoryFile(std::span<const std::byte> bytes)
      : descriptor_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    MARROW_CHECK(descriptor_ >= 0);
    MARROW_CHECK(::write(descriptor_, bytes.data(), bytes.size()) ==
                 static_cast<ssize_t>(bytes.size()));
  }

  explicit MemoryFile(std::string_view text) : MemoryFile(std::as_bytes(std::span(text))) {}

  ~MemoryFile() { ::close(descriptor_); }

  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  [[nodiscard]] std::filesystem::path path() const {
    return "/proc/self/fd/" + std::to_string(descriptor_);
  }

 private:
  int descriptor_;
};

// Runs one reader.
template <class Work>
void refusing(Work work) {
  try {
    work();
  } catch (const Error& error) {
    // A broken invariant is no refusal: the file found a way past the checks before it.
    if (error.code() == ErrorCode::kInternal) {
      throw;
    }
  }
}

// Where any std::exception is a refusal.
template <class Work>
void refusing_anyhow(Work work) {
  try {
    work();
  } catch (const std::exception&) {
    return;
  }
}

}  // namespace marrow::fuzzing
