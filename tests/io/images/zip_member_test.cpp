#include "io/images/zip_member.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "core/error.h"
#include "core/files.h"
#include "io/file_error.h"
#include "tests/support/nifti_bytes.h"
#include "tests/support/npz_made.h"

namespace marrow {

namespace {

using testing::counted_items;
using testing::zip;

constexpr std::uint64_t kPlentyOfMemory = std::uint64_t{64} << 20;
constexpr std::uint64_t kSmallDistance = 100'000;

class ZipMemberTest : public ::testing::Test {
 protected:
  std::filesystem::path write(const std::string& bytes) const {
    testing::write_file(file_, std::string_view(bytes));
    return file_;
  }

  // The reason code for which the member "a" is refused, or "" and its bytes.
  std::string refusal(const std::string& archive, std::string* bytes = nullptr) const {
    try {
      const ZipFile file(write(archive));
      ZipMember member(file, "a", kPlentyOfMemory, 50);
      const std::string all = text(member, 0, static_cast<std::size_t>(member.size()));
      if (bytes != nullptr) {
        *bytes = all;
      }
    } catch (const FileError& error) {
      return error.reason_code();
    }
    return "";
  }

  static std::string text(ZipMember& member, std::uint64_t offset, std::size_t count) {
    std::string out(count, '\0');
    member.read(offset, std::as_writable_bytes(std::span(out)));
    return out;
  }

