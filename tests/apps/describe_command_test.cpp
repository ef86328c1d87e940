#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/process.h"

namespace marrow {
namespace {

using ::testing::HasSubstr;

TEST(Describe, TellsDefaultRangeAndMeaningOfEveryOption) {
  const test::ProcessResult result = test::run_marrow({"describe", "spark", "--json"});

  ASSERT_EQ(result.exit_code, 0) << result.err;
  const nlohmann::json answer = nlohmann::json::parse(result.out);
  EXPECT_EQ(answer.at("section"), "method");
  const nlohmann::json& ratio = answer.at("options").at(0);
  EXPECT_EQ(ratio.at("name"), "mask_ratio");
  EXPECT_EQ(ratio.at("default"), "0.6");
  EXPECT_EQ(ratio.at("allowed"), "0.05 to 0.95");
  EXPECT_THAT(ratio.at("sentence").get<std::string>(), HasSubstr("share of cells hidden"));
}

TEST(Describe, NamesTheOptionsOfAFilterAsTheyAreGiven) {
  const test::ProcessResult result = test::run_marrow({"describe", "balance"});

  EXPECT_THAT(result.out, HasSubstr("volume_filters: [balance]"));
  EXPECT_THAT(result.out, HasSubstr("\n  balance.limit = 0 "));
}

TEST(Describe, ListsEveryPartAndSection) {
  const test::ProcessResult result = test::run_marrow({"describe"});

  EXPECT_EQ(result.exit_code, 0);
  for (const char* name :
       {"spark", "convnext", "resenc_unet", "resnet", "unet_decoder", "body_patch", "train"}) {
    EXPECT_THAT(result.out, HasSubstr(name));
  }
}

TEST(Describe, NamesTheNearestPartWhereThereIsNone) {
  const test::ProcessResult result = test::run_marrow({"describe", "sparc"});

  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("did you mean \"spark\"?"));
}

}  // namespace
}  // namespace marrow
