#include "io/datasets/dataset_reader.h"

#include <gmock/gmock.h>

#include "tests/support/dataset_files.h"

namespace marrow {
namespace {

using ::testing::ElementsAre;
using testing::error_of;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using testing::write_file;

class DatasetReaderTest : public testing::DatasetFiles {};

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
  write_file(path("set/dataset.json"), testing::kDatasetDescription);

  EXPECT_THAT(refusal(ErrorCode::kNothingFound), HasSubstr("at least one case"));
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

}  // namespace
}  // namespace marrow
