#include "io/datasets/dataset_reader.h"

#include <algorithm>
#include <map>
#include <set>

#include <gmock/gmock.h>

#include "core/files.h"
#include "tests/support/nifti_bytes.h"

namespace marrow {
namespace {

using ::testing::ElementsAre;
using testing::error_of;
using ::testing::HasSubstr;
using ::testing::IsSubsetOf;
using ::testing::Not;
using ::testing::SizeIs;
using testing::write_file;

constexpr const char* kDescription = R"({"name": "Livers", "channel_names": {"0": "T1", "1": "T2"},
  "labels": {"background": 0, "liver": 1, "tumour": 2}, "numTraining": 2, "file_ending": ".nii.gz"})";

class DatasetReaderTest : public ::testing::Test {
 protected:
  std::filesystem::path path(const std::string& name = "") const {
    return name.empty() ? folder_.path() : folder_.path() / name;
  }

  void touch(const std::string& name) const { write_file(path(name), "x"); }

  // Two cases with two channels each, one test case.
  void make_nnunet() const {
    write_file(path("set/dataset.json"), kDescription);
    for (const char* name : {"a", "b"}) {
      touch(std::string("set/imagesTr/") + name + "_0000.nii.gz");
      touch(std::string("set/imagesTr/") + name + "_0001.nii.gz");
      touch(std::string("set/labelsTr/") + name + ".nii.gz");
    }
    touch("set/imagesTs/t_0000.nii.gz");
    touch("set/imagesTs/t_0001.nii.gz");
  }

  // `count` single-channel cases c00, c01, ... in MSD style.
  void make_msd(int count) const {
    write_file(path("set/dataset.json"),
               R"({"modality": {"0": "CT"}, "labels": {"0": "background", "1": "spleen"}})");
    for (int i = 0; i < count; ++i) {
      const std::string name = "c" + std::string(i < 10 ? "0" : "") + std::to_string(i);
      touch("set/imagesTr/" + name + ".nii.gz");
      touch("set/labelsTr/" + name + ".nii.gz");
    }
  }

  static std::map<std::string, std::string> splits_of(const Dataset& dataset) {
    std::map<std::string, std::string> splits;
    for (const Case& c : dataset.cases) {
      splits[c.key] = c.split;
    }
    return splits;
  }

  static std::set<std::string> keys_in(const Dataset& dataset, const std::string& split) {
    std::set<std::string> keys;
    for (const Case& c : dataset.cases) {
      if (c.split == split) {
        keys.insert(c.key);
      }
    }
    return keys;
  }

  std::string refusal(ErrorCode code, const std::string& name = "set") const {
    return error_of(code, [&] { (void)read_dataset(path(name)); });
  }

 private:
  TemporaryFolder folder_;
};

TEST_F(DatasetReaderTest, ReadsAnNnunetFolder) {
  make_nnunet();
  touch("set/imagesTr/._a_0000.nii.gz");

  const Dataset dataset = read_dataset(path("set"));

  EXPECT_EQ(dataset.name, "Livers");
  EXPECT_THAT(dataset.channel_names, ElementsAre("T1", "T2"));
  ASSERT_THAT(dataset.classes, SizeIs(3));
  EXPECT_EQ(dataset.classes[2].name, "tumour");
  EXPECT_EQ(dataset.classes[2].value, 2);
  ASSERT_THAT(dataset.cases, SizeIs(3));
  const Case& first = dataset.cases[0];
  EXPECT_EQ(first.key, "a");
  EXPECT_EQ(first.patient, "a");
  EXPECT_EQ(first.modality, Modality::kMr);
  ASSERT_THAT(first.images, SizeIs(2));
  EXPECT_EQ(first.images[1].files.front(), path("set/imagesTr/a_0001.nii.gz"));
  EXPECT_NE(first.images[0].key, first.images[1].key);
  ASSERT_TRUE(first.labels.has_value());
  EXPECT_EQ(first.labels->files.front(), path("set/labelsTr/a.nii.gz"));
  EXPECT_EQ(dataset.cases[2].split, "test");
}

TEST_F(DatasetReaderTest, ReadsAnMsdFolderWithLabelsTheOtherWayRound) {
  make_msd(3);

  const Dataset dataset = read_dataset(path("set"));

  ASSERT_THAT(dataset.classes, SizeIs(2));
  EXPECT_EQ(dataset.classes[1].name, "spleen");
  EXPECT_EQ(dataset.cases[1].key, "c01");
  EXPECT_EQ(dataset.cases[1].modality, Modality::kCt);
  EXPECT_FALSE(dataset.cases[1].images[0].volume.has_value());
}

