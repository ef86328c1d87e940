#include "io/datasets/nnssl_collection.h"

#include <gmock/gmock.h>

#include "tests/support/dataset_files.h"

namespace marrow {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using testing::write_file;

class NnsslCollection : public testing::DatasetFiles {};

TEST_F(NnsslCollection, AnNnsslCollectionGivesUnlabelledCasesWithoutNames) {
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

}  // namespace
}  // namespace marrow
