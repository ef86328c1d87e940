#include "io/datasets/dataset_splits.h"

#include <algorithm>

#include <gmock/gmock.h>

#include "tests/support/dataset_files.h"

namespace marrow {
namespace {

using ::testing::ElementsAre;
using testing::error_of;
using ::testing::HasSubstr;
using ::testing::IsSubsetOf;
using ::testing::SizeIs;
using testing::write_file;

class DatasetSplits : public testing::DatasetFiles {};

TEST_F(DatasetSplits, TakesTheSplitOfTheSet) {
  make_msd(4);
  touch("set/imagesUnlabelled/u.nii.gz");
  write_file(
      path("set/splits.json"),
      R"({"train": ["c00", "c02"], "val": ["c01"], "unlabelled": ["u"], "few_shot": {"1": ["c02"]}})");

  const Dataset dataset = read_dataset(path("set"));

  EXPECT_EQ(splits_of(dataset),
            (std::map<std::string, std::string>{{"c00", "train"},
                                                {"c01", "validation"},
                                                {"c02", "train"},
                                                {"c03", ""},
                                                {"u", "unlabelled"}}));
  EXPECT_THAT(dataset.subsets.at("1"), ElementsAre("c02"));
  EXPECT_THAT(select_training_cases(dataset, "1"), ElementsAre("c02"));
  EXPECT_THAT(select_training_cases(dataset, ""), ElementsAre("c00", "c02"));
}

TEST_F(DatasetSplits, TakesTheFoldThatIsAskedFor) {
  make_msd(2);
  write_file(path("set/splits_final.json"),
             R"([{"train": ["c00"], "val": ["c01"]}, {"train": ["c01"], "val": ["c00"]}])");
  DatasetOptions second;
  second.fold = 1;
  DatasetOptions third;
  third.fold = 2;

  EXPECT_EQ(splits_of(read_dataset(path("set"))).at("c00"), "train");
  EXPECT_EQ(splits_of(read_dataset(path("set"), second)).at("c00"), "validation");
  EXPECT_THAT(
      error_of(ErrorCode::kInvalidArgument, [&] { (void)read_dataset(path("set"), third); }),
      HasSubstr("2 folds"));
}

TEST_F(DatasetSplits, RefusesSplitsThatContradictTheSet) {
  make_msd(3);
  touch("set/imagesUnlabelled/u.nii.gz");
  const auto with = [&](const char* text, ErrorCode code) {
    write_file(path("set/splits.json"), text);
    return refusal(code);
  };

  EXPECT_THAT(with(R"({"train": ["c00", "c11"], "val": ["c01"]})", ErrorCode::kInvalidArgument),
              HasSubstr("names the case c11, which the data set does not have; did you mean c01?"));
  EXPECT_THAT(with(R"({"train": ["c00", "c01"], "val": ["c01"]})", ErrorCode::kRefused),
              HasSubstr("c01"));
  EXPECT_THAT(with(R"({"train": ["c00", "u"], "val": ["c01"]})", ErrorCode::kRefused),
              HasSubstr("u"));
  EXPECT_THAT(with(R"({"train": ["c00"], "val": ["c01"], "few_shot": {"1": ["c01"]}})",
                   ErrorCode::kRefused),
              HasSubstr("not a training case"));
  EXPECT_THAT(with(R"({"train": "c00"})", ErrorCode::kUnreadable), HasSubstr("list of case names"));
  EXPECT_THAT(with(R"({"a": ["c00"]})", ErrorCode::kUnreadable), HasSubstr("\"train\""));
}

TEST_F(DatasetSplits, MakesTheSameNestedSplitEveryTime) {
  make_msd(40);
  DatasetOptions fifth;
  DatasetOptions half;
  half.validation_fraction = 0.5;
  DatasetOptions other_seed;
  other_seed.seed = 18;

  const auto validation = keys_in(read_dataset(path("set"), fifth), "validation");

  EXPECT_THAT(validation, SizeIs(8));
  EXPECT_EQ(keys_in(read_dataset(path("set"), fifth), "validation"), validation);
  EXPECT_THAT(validation, IsSubsetOf(keys_in(read_dataset(path("set"), half), "validation")));
  EXPECT_NE(keys_in(read_dataset(path("set"), other_seed), "validation"), validation);
}

TEST_F(DatasetSplits, KeepsThePatientsOfASplitTogether) {
  write_file(path("set/dataset.json"),
             R"({"modality": {"0": "CT"}, "labels": {"0": "background", "1": "spleen"}})");
  for (int patient = 0; patient < 10; ++patient) {
    for (const char* side : {"left", "right"}) {
      const std::string name = "p" + std::to_string(patient) + "_" + side + ".nii.gz";
      touch("set/imagesTr/" + name);
      touch("set/labelsTr/" + name);
    }
  }
  DatasetOptions options;
  options.patient_before_underscore = true;

  const auto splits = splits_of(read_dataset(path("set"), options));

  for (int patient = 0; patient < 10; ++patient) {
    const std::string name = "p" + std::to_string(patient);
    EXPECT_EQ(splits.at(name + "_left"), splits.at(name + "_right"));
  }
  EXPECT_EQ(
      std::count_if(
          splits.begin(), splits.end(), [](const auto& s) { return s.second == "validation"; }),
      4);
}

TEST_F(DatasetSplits, RefusesAPatientInTwoSplits) {
  make_msd(0);
  for (const char* name : {"p1_left", "p1_right", "p2_left"}) {
    touch(std::string("set/imagesTr/") + name + ".nii.gz");
    touch(std::string("set/labelsTr/") + name + ".nii.gz");
  }
  write_file(path("set/splits.json"), R"({"train": ["p1_left", "p2_left"], "val": ["p1_right"]})");
  DatasetOptions options;
  options.patient_before_underscore = true;

  EXPECT_THAT(error_of(ErrorCode::kRefused, [&] { (void)read_dataset(path("set"), options); }),
              HasSubstr("patient p1 (p1_left in train, p1_right in validation)"));
}

TEST_F(DatasetSplits, SmallerNumbersOfCasesArePartsOfLargerOnes) {
  make_msd(20);
  const Dataset dataset = read_dataset(path("set"));

  const auto four = select_training_cases(dataset, "4");
  const auto nine = select_training_cases(dataset, "9");

  EXPECT_THAT(four, SizeIs(4));
  EXPECT_THAT(nine, SizeIs(9));
  EXPECT_THAT(four, IsSubsetOf(nine));
  EXPECT_EQ(select_training_cases(dataset, "4"), four);
  EXPECT_NE(select_training_cases(dataset, "4", 3), four);
  EXPECT_TRUE(std::is_sorted(nine.begin(), nine.end()));
}

TEST_F(DatasetSplits, RefusesNumbersThatCannotBe) {
  make_msd(5);
  const Dataset dataset = read_dataset(path("set"));

  for (const char* number : {"0", "5", "99999999999999999999"}) {
    EXPECT_THAT(error_of(ErrorCode::kInvalidArgument,
                         [&] { (void)select_training_cases(dataset, number); }),
                HasSubstr("expected 1 to 4"));
  }
}

TEST_F(DatasetSplits, ReadsCasesFromAFile) {
  make_msd(3);
  write_file(path("set/splits.json"), R"({"train": ["c00", "c02"], "val": ["c01"]})");
  const Dataset dataset = read_dataset(path("set"));
  write_file(path("cases.txt"), "# chosen by hand\nc02\n\n c00 \r\n");
  write_file(path("typo.txt"), "c0x\n");
  write_file(path("leak.txt"), "c01\n");
  const auto refusal_of_list = [&](ErrorCode code, const char* name) {
    return error_of(code, [&] { (void)select_training_cases(dataset, path(name).string()); });
  };

  EXPECT_THAT(select_training_cases(dataset, path("cases.txt").string()),
              ElementsAre("c00", "c02"));
  EXPECT_THAT(refusal_of_list(ErrorCode::kInvalidArgument, "typo.txt"), HasSubstr("did you mean"));
  EXPECT_THAT(refusal_of_list(ErrorCode::kRefused, "leak.txt"),
              HasSubstr("held out for validation"));
  EXPECT_THAT(refusal_of_list(ErrorCode::kInvalidArgument, "case.txt"), HasSubstr("cases.txt"));
}

}  // namespace
}  // namespace marrow
