#include "io/datasets/csv_list.h"

#include <gmock/gmock.h>

#include "io/image_source.h"
#include "tests/support/dataset_files.h"
#include "tests/support/dicom_made.h"
#include "tests/support/jpeg_stream.h"

namespace marrow {
namespace {

using ::testing::ElementsAre;
using testing::error_of;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using testing::write_file;

class CsvList : public testing::DatasetFiles {};

TEST_F(CsvList, ReadsACsvListOfLabelMaps) {
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

TEST_F(CsvList, ReadsACsvListOfClasses) {
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

TEST_F(CsvList, NamesTheRowOfACsvMistake) {
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

TEST_F(CsvList, RefusesALeakInACsvListWithoutNamingThePatient) {
  touch("a.nii.gz");
  touch("b.nii.gz");
  write_file(path("list.csv"),
             "image,label,patient,split\na.nii.gz,1,Smith,train\nb.nii.gz,0,smith ,test\n");

  const std::string sentence = refusal(ErrorCode::kRefused, "list.csv");

  EXPECT_THAT(sentence, HasSubstr("a in train"));
  EXPECT_THAT(sentence, HasSubstr("b in test"));
  EXPECT_THAT(sentence, Not(HasSubstr("mith")));
}

TEST_F(CsvList, AListOfPicturesHasClassesPatientsAndSplits) {
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

TEST_F(CsvList, AMaskIsAFileWhateverItsEnding) {
  touch("a.png");
  write_file(path("mask.JPG"), testing::jpeg_bytes(8, 8, {1}));
  write_file(path("list.csv"), "image,label\na.png,mask.JPG\n");

  const Dataset dataset = read_dataset(path("list.csv"));

  ASSERT_TRUE(dataset.cases.at(0).labels.has_value()) << "no class of that name";
  const ImageRef& mask = *dataset.cases[0].labels;
  EXPECT_EQ(mask.files.front(), path("mask.JPG"));
  EXPECT_THAT(error_of(ErrorCode::kRefused, [&] { (void)make_image_source()->labels(mask); }),
              HasSubstr("expected labels as a grey PNG without transparency, found a JPEG"));
}

TEST_F(CsvList, NamesRadiographsAsPictures) {
  for (const int value : {3, 5}) {
    DcmFileFormat format;
    testing::start_image(*format.getDataset(), 1, 2);
    testing::put_text(*format.getDataset(), DCM_SOPClassUID, UID_ComputedRadiographyImageStorage);
    testing::put_text(*format.getDataset(), DCM_Modality, "CR");
    testing::put_pixels(*format.getDataset(), std::vector<Uint16>(2, static_cast<Uint16>(value)));
    testing::save_image(format, path("cr" + std::to_string(value) + ".dcm"));
  }
  write_file(path("list.csv"), "image,label,patient\ncr3.dcm,well,p1\ncr5.dcm,ill,p2\n");

  const Dataset dataset = read_dataset(path("list.csv"));
  const std::unique_ptr<VolumeSource> source = make_image_source();

  ASSERT_THAT(dataset.cases, SizeIs(2));
  EXPECT_EQ(dataset.cases[0].key, "cr3");
  EXPECT_THAT(source->volume(dataset.cases[1].images.front()).voxels, ElementsAre(5, 5));
}

}  // namespace
}  // namespace marrow
