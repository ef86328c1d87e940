#include "io/nifti/nifti_stream.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "io/file_error.h"

namespace marrow {

namespace {

constexpr std::size_t kStreamPiece = std::size_t{1} << 20;
constexpr std::uint64_t kLargestDeflateRatio = 1032;

}  // namespace

NiftiStream::NiftiStream(std::span<const std::byte> bytes, std::string name)
    : bytes_(bytes), name_(std::move(name)) {
  if (is_gzip(bytes)) {
    gzip_ = std::make_unique<GzipReader>(bytes, name_);
  }
}

std::span<const std::byte> NiftiStream::peek(std::size_t count) {
  MARROW_CHECK(at_ == 0 && peeked_.empty());
  if (!gzip_) {
    return bytes_.first(std::min(count, bytes_.size()));
  }
  peeked_.resize(count);
  peeked_.resize(gzip_->read(peeked_));
  return peeked_;
}

std::span<const std::byte> NiftiStream::next(std::size_t count) {
  if (!gzip_) {
    const auto piece = bytes_.subspan(at_, std::min(count, bytes_.size() - at_));
    at_ += piece.size();
    return piece;
  }
  if (buffer_.size() < count) {
    buffer_.resize(count);
  }
  const std::span<std::byte> piece = std::span(buffer_).first(count);
  const std::size_t known = std::min(count, peeked_.size());
  std::copy_n(peeked_.begin(), known, piece.begin());
  peeked_.erase(peeked_.begin(), peeked_.begin() + static_cast<std::ptrdiff_t>(known));
  return piece.first(known + gzip_->read(piece.subspan(known)));
}

void NiftiStream::skip(std::uint64_t count) {
  if (!gzip_) {
    at_ += static_cast<std::size_t>(std::min<std::uint64_t>(count, bytes_.size() - at_));
    return;
  }
  while (count > 0) {
    const auto piece = next(static_cast<std::size_t>(std::min<std::uint64_t>(count, kStreamPiece)));
    if (piece.empty()) {
      return;
    }
    count -= piece.size();
  }
}

std::uint64_t NiftiStream::drain(std::uint64_t limit) {
  std::uint64_t left = 0;
  if (!gzip_) {
    left = bytes_.size() - at_;
    at_ = bytes_.size();
    return left;
  }
  for (auto piece = next(kStreamPiece); !piece.empty(); piece = next(kStreamPiece)) {
    left += piece.size();
    if (left > limit) {
      throw FileError(
          ErrorCode::kUnreadable,
          "too-much-data",
          fmt::format("{}: the file goes on for more than {} bytes behind the voxels that "
                      "its header describes; repair the header or leave the file out",
                      name_,
                      limit));
    }
  }
  return left;
}

std::uint64_t NiftiStream::largest_size() const {
  return gzip_ ? bytes_.size() * kLargestDeflateRatio + 1024 : bytes_.size();
}

}  // namespace marrow
