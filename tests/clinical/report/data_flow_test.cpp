#include "clinical/report/data_flow.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "tests/support/report_support.h"

namespace marrow {
namespace {

using testing::HasSubstr;

DataFlow example_flow() {
  return {"Labelled cases",
          {{"cases in the data set", 20, "of 18 patients", {{"not finite", 2}}},
           {"cases prepared", 18, "", {}}},
          {{"train", {{"for training", 12, "", {{"not asked for", 8}}}, {"trained on", 4, "", {}}}},
           {"validation", {{"held out", 6, "", {}}}}}};
}

TEST(DataFlow, ShowsEveryLossWithItsReason) {
  const DataFlow flow{"", {{"files found", 1204331, "", {{"unreadable <x>", 66}}}}, {}};

  const std::string code = flow_diagram(flow).code;

  EXPECT_THAT(code, HasSubstr("<strong>1\u202f204\u202f331</strong><span>files found</span>"));
  EXPECT_THAT(code, HasSubstr("<b>\u221266</b><span>unreadable &lt;x&gt;</span>"));
  EXPECT_EQ(nesting_fault(code), "");
}

TEST(DataFlow, LeadsWithAnArrowFromEachStageToTheNextAndIntoEachBranch) {
  const std::string code = flow_diagram(example_flow()).code;

  // One in the common part, two into the branches, one within the first of them.
  EXPECT_EQ(occurrences(code, "class=\"arrow\""), 4U);
  EXPECT_EQ(occurrences(code, "<ol class=\"flow\">"), 3U);
  EXPECT_THAT(code, HasSubstr("cases in the data set <small>of 18 patients</small>"));
  EXPECT_EQ(nesting_fault(code), "");
}

TEST(DataFlow, DrawsNothingWithoutAStage) {
  EXPECT_TRUE(flow_diagram({}).empty());
}

TEST(DataFlow, IsReadAsItWasWritten) {
  const TemporaryFolder folder;
  write_atomically(folder.path() / "flow.json", flow_to_json(example_flow()));

  EXPECT_EQ(read_flow(folder.path() / "flow.json"), example_flow());
}

TEST(DataFlow, IsNothingWhereAnOlderVersionWroteNoCounts) {
  const TemporaryFolder folder;

  EXPECT_FALSE(read_flow(folder.path() / "flow.json").has_value());
}

TEST(DataFlow, NamesADamagedFileAndAnotherVersion) {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder.path() / "flow.json";
  const auto expect_error = [&](const std::string& text, ErrorCode code) {
    write_atomically(file, text);
    try {
      (void)read_flow(file);
      FAIL() << "expected an Error";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code);
      EXPECT_THAT(error.what(), HasSubstr("flow.json"));
    }
  };

  expect_error("{\"version\":", ErrorCode::kUnreadable);
  expect_error(R"({"version":1,"title":"a","steps":[{"label":"b"}],"branches":[]})",
               ErrorCode::kUnreadable);
  expect_error(R"({"version":2})", ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace marrow