TEST_F(DatasetReaderTest, MsdNamesThatEndInFourDigitsAreNoChannels) {
  write_file(path("set/dataset.json"),
             R"({"modality": {"0": "CT"}, "labels": {"0": "background", "1": "spleen"}})");
  for (const char* name : {"liver_0000", "liver_0001"}) {
    touch(std::string("set/imagesTr/") + name + ".nii.gz");
    touch(std::string("set/labelsTr/") + name + ".nii.gz");
  }

  EXPECT_EQ(read_dataset(path("set")).cases[1].key, "liver_0001");
}

TEST_F(DatasetReaderTest, ChannelsOfAnMsdCaseAreVolumesOfOneFile) {
  write_file(
      path("set/dataset.json"),
      R"({"modality": {"0": "FLAIR", "1": "T1w"}, "labels": {"0": "background", "1": "edema"}})");
  touch("set/imagesTr/c00.nii.gz");
  touch("set/labelsTr/c00.nii.gz");

  const Case found = read_dataset(path("set")).cases.at(0);

  ASSERT_THAT(found.images, SizeIs(2));
  EXPECT_EQ(found.images[1].volume, 1);
  EXPECT_EQ(found.images[0].files, found.images[1].files);
  EXPECT_NE(found.images[0].key, found.images[1].key);
}

TEST_F(DatasetReaderTest, NamesWhatIsMissing) {
  make_nnunet();
  std::filesystem::remove(path("set/imagesTr/b_0001.nii.gz"));
  EXPECT_THAT(refusal(ErrorCode::kUnreadable), HasSubstr("case b: channel 1 (T2) is missing"));
  touch("set/imagesTr/b_0001.nii.gz");

  std::filesystem::remove(path("set/labelsTr/a.nii.gz"));
  EXPECT_THAT(refusal(ErrorCode::kUnreadable), HasSubstr("case a: expected its label map"));
  touch("set/labelsTr/a.nii.gz");

  touch("set/labelsTr/z.nii.gz");
  EXPECT_THAT(refusal(ErrorCode::kUnreadable), HasSubstr("case z: there is a label map"));
}

TEST_F(DatasetReaderTest, RefusesAChannelThatHasNoName) {
  make_nnunet();
  touch("set/imagesTr/b_0002.nii.gz");

  EXPECT_THAT(refusal(ErrorCode::kInvalidArgument), HasSubstr("b_0002.nii.gz"));
}

TEST_F(DatasetReaderTest, RefusesACaseThatIsThereTwice) {
  make_msd(2);
  touch("set/imagesTs/c01.nii.gz");
  EXPECT_THAT(refusal(ErrorCode::kInvalidArgument), HasSubstr("c01 is there twice"));

  std::filesystem::remove(path("set/imagesTs/c01.nii.gz"));
  touch("set/imagesTr/c01.nii");
  EXPECT_THAT(refusal(ErrorCode::kInvalidArgument), HasSubstr("two files for channel 0"));
}

TEST_F(DatasetReaderTest, RefusesDescriptionsThatItCannotUse) {
  make_msd(1);
  const auto with = [&](const char* text, ErrorCode code) {
    write_file(path("set/dataset.json"), text);
    return refusal(code);
  };

  EXPECT_THAT(with("{", ErrorCode::kUnreadable), HasSubstr("byte"));
  EXPECT_THAT(with(R"({"labels": {"a": 1}})", ErrorCode::kUnreadable), HasSubstr("channel_names"));
  EXPECT_THAT(with(R"({"modality": {"1": "CT"}, "labels": {"a": 1}})", ErrorCode::kUnreadable),
              HasSubstr("\"0\""));
  EXPECT_THAT(
      with(R"({"modality": {"0": "CT"}, "labels": {"a": 1, "b": 1}})", ErrorCode::kUnreadable),
      HasSubstr("same value 1"));
  EXPECT_THAT(
      with(R"({"modality": {"0": "CT"}, "labels": {"whole": [1, 2]}})", ErrorCode::kUnsupported),
      HasSubstr("region"));
  EXPECT_THAT(
      with(R"({"modality": {"0": "CT"}, "labels": {"ignore": 3}})", ErrorCode::kUnsupported),
      HasSubstr("ignore"));
  EXPECT_THAT(with(R"({"modality": {"0": "CT"}, "labels": {"a": 1}, "file_ending": ".bmp"})",
                   ErrorCode::kUnsupported),
              HasSubstr(".bmp"));
}

