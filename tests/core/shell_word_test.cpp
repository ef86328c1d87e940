#include "core/shell_word.h"

#include <gtest/gtest.h>

namespace marrow {
namespace {

TEST(ShellWord, IsQuotedWhereAShellWouldReadMoreIntoIt) {
  EXPECT_EQ(shell_word("train.steps=20"), "train.steps=20");
  EXPECT_EQ(shell_word("data.patch_size=[24,24]"), "'data.patch_size=[24,24]'");
  EXPECT_EQ(shell_word("{name: resnet}"), "'{name: resnet}'");
  EXPECT_EQ(shell_word("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_word(""), "''");
}

}  // namespace
}  // namespace marrow
