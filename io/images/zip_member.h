#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "io/images/inflate_stream.h"
#include "io/images/zip_file.h"

namespace marrow {

// Unpacked bytes between two places that ZipMember keeps, unless memory is scarce.
inline constexpr std::uint64_t kZipPlaceDistance = std::uint64_t{16} << 20;

// Any of the unpacked bytes of a member, in bounded memory however large the member is: for
// deflated ones, inflation goes on from the nearest of many places that are kept, or from where an
// earlier read() ended. Several reads that each go forward, such as through the images 10, 100, 11,
// 110, ..., inflate the member about once in total. For the parsing child only.
class ZipMember {
 public:
  // Reads the whole member once, to check its size and its checksum; so no byte of a damaged one is
  // ever given out, unless the file changes later. `zip` must outlive it. Half of `max_bytes` at
  // most is held, or 512 KiB if that is more; `distance` is for tests. Throws as ZipFile does.
  ZipMember(const ZipFile& zip,
            const std::string& member,
            std::uint64_t max_bytes,
            std::uint64_t distance = kZipPlaceDistance);

  [[nodiscard]] std::uint64_t size() const { return place_.unpacked; }

  // Fills `out` with the bytes from `offset` on, which must all be there. Throws as ZipFile does.
  void read(std::uint64_t offset, std::span<std::byte> out);

 private:
  // The bytes that were inflated last, before `end`, and the stream that goes on there.
  struct Reader {
    InflateStream stream;
    std::uint64_t end = 0;
    std::vector<std::byte> window;

    [[nodiscard]] std::uint64_t begin() const { return end - window.size(); }
  };

  struct Kept {
    std::uint64_t at = 0;
    InflateStream stream;
  };

  void check_stored();
  void check_deflated();
  void check_sum(std::uint32_t sum) const;
  [[nodiscard]] std::size_t window_bytes(std::uint64_t at) const;
  void advance(Reader& reader);
  [[nodiscard]] Reader reader_for(std::uint64_t offset);

  const ZipFile& zip_;
  ZipFile::Place place_;
  PackedPieces pieces_;
  std::uint64_t distance_;
  std::uint64_t window_;
  std::size_t most_readers_;
  std::vector<Kept> kept_;       // the n-th at (n + 1) * distance_
  std::vector<Reader> readers_;  // used last: at the back
};

// At most `count` bytes from the start of a member, whose checksum is not looked at: for what is
// checked in another way. Throws as ZipFile does.
[[nodiscard]] std::vector<std::byte> read_unchecked_start(const ZipFile& zip,
                                                          const std::string& member,
                                                          std::size_t count);

}  // namespace marrow