// Found by fuzzing: the parser's exception for it is not the one for mistakes.
TEST_F(DatasetReaderTest, RefusesANumberThatIsTooLargeForAnyType) {
  make_msd(1);
  write_file(path("set/dataset.json"), R"({"numTraining": 1e999})");

  EXPECT_THAT(refusal(ErrorCode::kUnreadable), HasSubstr("number that is too large"));
}

// Found by fuzzing: printing the value of such a label ran out of stack.
TEST_F(DatasetReaderTest, RefusesADescriptionNestedAHundredThousandDeep) {
  make_msd(1);
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  write_file(path("set/dataset.json"),
             R"({"modality": {"0": "CT"}, "labels": {"a": {"b": )" + deep + "}}}");

  EXPECT_THAT(refusal(ErrorCode::kUnreadable), HasSubstr("nested more than 64 deep"));
}

TEST_F(DatasetReaderTest, NamesTheNearestFolderWhereThereIsNone) {
  make_msd(1);

  EXPECT_THAT(refusal(ErrorCode::kInvalidArgument, "sett"),
              HasSubstr("did you mean " + path("set").string()));
  EXPECT_THAT(refusal(ErrorCode::kInvalidArgument, "sett/"),
              HasSubstr("did you mean " + path("set").string()));
  EXPECT_THAT(error_of(ErrorCode::kInvalidArgument, [&] { (void)read_dataset(path()); }),
              HasSubstr("did you mean " + path("set").string()));
}

TEST_F(DatasetReaderTest, RefusesAFolderWithoutCases) {
  write_file(path("set/dataset.json"), kDescription);

  EXPECT_THAT(refusal(ErrorCode::kNothingFound), HasSubstr("at least one case"));
}

