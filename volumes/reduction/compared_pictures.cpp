#include "volumes/reduction/compared_pictures.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <fmt/format.h>

#include "core/error.h"
#include "core/progress.h"
#include "volumes/reduction/redundancy_filter.h"

namespace marrow {

namespace {

constexpr auto kPictureBytes = static_cast<std::size_t>(kComparedSide * kComparedSide);

}  // namespace

ComparedPictures::ComparedPictures(const std::filesystem::path& folder, std::size_t count)
    : size_(count * kPictureBytes) {
  if (size_ == 0) {
    return;
  }
  const auto refuse = [&](int error) {
    throw Error(ErrorCode::kResources,
                fmt::format("reduce: {} for the pictures that are compared cannot be had in {}: {}",
                            format_bytes(size_),
                            folder.string(),
                            std::strerror(error)));
  };
  const int file = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (file < 0) {
    refuse(errno);
  }
  const int full = ::posix_fallocate(file, 0, static_cast<off_t>(size_));
  void* const mapped =
      full == 0 ? ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0) : MAP_FAILED;
  const int error = full != 0 ? full : errno;
  ::close(file);
  if (mapped == MAP_FAILED) {
    refuse(error);
  }
  bytes_ = static_cast<std::uint8_t*>(mapped);
}

ComparedPictures::~ComparedPictures() {
  if (bytes_ != nullptr) {
    ::munmap(bytes_, size_);
  }
}

std::span<std::uint8_t> ComparedPictures::pixels(std::size_t n) const {
  return {bytes_ + n * kPictureBytes, kPictureBytes};
}

GreyPicture ComparedPictures::picture(std::size_t n) const {
  return {pixels(n), kComparedSide, kComparedSide};
}

}  // namespace marrow
