#include "io/catalogue/split.h"

#include <algorithm>

#include <gmock/gmock.h>

#include "core/error.h"
#include "io/catalogue/split_file.h"

namespace marrow {

namespace {

// `patients` with two series each; every third patient is MR.
std::vector<SeriesRecord> made_patients(int patients) {
  std::vector<SeriesRecord> series;
  for (int n = 0; n < 2 * patients; ++n) {
    SeriesRecord record;
    record.key = "s" + std::to_string(n);
    record.patient = "p" + std::to_string(n / 2);
    record.modality = n / 2 % 3 == 0 ? Modality::kMr : Modality::kCt;
    series.push_back(record);
  }
  return series;
}

std::int64_t count_part(const std::map<std::string, std::string>& split, const std::string& part) {
  return std::count_if(
      split.begin(), split.end(), [&](const auto& entry) { return entry.second == part; });
}

TEST(Split, FollowsTheFractionsByPatient) {
  const auto split = split_patients(made_patients(40), {{0.7, 0.15, 0.15}, "", 3});

  EXPECT_EQ(split.size(), 40U);
  EXPECT_EQ(count_part(split, "train"), 28);
  EXPECT_EQ(count_part(split, "validation"), 6);
  EXPECT_EQ(count_part(split, "test"), 6);
}

TEST(Split, DependsOnTheSeedAndNotOnTheOrder) {
  std::vector<SeriesRecord> series = made_patients(30);
  const auto split = split_patients(series, {{0.6, 0.2, 0.2}, "", 3});
  std::reverse(series.begin(), series.end());

  EXPECT_EQ(split_patients(series, {{0.6, 0.2, 0.2}, "", 3}), split);
  EXPECT_NE(split_patients(series, {{0.6, 0.2, 0.2}, "", 4}), split);
}

TEST(Split, SpreadsEveryStratum) {
  const std::vector<SeriesRecord> series = made_patients(60);  // 20 MR, 40 CT
  const auto split = split_patients(series, {{0.5, 0.25, 0.25}, "modality", 3});

  int mr_test = 0;
  for (std::size_t n = 0; n < series.size(); n += 2) {
    mr_test += series[n].modality == Modality::kMr && split.at(series[n].patient) == "test" ? 1 : 0;
  }
  EXPECT_EQ(mr_test, 5);
  EXPECT_EQ(count_part(split, "train"), 30);
}

TEST(Split, RefusesBadFractionsAndUnknownKeys) {
  EXPECT_THROW(static_cast<void>(split_patients(made_patients(3), {{0.7, 0.2, 0.2}, "", 3})),
               Error);
  EXPECT_THROW(static_cast<void>(split_patients(made_patients(3), {{1.2, -0.1, -0.1}, "", 3})),
               Error);
  try {
    static_cast<void>(split_patients(made_patients(3), {{0.7, 0.15, 0.15}, "modalty", 3}));
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("did you mean \"modality\""));
  }
}

TEST(Split, RefusesALeakAndNamesThePatient) {
  std::vector<SeriesRecord> series = made_patients(3);
  series[2].split = "train";
  series[3].split = "test";

  try {
    refuse_leak(series);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kRefused);
    EXPECT_THAT(error.what(), ::testing::HasSubstr("p1"));
  }
  series[3].split = "train";
  EXPECT_NO_THROW(refuse_leak(series));
}

using Splits = std::map<std::string, std::string>;

TEST(SplitFile, IsReadByKeyOrPatient) {
  const std::vector<SeriesRecord> series = made_patients(4);

  EXPECT_EQ(splits_from_csv("patient,split\np0,train\np3,test\n", "f.csv", series),
            (Splits{{"p0", "train"}, {"p3", "test"}}));
  EXPECT_EQ(
      splits_from_csv("key, split ,other\ns0,train,x\ns1,train,\"a,b\"\ns2,,\ns4,validation,\n",
                      "f.csv",
                      series),
      (Splits{{"p0", "train"}, {"p2", "validation"}}));
  EXPECT_EQ(splits_from_csv("key,patient,split\ns0,p0,train\n", "f.csv", series),
            (Splits{{"p0", "train"}}));
}

TEST(SplitFile, IsRefusedWithTheReason) {
  const std::vector<SeriesRecord> series = made_patients(4);
  const auto refusal = [&](const char* text, ErrorCode code) -> std::string {
    try {
      static_cast<void>(splits_from_csv(text, "f.csv", series));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << text;
      return error.what();
    }
    return "not refused";
  };
  using ::testing::HasSubstr;

  EXPECT_THAT(refusal("key,split\ns0,train\ns1,test\n", ErrorCode::kRefused), HasSubstr("p0"));
  EXPECT_THAT(refusal("key,split\ns0,train\nqq,test\n", ErrorCode::kInvalidArgument),
              HasSubstr("qq"));
  EXPECT_THAT(refusal("key,patient,split\ns0,p1,train\n", ErrorCode::kInvalidArgument),
              HasSubstr("s0"));
  EXPECT_THAT(refusal("key,split\ns0,training\n", ErrorCode::kInvalidArgument),
              HasSubstr("row 2: expected train"));
  EXPECT_THAT(refusal("key,part\ns0,train\n", ErrorCode::kInvalidArgument),
              HasSubstr("no column \"split\""));
  EXPECT_THAT(refusal("split\ntrain\n", ErrorCode::kInvalidArgument),
              HasSubstr("no column \"patient\""));
  EXPECT_THAT(refusal("key,split,split\n", ErrorCode::kInvalidArgument), HasSubstr("twice"));
  EXPECT_THAT(refusal("", ErrorCode::kInvalidArgument), HasSubstr("split"));
  EXPECT_THAT(refusal("key,split\ns0,\n", ErrorCode::kNothingFound), HasSubstr("no row"));
}

}  // namespace

}  // namespace marrow
