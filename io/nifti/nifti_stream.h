#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "io/nifti/gzip_reader.h"

namespace marrow {

// The inflated bytes of a plain or gzip file in order. Plain bytes are handed out where they lie.
class NiftiStream {
 public:
  // `bytes` must outlive the stream.
  NiftiStream(std::span<const std::byte> bytes, std::string name);

  // The first `count` bytes, fewer where the file has fewer, without taking them. At the start
  // only; valid until the next call.
  [[nodiscard]] std::span<const std::byte> peek(std::size_t count);
  // The next `count` bytes, fewer only at the end; valid until the next call.
  [[nodiscard]] std::span<const std::byte> next(std::size_t count);
  void skip(std::uint64_t count);
  // Reads to the end, so that checksums are verified, and returns how many bytes were left.
  // Throws Error{kUnreadable} when they are more than `limit`.
  [[nodiscard]] std::uint64_t drain(std::uint64_t limit);
  // An upper bound of all bytes that the file can hold: exact for plain files, what deflate can
  // reach for gzip.
  [[nodiscard]] std::uint64_t largest_size() const;

  [[nodiscard]] bool compressed() const { return gzip_ != nullptr; }

  // Bytes behind a gzip file's last member.
  [[nodiscard]] std::size_t trailing_bytes() const { return gzip_ ? gzip_->trailing_bytes() : 0; }

 private:
  std::span<const std::byte> bytes_;
  std::string name_;
  std::size_t at_ = 0;
  std::unique_ptr<GzipReader> gzip_;
  std::vector<std::byte> buffer_;
  std::vector<std::byte> peeked_;  // inflated and not taken yet
};

}  // namespace marrow
