#include "io/datasets/nnunet_folder.h"

#include <gmock/gmock.h>

#include "tests/support/dataset_files.h"

namespace marrow {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using testing::write_file;

class NnunetFolder : public testing::DatasetFiles {};

TEST_F(NnunetFolder, ReadsAnNnunetFolder) {
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

TEST_F(NnunetFolder, ReadsAnMsdFolderWithLabelsTheOtherWayRound) {
  make_msd(3);

  const Dataset dataset = read_dataset(path("set"));

  ASSERT_THAT(dataset.classes, SizeIs(2));
  EXPECT_EQ(dataset.classes[1].name, "spleen");
  EXPECT_EQ(dataset.cases[1].key, "c01");
  EXPECT_EQ(dataset.cases[1].modality, Modality::kCt);
  EXPECT_FALSE(dataset.cases[1].images[0].volume.has_value());
}

TEST_F(NnunetFolder, MsdNamesThatEndInFourDigitsAreNoChannels) {
  write_file(path("set/dataset.json"),
             R"({"modality": {"0": "CT"}, "labels": {"0": "background", "1": "spleen"}})");
  for (const char* name : {"liver_0000", "liver_0001"}) {
    touch(std::string("set/imagesTr/") + name + ".nii.gz");
    touch(std::string("set/labelsTr/") + name + ".nii.gz");
  }

  EXPECT_EQ(read_dataset(path("set")).cases[1].key, "liver_0001");
}

TEST_F(NnunetFolder, ChannelsOfAnMsdCaseAreVolumesOfOneFile) {
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

TEST_F(NnunetFolder, NamesWhatIsMissing) {
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

TEST_F(NnunetFolder, RefusesAChannelThatHasNoName) {
  make_nnunet();
  touch("set/imagesTr/b_0002.nii.gz");

  EXPECT_THAT(refusal(ErrorCode::kInvalidArgument), HasSubstr("b_0002.nii.gz"));
}

TEST_F(NnunetFolder, RefusesACaseThatIsThereTwice) {
  make_msd(2);
  touch("set/imagesTs/c01.nii.gz");
  EXPECT_THAT(refusal(ErrorCode::kInvalidArgument), HasSubstr("c01 is there twice"));

  std::filesystem::remove(path("set/imagesTs/c01.nii.gz"));
  touch("set/imagesTr/c01.nii");
  EXPECT_THAT(refusal(ErrorCode::kInvalidArgument), HasSubstr("two files for channel 0"));
}

TEST_F(NnunetFolder, ReadsAnNnunetFolderOfOtherEndings) {
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

TEST_F(NnunetFolder, AColourPictureOfAnNnunetFolderIsThreeChannels) {
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

}  // namespace
}  // namespace marrow
