#include "io/file_endings.h"

#include <gtest/gtest.h>

namespace marrow {
namespace {

TEST(FileEndings, TellImagesAndPicturesWhateverTheCase) {
  for (const char* const image : {"a.nii", "a.NII.GZ", "a.img.gz", "a.mha", "b/c.nrrd", "a.jpg"}) {
    EXPECT_TRUE(has_image_ending(image)) << image;
  }
  for (const char* const other : {"a.gz", "lesion", "1", "a.nii.txt", ".nii", "", "a.json"}) {
    EXPECT_FALSE(has_image_ending(other)) << other;
  }
  EXPECT_TRUE(has_picture_ending("x.PNG"));
  EXPECT_TRUE(has_image_ending("x.DCM"));
  EXPECT_FALSE(has_picture_ending("x.dcm")) << "mostly slices of volumes";
  EXPECT_TRUE(has_picture_ending("x.jpeg"));
  EXPECT_FALSE(has_picture_ending("x.nii"));
}

TEST(FileEndings, AreTakenOffNamesOnce) {
  EXPECT_EQ(without_image_ending("case_1.nii.gz"), "case_1");
  EXPECT_EQ(without_image_ending("case.nii.nii"), "case.nii");
  EXPECT_EQ(without_image_ending("v1.2.Mha"), "v1.2");
  EXPECT_EQ(without_image_ending("a.png"), "a");
  EXPECT_EQ(without_image_ending("folder"), "folder");
  EXPECT_EQ(without_image_ending(".nii"), ".nii");
}

}  // namespace
}  // namespace marrow