TEST_F(DatasetReaderTest, TakesTheSplitOfTheSet) {
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

TEST_F(DatasetReaderTest, TakesTheFoldThatIsAskedFor) {
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

TEST_F(DatasetReaderTest, RefusesSplitsThatContradictTheSet) {
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

TEST_F(DatasetReaderTest, MakesTheSameNestedSplitEveryTime) {
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

TEST_F(DatasetReaderTest, KeepsThePatientsOfASplitTogether) {
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

TEST_F(DatasetReaderTest, RefusesAPatientInTwoSplits) {
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

TEST_F(DatasetReaderTest, SmallerNumbersOfCasesArePartsOfLargerOnes) {
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

TEST_F(DatasetReaderTest, RefusesNumbersThatCannotBe) {
  make_msd(5);
  const Dataset dataset = read_dataset(path("set"));

  for (const char* number : {"0", "5", "99999999999999999999"}) {
    EXPECT_THAT(error_of(ErrorCode::kInvalidArgument,
                         [&] { (void)select_training_cases(dataset, number); }),
                HasSubstr("expected 1 to 4"));
  }
}

TEST_F(DatasetReaderTest, ReadsCasesFromAFile) {
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

TEST_F(DatasetReaderTest, ReadsACsvListOfLabelMaps) {
  for (const char* name :
       {"a.nii.gz", "a2.nii.gz", "b.nii.gz", "b2.nii.gz", "la.nii.gz", "lb.nii.gz"}) {
    touch(name);
  }
  touch("series/1.dcm");
  touch("series/2.dcm");
  touch("series/DICOMDIR");
  touch("series2/1.dcm");
  write_file(path("dataset.json"), R"({"labels": {"background": 0, "liver": 1}})");
  write_file(path("list.csv"),
             "image,label,patient,split,age\n"
             "a.nii.gz;a2.nii.gz,la.nii.gz, Smith  John,train,50\n"
             "b.nii.gz; b2.nii.gz,lb.nii.gz,other,val,60\n"
             "series;series2,,smith john,unlabelled,50\n");

  const Dataset dataset = read_dataset(path("list.csv"));

  ASSERT_THAT(dataset.cases, SizeIs(3));
  EXPECT_EQ(dataset.classes.at(1).name, "liver");
  EXPECT_THAT(dataset.cases[0].images, SizeIs(2));
  EXPECT_EQ(dataset.cases[0].labels->files.front(), path("la.nii.gz"));
  EXPECT_EQ(dataset.cases[2].key, "series");
  EXPECT_THAT(dataset.cases[2].images[0].files,
              ElementsAre(path("series/1.dcm"), path("series/2.dcm")));
  EXPECT_EQ(dataset.cases[0].patient, dataset.cases[2].patient)
      << "case and spaces make no other patient";
  EXPECT_THAT(dataset.cases[0].patient, Not(HasSubstr("mith")));
  EXPECT_EQ(dataset.cases[1].split, "validation");
}

TEST_F(DatasetReaderTest, ReadsACsvListOfClasses) {
  for (const char* name : {"p1/t1.nii.gz", "p2/t1.nii.gz", "p3/t1.nii.gz"}) {
    touch(name);
  }
  write_file(path("words.csv"),
             "image,label\np1/t1.nii.gz,sick\np2/t1.nii.gz,healthy\np3/t1.nii.gz,sick\n");
  write_file(path("many.csv"),
             "image,label\np1/t1.nii.gz,0;1\np2/t1.nii.gz,1;1\np3/t1.nii.gz,0;0\n");

  const Dataset words = read_dataset(path("words.csv"));
  const Dataset many = read_dataset(path("many.csv"));

  EXPECT_EQ(words.classes.at(1).name, "sick");
  EXPECT_EQ(words.cases.at(0).key, "p1_t1");
  EXPECT_THAT(words.cases.at(0).targets, ElementsAre(1.0));
  EXPECT_THAT(words.cases.at(1).targets, ElementsAre(0.0));
  EXPECT_THAT(many.cases.at(1).targets, ElementsAre(1.0, 1.0));
  EXPECT_FALSE(keys_in(words, "validation").empty());
}

TEST_F(DatasetReaderTest, NamesTheRowOfACsvMistake) {
  touch("a.nii.gz");
  touch("b.nii.gz");
  touch("l.nii.gz");
  const auto with = [&](const char* text, ErrorCode code) {
    write_file(path("list.csv"), text);
    return refusal(code, "list.csv");
  };

  EXPECT_THAT(with("images,label\na.nii.gz,l.nii.gz\n", ErrorCode::kInvalidArgument),
              HasSubstr("is it \"images\"?"));
  EXPECT_THAT(with("image,label\na.nii.gz,l.nii.gz\nc.nii.gz,l.nii.gz\n", ErrorCode::kUnreadable),
              HasSubstr("row 3: expected"));
  EXPECT_THAT(with("image,label\na.nii.gz,m.nii.gz\n", ErrorCode::kUnreadable),
              HasSubstr("m.nii.gz"));
  EXPECT_THAT(with("image,label\na.nii.gz\n", ErrorCode::kUnreadable),
              HasSubstr("expected 2 fields"));
  EXPECT_THAT(with("image,label\na.nii.gz,l.nii.gz\nb.nii.gz,2\n", ErrorCode::kInvalidArgument),
              HasSubstr("both"));
  EXPECT_THAT(with("image,split\na.nii.gz,often\n", ErrorCode::kUnreadable), HasSubstr("often"));
  EXPECT_THAT(with("image,split\na.nii.gz,train\n", ErrorCode::kInvalidArgument),
              HasSubstr("no label"));
  EXPECT_THAT(with("image,label,split\na.nii.gz,1,train\nb.nii.gz,1,\n", ErrorCode::kUnreadable),
              HasSubstr("row 3: expected a split"));
  EXPECT_THAT(with("image\na.nii.gz\na.nii.gz\n", ErrorCode::kInvalidArgument), HasSubstr("twice"));
  EXPECT_THAT(with("image\na.nii.gz;b.nii.gz\nb.nii.gz\n", ErrorCode::kUnreadable),
              HasSubstr("2 channels"));
  EXPECT_THAT(with("image\n", ErrorCode::kNothingFound), HasSubstr("at least one case"));
}

TEST_F(DatasetReaderTest, RefusesALeakInACsvListWithoutNamingThePatient) {
  touch("a.nii.gz");
  touch("b.nii.gz");
  write_file(path("list.csv"),
             "image,label,patient,split\na.nii.gz,1,Smith,train\nb.nii.gz,0,smith ,test\n");

  const std::string sentence = refusal(ErrorCode::kRefused, "list.csv");

  EXPECT_THAT(sentence, HasSubstr("a in train"));
  EXPECT_THAT(sentence, HasSubstr("b in test"));
  EXPECT_THAT(sentence, Not(HasSubstr("mith")));
}

TEST(HippocampusDatasetData, HasTheCasesThatItsReadmeNames) {
  const std::filesystem::path folder =
      std::filesystem::path(MARROW_SHARED_DATA) / "msd_hippocampus";
  if (!std::filesystem::exists(folder)) {
    GTEST_SKIP() << folder << " is absent";
  }

  const Dataset dataset = read_dataset(folder);

  std::map<std::string, int> splits;
  for (const Case& c : dataset.cases) {
    ++splits[c.split];
  }
  EXPECT_EQ(splits,
            (std::map<std::string, int>{{"train", 20}, {"validation", 20}, {"unlabelled", 161}}));
  EXPECT_THAT(dataset.classes, SizeIs(3));
  for (const char* number : {"2", "4", "8", "20"}) {
    EXPECT_EQ(select_training_cases(dataset, number).size(), std::stoul(number));
  }
  EXPECT_THAT(select_training_cases(dataset, "2"),
              ElementsAre("hippocampus_193", "hippocampus_304"));
  EXPECT_THAT(select_training_cases(dataset, "3"), SizeIs(3));
}

TEST_F(DatasetReaderTest, ReadsAnNnunetFolderOfOtherEndings) {
  write_file(path("set/dataset.json"), R"({"channel_names": {"0": "CT"},
    "labels": {"background": 0, "liver": 1}, "file_ending": ".nrrd"})");
  for (const char* name : {"a", "b"}) {
    touch(std::string("set/imagesTr/") + name + "_0000.nrrd");
    touch(std::string("set/labelsTr/") + name + ".nrrd");
  }

  const Dataset dataset = read_dataset(path("set"));

  ASSERT_THAT(dataset.cases, SizeIs(2));
  EXPECT_EQ(dataset.cases[0].labels->files.front(), path("set/labelsTr/a.nrrd"));
}

TEST_F(DatasetReaderTest, AColourPictureOfAnNnunetFolderIsThreeChannels) {
  write_file(path("set/dataset.json"), R"({"channel_names": {"0": "R", "1": "G", "2": "B"},
    "labels": {"background": 0, "road": 1}, "file_ending": ".png"})");
  touch("set/imagesTr/a_0000.png");
  touch("set/labelsTr/a.png");
  touch("set/imagesTr/b_0000.png");
  touch("set/labelsTr/b.png");

  const Dataset dataset = read_dataset(path("set"));

  ASSERT_THAT(dataset.cases.at(0).images, SizeIs(3));
  EXPECT_EQ(dataset.cases[0].images[2].volume, 2);
  EXPECT_NE(dataset.cases[0].images[1].key, dataset.cases[0].images[2].key);
}

TEST_F(DatasetReaderTest, ABidsFolderGivesUnlabelledCasesBySubject) {
  touch("set/sub-01/ses-1/anat/sub-01_ses-1_T1w.nii.gz");
  touch("set/sub-01/ses-2/pet/sub-01_ses-2_pet.nii");
  touch("set/sub-01/ses-2/anat/sub-01_ses-2_defacemask.nii.gz");
  touch("set/sub-02/anat/sub-02_T2w.nii.gz");
  touch("set/sub-02/anat/sub-02_T2w.json");
  touch("set/derivatives/tool/sub-02/anat/sub-02_desc-brain_T2w.nii.gz");
  write_file(path("set/participants.tsv"), "participant_id\tage\nsub-01\t40\nsub-02\t50\n");

  const Dataset dataset = read_dataset(path("set"));

  ASSERT_THAT(dataset.cases, SizeIs(3));
  EXPECT_EQ(dataset.cases[0].key, "sub-01_ses-1_T1w");
  EXPECT_EQ(dataset.cases[0].patient, dataset.cases[1].patient);
  EXPECT_EQ(dataset.cases[1].modality, Modality::kPet);
  EXPECT_EQ(dataset.cases[2].modality, Modality::kMr);
  for (const Case& c : dataset.cases) {
    EXPECT_EQ(c.split, "unlabelled");
  }
}

TEST_F(DatasetReaderTest, RefusesABidsImageInAnotherSubjectsFolderAndARepeatedParticipant) {
  touch("set/sub-01/anat/sub-02_T1w.nii.gz");
  EXPECT_THAT(error_of(ErrorCode::kInvalidArgument, [&] { (void)read_dataset(path("set")); }),
              HasSubstr("its own subject's folder"));

  touch("other/sub-01/anat/sub-01_T1w.nii.gz");
  write_file(path("other/participants.tsv"), "participant_id\nsub-01\nsub-01\n");
  EXPECT_THAT(error_of(ErrorCode::kInvalidArgument, [&] { (void)read_dataset(path("other")); }),
              HasSubstr("row 3"));
}

TEST_F(DatasetReaderTest, AnNnsslCollectionGivesUnlabelledCasesWithoutNames) {
  touch("raw/Dataset1/images/a.nii.gz");
  touch("raw/Dataset1/images/b.nrrd");
  write_file(path("raw/Dataset1/pretrain_data.json"),
             R"({"collection_index": 1, "collection_name": "Heads", "datasets": {"d1":
      {"dataset_index": "d1", "subjects": {"Miller^Jane": {"subject_id": "Miller^Jane", "sessions":
        {"s1": {"session_id": "s1", "images": [
          {"name": "a.nii.gz", "image_path": "images/a.nii.gz", "modality": "T1w"},
          {"name": "b.nrrd", "image_path": "$nnssl_raw/Dataset1/images/b.nrrd", "modality": "CT"}]}}}}}}})");

  const Dataset dataset = read_dataset(path("raw/Dataset1"));

  EXPECT_EQ(dataset.name, "Heads");
  ASSERT_THAT(dataset.cases, SizeIs(2));
  EXPECT_EQ(dataset.cases[0].patient, dataset.cases[1].patient);
  EXPECT_THAT(dataset.cases[0].patient + dataset.cases[0].key, Not(HasSubstr("Miller")));
  EXPECT_EQ(dataset.cases[0].split, "unlabelled");

  std::filesystem::remove(path("raw/Dataset1/images/b.nrrd"));
  EXPECT_THAT(error_of(ErrorCode::kUnreadable, [&] { (void)read_dataset(path("raw/Dataset1")); }),
              HasSubstr("b.nrrd"));
}

TEST_F(DatasetReaderTest, AFolderPerClassIsNumberedByName) {
  for (const char* name : {"hand/1.png", "chest/1.jpeg", "chest/2.JPG", "chest/notes.txt"}) {
    touch(std::string("set/") + name);
  }

  const Dataset dataset = read_dataset(path("set"));

  ASSERT_THAT(dataset.classes, SizeIs(2));
  EXPECT_EQ(dataset.classes[0].name, "chest");
  ASSERT_THAT(dataset.cases, SizeIs(3));
  EXPECT_EQ(dataset.cases[2].key, "hand_1");
  EXPECT_THAT(dataset.cases[2].targets, ElementsAre(1.0));
}

TEST_F(DatasetReaderTest, ClassFoldersKeepTheirOwnSplit) {
  for (const char* name :
       {"train/hand/1.png", "train/chest/1.png", "val/chest/1.png", "test/hand/1.png"}) {
    touch(std::string("set/") + name);
  }

  EXPECT_THAT(splits_of(read_dataset(path("set"))),
              ElementsAre(std::pair("test_hand_1", "test"),
                          std::pair("train_chest_1", "train"),
                          std::pair("train_hand_1", "train"),
                          std::pair("val_chest_1", "validation")));
  touch("set/knee/1.png");
  EXPECT_THAT(error_of(ErrorCode::kInvalidArgument, [&] { (void)read_dataset(path("set")); }),
              HasSubstr("knee"));
}

TEST_F(DatasetReaderTest, AListOfPicturesHasClassesPatientsAndSplits) {
  for (const char* name : {"p/1.png", "p/2.jpeg", "q/1.png"}) {
    touch(std::string("set/") + name);
  }
  write_file(path("set/list.csv"),
             "image,label,patient,split\np/1.png,ill,P 1,train\np/2.jpeg,well,p  1,train\n"
             "q/1.png,ill,P2,val\n");

  const Dataset dataset = read_dataset(path("set/list.csv"));

  ASSERT_THAT(dataset.cases, SizeIs(3));
  EXPECT_EQ(dataset.cases[0].key, "p_1");
  EXPECT_EQ(dataset.cases[0].patient, dataset.cases[1].patient);
  EXPECT_THAT(dataset.cases[1].targets, ElementsAre(1.0));
  EXPECT_EQ(dataset.cases[2].split, "validation");

  write_file(path("set/leak.csv"),
             "image,label,patient,split\np/1.png,ill,P1,train\nq/1.png,ill,P1,val\n");
  EXPECT_THAT(error_of(ErrorCode::kRefused, [&] { (void)read_dataset(path("set/leak.csv")); }),
              HasSubstr("patient"));
}

}  // namespace
}  // namespace marrow