  TemporaryFolder folder_;
  std::filesystem::path file_ = folder_.path() / "x.zip";
};

// Noise that is left as it is, noise of few values, runs, and repeats from as far back as deflate
// reaches: every kind of block, with history across all places.
std::string mixed_items(std::size_t count) {
  std::mt19937 random(5);
  std::string items;
  while (items.size() < count) {
    const std::size_t length = 1 + random() % 60'000;
    switch (random() % 4) {
      case 0:
        for (std::size_t n = 0; n < length; ++n) {
          items += static_cast<char>(random());
        }
        break;
      case 1:
        for (std::size_t n = 0; n < length; ++n) {
          items += static_cast<char>(random() % 7);
        }
        break;
      case 2:
        items += std::string(length, static_cast<char>(random()));
        break;
      default:
        for (std::size_t n = 0; n < length && items.size() >= 32'768; ++n) {
          items += items[items.size() - 32'768 + n % 3];
        }
    }
  }
  items.resize(count);
  return items;
}

// A field of the n-th entry of the directory.
void set_entry(std::string& archive, int entry, std::size_t field, std::uint32_t value) {
  std::size_t at = archive.find("PK\1\2");
  for (int n = 0; n < entry; ++n) {
    at = archive.find("PK\1\2", at + 1);
  }
  std::memcpy(archive.data() + at + field, &value, sizeof value);
}

constexpr std::size_t kPackedField = 20;
constexpr std::size_t kUnpackedField = 24;
constexpr std::size_t kLocalHeaderField = 42;

TEST_F(ZipMemberTest, BytesAreTheSameInAnyOrder) {
  const std::string items = mixed_items(3'000'000);
  std::mt19937 random(7);
  for (const bool deflated : {false, true}) {
    const ZipFile file(write(zip({{"a", items}, {"b", "other"}}, deflated)));
    for (const std::uint64_t memory : {std::uint64_t{1}, std::uint64_t{4} << 20, kPlentyOfMemory}) {
      ZipMember member(file, "a", memory, kSmallDistance);
      ASSERT_EQ(member.size(), items.size());
      for (int n = 0; n < (memory == 1 ? 30 : 500); ++n) {
        const std::size_t offset = random() % (items.size() + 1);
        const std::size_t count =
            std::min<std::size_t>(items.size() - offset, random() % (n % 2 == 0 ? 300 : 300'000));
        ASSERT_TRUE(text(member, offset, count) == items.substr(offset, count))
            << offset << ", " << count << " bytes";
      }
      EXPECT_TRUE(text(member, 0, items.size()) == items);
      EXPECT_THROW(text(member, items.size(), 1), Error);
    }
  }
}

TEST_F(ZipMemberTest, EveryPlaceThatIsKeptGoesOnRightly) {
  const std::string items = mixed_items(400'000);
  const ZipFile file(write(zip({{"a", items}}, true)));
  ZipMember member(file, "a", kPlentyOfMemory, 997);
  for (std::size_t at = items.size() / 997 * 997; at > 0; at -= 997) {
    const std::size_t count = std::min<std::size_t>(1500, items.size() - at);
    ASSERT_TRUE(text(member, at, count) == items.substr(at, count)) << at;
  }
}

TEST_F(ZipMemberTest, ReadsInTurnsGoForwardEach) {
  const std::string items = mixed_items(2'000'000);
  const ZipFile file(write(zip({{"a", items}}, true)));
  ZipMember member(file, "a", kPlentyOfMemory, kSmallDistance);
  for (std::size_t at = 0; at < 200'000; at += 1000) {
    for (std::size_t turn = 0; turn < 10; ++turn) {  // more than there are readers
      const std::size_t offset = turn * 200'000 + at;
      ASSERT_TRUE(text(member, offset, 1000) == items.substr(offset, 1000)) << offset;
    }
  }
}

TEST_F(ZipMemberTest, EmptyMembersAreRead) {
  for (const bool deflated : {false, true}) {
    std::string bytes = "x";
    EXPECT_EQ(refusal(zip({{"a", ""}}, deflated), &bytes), "");
    EXPECT_EQ(bytes, "");
  }
}

TEST_F(ZipMemberTest, AFlippedByteIsRefusedBeforeAnyByteIsGiven) {
  const std::string items = mixed_items(70'000).substr(60'000, 1500) + counted_items(500);
  for (const bool deflated : {false, true}) {
    const std::string whole = zip({{"a", items}}, deflated);
    const std::size_t first = 30 + 1 + 20;
    const std::size_t end = whole.find("PK\1\2");
    std::size_t same = 0;
    for (std::size_t at = first; at < end; ++at) {
      for (const unsigned bits : {0x01U, 0x80U, 0xFFU}) {
        std::string bytes = whole;
        bytes[at] = static_cast<char>(static_cast<unsigned char>(bytes[at]) ^ bits);
        std::string read;
        const std::string reason = refusal(bytes, &read);
        // Lengths of codes that do not occur, and bits behind the end, say nothing.
        if (reason.empty()) {
          EXPECT_EQ(read, items) << at;
          ++same;
        } else {
          EXPECT_EQ(reason, "damaged-zip") << at;
        }
      }
    }
    EXPECT_LE(same, deflated ? 10U : 0U);
  }
}

TEST_F(ZipMemberTest, AnArchiveThatIsCutAnywhereIsRefused) {
  for (const bool deflated : {false, true}) {
    const std::string whole = zip({{"a", counted_items(900)}, {"b", "other"}}, deflated);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      EXPECT_EQ(refusal(whole.substr(0, size)), "damaged-zip") << size;
    }
    EXPECT_EQ(refusal(whole), "");
  }
}

TEST_F(ZipMemberTest, AnArchiveThatIsCutWhileItIsReadIsDamaged) {
  const std::string items = mixed_items(2'000'000);
  for (const bool deflated : {false, true}) {
    const ZipFile file(write(zip({{"a", items}}, deflated)));
    ZipMember member(file, "a", kPlentyOfMemory, kSmallDistance);
    std::filesystem::resize_file(file_, 1000);
    EXPECT_THROW(text(member, 0, items.size()), FileError);
    EXPECT_THROW(text(member, 0, items.size()), FileError);
  }
}

TEST_F(ZipMemberTest, SizesThatCannotBeAreRefused) {
  for (const bool deflated : {false, true}) {
    const std::string whole = zip({{"a", counted_items(900)}, {"b", "other"}}, deflated);
    for (const std::uint32_t size : {0U, 899U, 901U, 5'000'000U, 0xFFFFFFFEU}) {
      std::string bytes = whole;
      set_entry(bytes, 0, kUnpackedField, size);
      EXPECT_EQ(refusal(bytes), "damaged-zip") << size;
    }
  }
}

TEST_F(ZipMemberTest, MembersThatOverlapAreRefused) {
  const std::string whole = zip({{"a", counted_items(900)}, {"b", counted_items(900)}}, false);
  std::string one_place = whole;
  set_entry(one_place, 1, kLocalHeaderField, 0);
  EXPECT_EQ(refusal(one_place), "damaged-zip");

  std::string inside = whole;  // a member in the data of another
  set_entry(inside, 1, kLocalHeaderField, 500);
  EXPECT_EQ(refusal(inside), "damaged-zip");

  for (const std::uint32_t more : {1U, 15U, 900U}) {
    std::string into_next = whole;
    set_entry(into_next, 0, kPackedField, 900 + more);
    set_entry(into_next, 0, kUnpackedField, 900 + more);
    EXPECT_EQ(refusal(into_next), "damaged-zip") << more;
  }

  std::string last = zip({{"b", "other"}, {"a", counted_items(900)}}, false);
  set_entry(last, 1, kPackedField, 901);  // into the directory
  set_entry(last, 1, kUnpackedField, 901);
  EXPECT_EQ(refusal(last), "damaged-zip");
}

TEST_F(ZipMemberTest, WhatIsNoFileIsRefusedByName) {
  const auto reason = [](const std::filesystem::path& file) -> std::string {
    try {
      const ZipFile opened(file);
    } catch (const FileError& error) {
      return error.reason_code();
    }
    return "";
  };
  EXPECT_EQ(reason(folder_.path()), "not-a-file");
  EXPECT_EQ(reason("/dev/null"), "not-a-file");
  EXPECT_EQ(reason(folder_.path() / "none.zip"), "missing");
  EXPECT_EQ(reason(write("")), "damaged-zip");
}

TEST_F(ZipMemberTest, TheStartIsReadWithoutTheRest) {
  const std::string items = mixed_items(500'000);
  for (const bool deflated : {false, true}) {
    std::string archive = zip({{"a", items}}, deflated);
    char& damaged = archive[archive.find("PK\1\2") / 2];
    damaged = static_cast<char>(damaged ^ 1);
    const ZipFile file(write(archive));
    const std::vector<std::byte> start = read_unchecked_start(file, "a", 1000);
    EXPECT_EQ(std::memcmp(start.data(), items.data(), start.size()), 0);
    EXPECT_EQ(start.size(), 1000U);
    EXPECT_THROW(ZipMember(file, "a", kPlentyOfMemory), FileError);
  }
}

}  // namespace

}  // namespace marrow
