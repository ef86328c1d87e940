#include "clinical/report/metric_curves.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"

namespace marrow {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::HasSubstr;

class MetricCurves : public testing::Test {
 protected:
  std::filesystem::path written(std::string_view text) {
    const std::filesystem::path file = folder_.path() / "metrics.jsonl";
    write_atomically(file, text);
    return file;
  }

  TemporaryFolder folder_;
};

TEST_F(MetricCurves, ReadsEveryNumericColumnOverSteps) {
  const auto curves =
      read_metrics(written("{\"step\":10,\"loss\":1.5,\"lr\":0.1,\"note\":\"x\"}\n"
                           "{\"step\":20,\"loss\":null,\"lr\":0.2}\n"
                           "\n"
                           "{\"step\":30,\"loss\":0.5,\"lr\":0.3}\n"));

  ASSERT_EQ(curves.size(), 2U);
  const MetricCurve* loss = find_curve(curves, "loss");
  ASSERT_NE(loss, nullptr);
  EXPECT_THAT(loss->step, ElementsAre(10, 30));
  EXPECT_THAT(loss->value, ElementsAre(1.5, 0.5));
  EXPECT_EQ(find_curve(curves, "note"), nullptr);
}

TEST_F(MetricCurves, JoinsRowsOfOneStepAndLetsTheLaterValueCount) {
  const auto curves =
      read_metrics(written("{\"step\":10,\"loss\":1}\n{\"step\":10,\"validation\":0.5}\n"
                           "{\"step\":20,\"loss\":2}\n{\"step\":10,\"loss\":3}\n"));

  EXPECT_THAT(find_curve(curves, "loss")->value, ElementsAre(3, 2));
  EXPECT_THAT(find_curve(curves, "validation")->value, ElementsAre(0.5));
}

TEST_F(MetricCurves, LeavesOutALineThatWasTornByAStop) {
  const auto curves = read_metrics(written("{\"step\":10,\"loss\":1}\n{\"step\":20,\"lo"));

  EXPECT_THAT(find_curve(curves, "loss")->step, ElementsAre(10));
}

TEST_F(MetricCurves, NamesTheLineThatIsNoRow) {
  const auto file = written("{\"step\":10,\"loss\":1}\nnot a row\n{\"step\":20,\"loss\":1}\n");

  try {
    (void)read_metrics(file);
    FAIL() << "expected an Error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnreadable);
    EXPECT_THAT(error.what(), HasSubstr("line 2"));
    EXPECT_THAT(error.what(), HasSubstr("metrics.jsonl"));
  }
}

TEST_F(MetricCurves, AcceptsAnEmptyFile) {
  EXPECT_TRUE(read_metrics(written("")).empty());
}

TEST_F(MetricCurves, ThinsByMeansAndKeepsShortCurves) {
  const MetricCurve curve{"loss", {1, 2, 3, 4, 5, 6}, {6, 4, 3, 3, 1, 3}};

  const MetricCurve few = thinned(curve, 3);

  EXPECT_THAT(few.step, ElementsAre(1.5, 3.5, 5.5));
  EXPECT_THAT(few.value, ElementsAre(5, 3, DoubleNear(2, 1e-12)));
  EXPECT_EQ(thinned(curve, 6).value, curve.value);
}

}  // namespace
}  // namespace marrow
