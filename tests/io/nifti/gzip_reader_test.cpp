#include "io/nifti/gzip_reader.h"

#include <cstring>
#include <string>
#include <string_view>

#include "tests/support/nifti_bytes.h"

namespace marrow {
namespace {

using testing::Bytes;
using testing::error_of;
using testing::gzipped;

Bytes bytes_of(std::string_view text) {
  const auto raw = std::as_bytes(std::span(text));
  return {raw.begin(), raw.end()};
}

// Everything that the reader gives, in pieces of `step` bytes.
std::string inflated(GzipReader& reader, std::size_t step) {
  std::string all;
  Bytes piece(step);
  for (;;) {
    const std::size_t count = reader.read(piece);
    all.append(reinterpret_cast<const char*>(piece.data()), count);
    if (count < step) {
      return all;
    }
  }
}

TEST(GzipReader, ReadsMembersAndTrailingBytesAlikeInPiecesOfAnySize) {
  Bytes packed = gzipped(bytes_of("left anterior "));
  const Bytes second = gzipped(bytes_of("superior"));
  packed.insert(packed.end(), second.begin(), second.end());
  const Bytes trailing = bytes_of("12345");
  packed.insert(packed.end(), trailing.begin(), trailing.end());

  for (const std::size_t step : {1, 2, 3, 7, 100}) {
    GzipReader reader(packed, "x.gz");

    EXPECT_EQ(inflated(reader, step), "left anterior superior") << step;
    EXPECT_EQ(reader.trailing_bytes(), 5U) << step;
  }
}

// Found by fuzzing: ISA-L leaves more bytes to read than it was given.
TEST(GzipReader, RefusesALookBackBeforeTheStart) {
  const std::string_view damaged(
      "\x1f\x8b\x08\x00\x31\x00\x6e\x00\x00\x00\x02\x69\x1c\x01\x00\x3a\xca\x18\x38\x83\xe5\x53"
      "\xd8\x01\x00\x00",
      26);
  const Bytes packed = bytes_of(damaged);
  GzipReader reader(packed, "x.gz");
  Bytes out(544);

  const std::string sentence =
      error_of(ErrorCode::kUnreadable, [&] { static_cast<void>(reader.read(out)); });

  EXPECT_NE(sentence.find("damage"), std::string::npos) << sentence;
}

}  // namespace
}  // namespace marrow
