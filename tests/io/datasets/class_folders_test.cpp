#include "io/datasets/class_folders.h"

#include <gmock/gmock.h>

#include "tests/support/dataset_files.h"

namespace marrow {
namespace {

using ::testing::ElementsAre;
using testing::error_of;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class ClassFolders : public testing::DatasetFiles {};

TEST_F(ClassFolders, AFolderPerClassIsNumberedByName) {
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

TEST_F(ClassFolders, ClassFoldersKeepTheirOwnSplit) {
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

}  // namespace
}  // namespace marrow
