#include "io/datasets/dataset_json.h"

#include <gmock/gmock.h>

#include "tests/support/dataset_files.h"

namespace marrow {
namespace {

using ::testing::HasSubstr;
using testing::write_file;

class DatasetJson : public testing::DatasetFiles {};

TEST_F(DatasetJson, RefusesDescriptionsThatItCannotUse) {
  make_msd(1);
  const auto with = [&](const char* text, ErrorCode code) {
    write_file(path("set/dataset.json"), text);
    return refusal(code);
  };

  EXPECT_THAT(with("{", ErrorCode::kUnreadable), HasSubstr("byte"));
  EXPECT_THAT(with(R"({"labels": {"a": 1}})", ErrorCode::kUnreadable), HasSubstr("channel_names"));
  EXPECT_THAT(with(R"({"modality": {"1": "CT"}, "labels": {"a": 1}})", ErrorCode::kUnreadable),
              HasSubstr("\"0\""));
  EXPECT_THAT(
      with(R"({"modality": {"0": "CT"}, "labels": {"a": 1, "b": 1}})", ErrorCode::kUnreadable),
      HasSubstr("same value 1"));
  EXPECT_THAT(
      with(R"({"modality": {"0": "CT"}, "labels": {"whole": [1, 2]}})", ErrorCode::kUnsupported),
      HasSubstr("region"));
  EXPECT_THAT(
      with(R"({"modality": {"0": "CT"}, "labels": {"ignore": 3}})", ErrorCode::kUnsupported),
      HasSubstr("ignore"));
  EXPECT_THAT(with(R"({"modality": {"0": "CT"}, "labels": {"a": 1}, "file_ending": ".bmp"})",
                   ErrorCode::kUnsupported),
              HasSubstr(".bmp"));
}

// Found by fuzzing: the parser's exception for it is not the one for mistakes.
TEST_F(DatasetJson, RefusesANumberThatIsTooLargeForAnyType) {
  make_msd(1);
  write_file(path("set/dataset.json"), R"({"numTraining": 1e999})");

  EXPECT_THAT(refusal(ErrorCode::kUnreadable), HasSubstr("number that is too large"));
}

// Found by fuzzing: printing the value of such a label ran out of stack.
TEST_F(DatasetJson, RefusesADescriptionNestedAHundredThousandDeep) {
  make_msd(1);
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  write_file(path("set/dataset.json"),
             R"({"modality": {"0": "CT"}, "labels": {"a": {"b": )" + deep + "}}}");

  EXPECT_THAT(refusal(ErrorCode::kUnreadable), HasSubstr("nested more than 64 deep"));
}

}  // namespace
}  // namespace marrow
