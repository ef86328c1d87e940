#include "io/dicom/head_bytes.h"

#include <algorithm>
#include <cerrno>
#include <unistd.h>

namespace marrow {

namespace {

constexpr std::int64_t kShortestRead = 4096;
constexpr std::int64_t kLongestFirstRead = std::int64_t{64} << 10;

// False at the end of the file or when it cannot be read.
bool read_head_bytes(int descriptor, std::int64_t at, std::uint8_t* bytes, std::int64_t count) {
  while (count > 0) {
    const ssize_t got = ::pread(descriptor, bytes, static_cast<std::size_t>(count), at);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0) {
      return false;
    }
    bytes += got;
    at += got;
    count -= got;
  }
  return true;
}

}  // namespace

bool HeadBytes::open(int descriptor, std::int64_t size) {
  descriptor_ = descriptor;
  size_ = size;
  held_ = 0;
  return read_to(std::min(size_, first_read_));
}

void HeadBytes::expect(std::int64_t count) {
  constexpr std::int64_t kStep = 1024;  // headers of one series differ by some bytes
  first_read_ = std::clamp((count / kStep + 1) * kStep, kShortestRead, kLongestFirstRead);
}

bool HeadBytes::read_to(std::int64_t end) {
  if (static_cast<std::int64_t>(bytes_.size()) < end) {
    bytes_.resize(static_cast<std::size_t>(std::max(end, kLongestFirstRead)));
  }
  if (!read_head_bytes(descriptor_, held_, bytes_.data() + held_, end - held_)) {
    return false;
  }
  held_ = end;
  return true;
}

bool HeadBytes::grow(std::int64_t count) {
  if (count > size_ || count > kMost) {
    return false;
  }
  const std::int64_t ahead = std::max(count + kShortestRead, 2 * held_);
  return read_to(std::min({ahead, size_, kMost}));
}

bool HeadBytes::peek(std::int64_t at, void* bytes, std::size_t count) const {
  return at >= 0 && at <= size_ - static_cast<std::int64_t>(count) &&
         read_head_bytes(
             descriptor_, at, static_cast<std::uint8_t*>(bytes), static_cast<std::int64_t>(count));
}

}  // namespace marrow
