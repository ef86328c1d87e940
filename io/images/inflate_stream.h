#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "io/images/zip_file.h"

struct inflate_state;  // of ISA-L

namespace marrow {

// The packed bytes of one member, a piece at a time: what several streams over it share.
class PackedPieces {
 public:
  // `zip` must outlive it.
  PackedPieces(const ZipFile& zip, std::uint64_t start, std::uint64_t packed)
      : zip_(zip), start_(start), packed_(packed) {}

  // At least one of the member's bytes from `offset` on; nothing behind the last. They stay until
  // the next call.
  [[nodiscard]] std::span<const std::byte> from(std::uint64_t offset);

 private:
  const ZipFile& zip_;
  std::uint64_t start_, packed_;
  std::uint64_t at_ = 0;  // of the piece in the packed bytes
  std::vector<std::byte> piece_;
};

// Inflates raw deflate data forward. A copy goes on from where the original was when it was copied:
// it has the last 32 KiB, what was inflated ahead, and the codes of the block.
class InflateStream {
 public:
  InflateStream();
  ~InflateStream();
  InflateStream(const InflateStream& other);
  InflateStream& operator=(const InflateStream& other);
  InflateStream(InflateStream&&) noexcept;
  InflateStream& operator=(InflateStream&&) noexcept;

  // Fills `out`; returns fewer bytes at the end of the data, or where damage stops it.
  [[nodiscard]] std::size_t read(PackedPieces& pieces, std::span<std::byte> out);

  // The data have ended, after read() has come back short, having taken `packed` bytes.
  [[nodiscard]] bool ended_at(std::uint64_t packed) const;

  // What a copy takes of memory.
  static const std::uint64_t kBytes;

 private:
  std::unique_ptr<inflate_state> state_;
  std::uint64_t at_ = 0;  // in the packed bytes, of the next that the state has not taken
};

}  // namespace marrow
