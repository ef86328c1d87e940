#include "io/dicom/rle_check.h"

#include <algorithm>

#include <fmt/format.h>

namespace marrow {

namespace {

constexpr std::size_t kRleHeaderBytes = 64;
constexpr std::int64_t kRleMostSegments = 15;

std::size_t rle_word(std::span<const std::byte> bytes, std::size_t at) {
  std::size_t value = 0;
  for (std::size_t byte = 4; byte > 0; --byte) {
    value = value << 8 | std::to_integer<std::size_t>(bytes[at + byte - 1]);
  }
  return value;
}

// Bytes that a segment unpacks to, at most `wanted`; fewer where it ends early.
std::int64_t rle_unpacked(std::span<const std::byte> segment, std::int64_t wanted) {
  std::int64_t made = 0;
  std::size_t at = 0;
  while (made < wanted && at < segment.size()) {
    const auto code = std::to_integer<std::size_t>(segment[at++]);
    if (code == 128) {
      continue;
    }
    const std::size_t taken = code < 128 ? code + 1 : 1;
    if (taken > segment.size() - at) {
      return made;
    }
    at += taken;
    made += static_cast<std::int64_t>(code < 128 ? code + 1 : 257 - code);
  }
  return made;
}

std::optional<std::string> rle_frame_problem(std::span<const std::byte> frame,
                                             std::int64_t segments,
                                             std::int64_t pixels) {
  if (frame.size() < kRleHeaderBytes) {
    return "an RLE fragment is shorter than its own header";
  }
  const std::size_t stated = rle_word(frame, 0);
  if (segments < 1 || segments > kRleMostSegments || stated != static_cast<std::size_t>(segments)) {
    return fmt::format("{} RLE segments in a frame where {} belong", stated, segments);
  }
  for (std::size_t n = 0; n < stated; ++n) {
    const std::size_t start = rle_word(frame, 4 + 4 * n);
    const std::size_t end = n + 1 < stated ? rle_word(frame, 8 + 4 * n) : frame.size();
    if (start < kRleHeaderBytes || start > end || end > frame.size()) {
      return fmt::format("RLE segment {} does not lie in its frame", n + 1);
    }
    const std::int64_t made = rle_unpacked(frame.subspan(start, end - start), pixels);
    if (made != pixels) {
      return fmt::format("RLE segment {} holds {} bytes where {} belong", n + 1, made, pixels);
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> rle_frames_problem(std::span<const std::span<const std::byte>> frames,
                                              std::int64_t segments,
                                              std::int64_t pixels) {
  for (const std::span<const std::byte> frame : frames) {
    if (std::optional<std::string> problem = rle_frame_problem(frame, segments, pixels)) {
      return problem;
    }
  }
  return std::nullopt;
}

std::vector<std::span<const std::byte>> pixel_fragments(std::span<const std::byte> file,
                                                        std::int64_t first_item,
                                                        std::int64_t items) {
  std::vector<std::span<const std::byte>> fragments;
  auto at = static_cast<std::size_t>(first_item);
  for (std::int64_t n = 0; n < items && at + 8 <= file.size(); ++n) {
    const std::size_t size = std::min(rle_word(file, at + 4), file.size() - at - 8);
    if (n > 0) {
      fragments.push_back(file.subspan(at + 8, size));
    }
    at += 8 + size;
  }
  return fragments;
}

}  // namespace marrow
