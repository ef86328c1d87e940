#include "io/images/zip_member.h"

#include <algorithm>
#include <utility>

#include <libdeflate.h>

#include "core/error.h"

namespace marrow {

namespace {

// What is inflated at a time; stays in the cache of the processor.
constexpr std::uint64_t kLargestZipWindow = std::uint64_t{1} << 20;
constexpr std::uint64_t kSmallestZipWindow = std::uint64_t{64} << 10;
// Keys of cases are sorted as text, so that images of 1, 2, 3, ... digits are read in turns.
constexpr std::uint64_t kMostZipReaders = 8;

// So far apart that what is kept takes no more than `max_bytes`.
std::uint64_t place_distance(std::uint64_t size, std::uint64_t max_bytes, std::uint64_t wanted) {
  const std::uint64_t most = max_bytes / InflateStream::kBytes;
  return std::max({wanted, size / (most + 1) + 1, std::uint64_t{1}});
}

}  // namespace

ZipMember::ZipMember(const ZipFile& zip,
                     const std::string& member,
                     std::uint64_t max_bytes,
                     std::uint64_t distance)
    : zip_(zip),
      place_(zip.place(member)),
      pieces_(zip, place_.start, place_.packed),
      distance_(place_distance(place_.unpacked, max_bytes / 4, distance)),
      window_(std::clamp(max_bytes / 64, kSmallestZipWindow, kLargestZipWindow)),
      most_readers_(static_cast<std::size_t>(std::clamp(
          max_bytes / 4 / (window_ + InflateStream::kBytes), std::uint64_t{1}, kMostZipReaders))) {
  if (place_.deflated) {
    check_deflated();
  } else {
    check_stored();
  }
}

void ZipMember::check_stored() {
  std::uint32_t sum = 0;
  for (std::uint64_t at = 0; at < size();) {
    const std::span<const std::byte> piece = pieces_.from(at);
    sum = libdeflate_crc32(sum, piece.data(), piece.size());
    at += piece.size();
  }
  check_sum(sum);
}

void ZipMember::check_deflated() {
  std::uint32_t sum = 0;
  Reader reader;
  while (reader.end < size()) {
    if (reader.end != 0 && reader.end % distance_ == 0) {
      kept_.push_back({reader.end, reader.stream});
    }
    advance(reader);
    sum = libdeflate_crc32(sum, reader.window.data(), reader.window.size());
  }
  // A copy, since the end can be known only by asking for more than there is.
  InflateStream rest = reader.stream;
  std::byte more{};
  if (rest.read(pieces_, {&more, 1}) != 0 || !rest.ended_at(place_.packed)) {
    zip_.damaged(place_.name + " cannot be unpacked to its size");
  }
  check_sum(sum);
  readers_.push_back(std::move(reader));
}

void ZipMember::check_sum(std::uint32_t sum) const {
  if (sum != place_.crc) {
    zip_.damaged(place_.name + " has another checksum");
  }
}

// Up to the next place that is kept, so that there is a stop at each.
std::size_t ZipMember::window_bytes(std::uint64_t at) const {
  return static_cast<std::size_t>(std::min({window_, distance_ - at % distance_, size() - at}));
}

void ZipMember::advance(Reader& reader) {
  reader.window.resize(window_bytes(reader.end));
  if (reader.stream.read(pieces_, reader.window) != reader.window.size()) {
    zip_.damaged(place_.name + " cannot be unpacked to its size");
  }
  reader.end += reader.window.size();
}

// Taken out of readers_, so that none stays there that failed midway.
ZipMember::Reader ZipMember::reader_for(std::uint64_t offset) {
  std::size_t best = readers_.size();
  for (std::size_t n = 0; n < readers_.size(); ++n) {
    const Reader& reader = readers_[n];
    if (reader.begin() <= offset && (best == readers_.size() || reader.end > readers_[best].end)) {
      best = n;
    }
  }
  const auto kept = std::min<std::uint64_t>(offset / distance_, kept_.size());
  if (best < readers_.size() && readers_[best].end >= kept * distance_) {
    Reader reader = std::move(readers_[best]);
    readers_.erase(readers_.begin() + static_cast<std::ptrdiff_t>(best));
    return reader;
  }
  if (readers_.size() == most_readers_) {
    readers_.erase(readers_.begin());
  }
  Reader reader;
  if (kept > 0) {
    reader.stream = kept_[static_cast<std::size_t>(kept - 1)].stream;
    reader.end = kept_[static_cast<std::size_t>(kept - 1)].at;
  }
  return reader;
}

void ZipMember::read(std::uint64_t offset, std::span<std::byte> out) {
  MARROW_CHECK(offset <= size() && out.size() <= size() - offset);
  if (out.empty()) {
    return;
  }
  if (!place_.deflated) {
    zip_.read(place_.start + offset, out);
    return;
  }
  Reader reader = reader_for(offset);
  while (!out.empty()) {
    while (reader.end <= offset) {
      advance(reader);
    }
    const auto window = std::span<const std::byte>(reader.window)
                            .subspan(static_cast<std::size_t>(offset - reader.begin()));
    const std::size_t count = std::min(out.size(), window.size());
    std::copy_n(window.begin(), count, out.begin());
    offset += count;
    out = out.subspan(count);
  }
  readers_.push_back(std::move(reader));
}

std::vector<std::byte> read_unchecked_start(const ZipFile& zip,
                                            const std::string& member,
                                            std::size_t count) {
  const ZipFile::Place place = zip.place(member);
  std::vector<std::byte> bytes(
      static_cast<std::size_t>(std::min<std::uint64_t>(count, place.unpacked)));
  PackedPieces pieces(zip, place.start, place.packed);
  if (!place.deflated) {
    zip.read(place.start, bytes);
  } else if (InflateStream().read(pieces, bytes) != bytes.size()) {
    zip.damaged(place.name + " cannot be unpacked to its size");
  }
  return bytes;
}

}  // namespace marrow
