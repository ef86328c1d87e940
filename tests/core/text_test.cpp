#include "core/text.h"

#include <gtest/gtest.h>

#include "core/digest.h"
#include "core/error.h"
#include "core/progress.h"

namespace marrow {
namespace {

TEST(Text, FindsTheNearestWordOrNone) {
  EXPECT_EQ(nearest_word("mask_rato", {"mask_ratio", "decoder_width"}), "mask_ratio");
  EXPECT_EQ(nearest_word("Dataset004_Hippocampu", {"Dataset004_Hippocampus", "Dataset005"}),
            "Dataset004_Hippocampus");
  EXPECT_EQ(nearest_word("xyz", {"mask_ratio"}), "");
}

TEST(Text, EscapesControlBytesInvalidUtf8AndCutsLongText) {
  EXPECT_EQ(printable("a\x1b[31mb\n"), "a\\x1b[31mb\\x0a");
  EXPECT_EQ(printable("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f");
  EXPECT_EQ(printable("\xff\xc3"), "\\xff\\xc3");
  EXPECT_EQ(printable("\xc2\x9b"), "\\xc2\\x9b");  // a C1 control, which some terminals obey
  EXPECT_EQ(printable("abcdef", 3), "abc...");
}

TEST(Text, ReadsAllOfATextAsOneNumberOrNothing) {
  EXPECT_EQ(parse_decimal(" +2.50 "), 2.5);
  EXPECT_EQ(parse_decimal("-1e3"), -1000);
  for (const char* const none :
       {"", " ", "2.5mm", "1 2", "1\\2", "++1", "+-1", "nan", "inf", "1e999", "0x10"}) {
    EXPECT_EQ(parse_decimal(none), std::nullopt) << none;
  }
}

TEST(Text, IsEmptyForANameThatIsNotThere) {
  const std::map<std::string, std::string> facts{{"kernel", "B30f"}, {"empty", ""}};

  EXPECT_EQ(named_text(facts, "kernel"), "B30f");
  EXPECT_EQ(named_text(facts, "empty"), "");
  EXPECT_EQ(named_text(facts, "kvp"), "");
}

TEST(Text, CountsHowDeepJsonIsNestedOutsideOfStrings) {
  EXPECT_EQ(json_nesting(""), 0U);
  EXPECT_EQ(json_nesting(R"({"a": [1, [2]], "b": {}})"), 3U);
  EXPECT_EQ(json_nesting(R"(["[[[", "\"[[", "\\"])"), 1U);
  EXPECT_EQ(json_nesting("]]][{"), 2U);
}

TEST(Text, WritesAndReadsCsv) {
  EXPECT_EQ(csv_field("plain"), "plain");
  EXPECT_EQ(csv_field("a,b\"c"), "\"a,b\"\"c\"");
  EXPECT_EQ(csv_field("=SUM(A1)"), "'=SUM(A1)");
  EXPECT_EQ(csv_field("-2.5"), "-2.5");
  const auto records = parse_csv("\xef\xbb\xbfimage,label\r\n\"a,1\",\"x \"\"y\"\"\"\nlast,\n");
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(records[0], (std::vector<std::string>{"image", "label"}));
  EXPECT_EQ(records[1], (std::vector<std::string>{"a,1", "x \"y\""}));
  EXPECT_EQ(records[2], (std::vector<std::string>{"last", ""}));
  EXPECT_THROW(static_cast<void>(parse_csv("\"open")), Error);
}

TEST(Text, FormatsDurationsCountsAndBytes) {
  EXPECT_EQ(format_duration(65), "1:05");
  EXPECT_EQ(format_duration(3723), "1:02:03");
  EXPECT_EQ(format_count(1204331), "1 204 331");
  EXPECT_EQ(format_count(-5), "-5");
  EXPECT_EQ(format_bytes(1536), "1.5 KiB");
}

TEST(Digest, KnowsThePublishedVectors) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  // RFC 4231, case 2, first 8 bytes
  EXPECT_EQ(keyed_digest("Jefe", "what do ya want for nothing?"), "5bdcc146bf60754e");
  EXPECT_EQ(KeyedDigest("Jefe")("what do ya want for nothing?"), "5bdcc146bf60754e");
  EXPECT_NE(random_salt(), random_salt());
}

TEST(Digest, KeyedDigestsOfManyTextsAreThoseOfEach) {
  const std::string long_salt(131, 'k');  // more than one block of SHA-256
  const KeyedDigest digest(long_salt);

  EXPECT_EQ(digest("a"), keyed_digest(long_salt, "a"));
  EXPECT_EQ(digest(""), keyed_digest(long_salt, ""));
  EXPECT_EQ(digest(std::string(200, 'x')), keyed_digest(long_salt, std::string(200, 'x')));
}

TEST(LowerCase, LeavesBytesThatAreNoAsciiLetters) {
  EXPECT_EQ(lower_case("A-Z.NII\xC4 \xc3\x84[]"), "a-z.nii\xC4 \xc3\x84[]");
}

}  // namespace
}  // namespace marrow
