#include "io/datasets/bids_folder.h"

#include <gmock/gmock.h>

#include "tests/support/dataset_files.h"

namespace marrow {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using testing::write_file;

class BidsFolder : public testing::DatasetFiles {};

TEST_F(BidsFolder, ABidsFolderGivesUnlabelledCasesBySubject) {
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

TEST_F(BidsFolder, RefusesABidsImageInAnotherSubjectsFolderAndARepeatedParticipant) {
  touch("set/sub-01/anat/sub-02_T1w.nii.gz");
  EXPECT_THAT(error_of(ErrorCode::kInvalidArgument, [&] { (void)read_dataset(path("set")); }),
              HasSubstr("its own subject's folder"));

  touch("other/sub-01/anat/sub-01_T1w.nii.gz");
  write_file(path("other/participants.tsv"), "participant_id\nsub-01\nsub-01\n");
  EXPECT_THAT(error_of(ErrorCode::kInvalidArgument, [&] { (void)read_dataset(path("other")); }),
              HasSubstr("row 3"));
}

}  // namespace
}  // namespace marrow
