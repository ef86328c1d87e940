#include "core/byte_count.h"

#include <gtest/gtest.h>

#include "core/error.h"

namespace marrow {
namespace {

TEST(ByteCount, IsReadInBinaryUnits) {
  EXPECT_EQ(parse_byte_count("512M"), 536870912U);
  EXPECT_EQ(parse_byte_count("1.5 GiB"), 1610612736U);
  EXPECT_EQ(parse_byte_count("1000"), 1000U);
  EXPECT_THROW((void)parse_byte_count("much"), Error);
  EXPECT_THROW((void)parse_byte_count("-1G"), Error);
}

}  // namespace
}  // namespace marrow
