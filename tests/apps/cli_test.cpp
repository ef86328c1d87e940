#include "apps/cli.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "apps/builtin_commands.h"
#include "core/error.h"
#include "core/files.h"
#include "tests/support/process.h"

namespace marrow {
namespace {

using ::testing::HasSubstr;

TEST(Cli, UnknownCommandIsRefusedWithTheNearestOne) {
  const test::ProcessResult result = test::run_marrow({"phantm", "x"});

  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.err,
            "error: there is no command \"phantm\"; did you mean \"phantom\"?; marrow --help lists "
            "them\n");
}

TEST(Cli, UnknownOptionIsRefusedWithTheNearestOneAndWritesNothing) {
  const TemporaryFolder folder;

  const test::ProcessResult result =
      test::run_marrow({"phantom", "out", "--pateints", "3"}, {folder.path(), "", -1});

  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("there is no option --pateints; did you mean --patients?"));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Cli, WrongValueIsOneSentenceThatNamesTheOption) {
  const test::ProcessResult result = test::run_marrow({"phantom", "out", "--threads", "many"});

  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("--threads"));
  EXPECT_EQ(test::count_lines(result.err, ""), 1U);
}

TEST(Cli, ErrorsAreJsonOnStandardOutputWhenAsked) {
  const test::ProcessResult result =
      test::run_marrow({"phantom", "out", "--json", "--kind", "pet"});

  EXPECT_EQ(result.exit_code, 2);
  const nlohmann::json answer = nlohmann::json::parse(result.out);
  EXPECT_EQ(answer.at("exit_code"), 2);
  EXPECT_THAT(answer.at("error").get<std::string>(), HasSubstr("--kind"));
}

TEST(Cli, NoCommandPrintsTheListAndFailsAsUsage) {
  const test::ProcessResult result = test::run_marrow({});

  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("Usage: marrow COMMAND"));
}

TEST(Cli, VersionIsOnStandardOutput) {
  const test::ProcessResult result = test::run_marrow({"--version"});

  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out, HasSubstr("marrow 0."));
}

TEST(Cli, FullStandardOutputIsAResourceErrorNotSilence) {
  const test::ProcessResult result = test::run_marrow({"--help"}, {".", "/dev/full", -1});

  EXPECT_EQ(result.exit_code, 8);
  EXPECT_THAT(result.err, HasSubstr("standard output could not be written"));
}

TEST(Cli, TooSmallMemoryLimitEndsInOneSentenceWithTheFigure) {
  const TemporaryFolder folder;

  const test::ProcessResult result = test::run_marrow(
      {"phantom", "out", "--patients", "1", "--size", "512x512x512", "--max-memory", "100M"},
      {folder.path(), "", -1});

  EXPECT_EQ(result.exit_code, 8);
  EXPECT_THAT(result.err, HasSubstr("out of memory"));
  EXPECT_THAT(result.err, HasSubstr("--max-memory"));
}

// Every command of the table, whoever wrote it.
class CommandContract : public ::testing::TestWithParam<std::string> {};

TEST_P(CommandContract, HelpFitsOnOneScreenAndShowsAnExample) {
  const test::ProcessResult result = test::run_marrow({GetParam(), "--help"});

  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out, HasSubstr("Example:\n  marrow " + GetParam()));
  EXPECT_THAT(result.out, HasSubstr("--json"));
  EXPECT_LE(test::count_lines(result.out, ""), 40U);
}

TEST_P(CommandContract, NonsenseOptionIsAUsageErrorInOneSentence) {
  const test::ProcessResult result = test::run_marrow({GetParam(), "--xyzzy"});

  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("error: there is no option --xyzzy"));
}

std::vector<std::string> all_command_names() {
  CommandTable table;
  add_builtin_commands(table);
  std::vector<std::string> names;
  for (const auto& command : table.commands()) {
    names.push_back(command->name());
  }
  return names;
}

INSTANTIATE_TEST_SUITE_P(Every,
                         CommandContract,
                         ::testing::ValuesIn(all_command_names()),
                         [](const auto& parameter) { return parameter.param; });

}  // namespace
}  // namespace marrow
