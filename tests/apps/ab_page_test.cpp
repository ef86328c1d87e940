#include "apps/ab_page.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "apps/cli.h"

namespace marrow {
namespace {

using testing::HasSubstr;
using testing::Not;

nlohmann::json small_result() {
  return nlohmann::json::parse(R"json({
    "unit": "slices", "batch_size": 16, "seeds": 2,
    "arms": [{"arm": "all", "samples": 100, "decision": "aa"},
             {"arm": "reduced", "samples": 40, "decision": "bb"}],
    "pretrained": [{"arm": "all", "budget": "both", "steps": 50, "seed": 17, "loss": null,
                    "seconds": 4.5, "resumed_from": 20, "run": "Doe^Jane"}],
    "probes": [{"data": "organs", "test_cases": 8, "patients": ["Doe^Jane"], "rows": [
      {"arm": "reduced", "budget": "steps", "labels": "5 per class", "probe": "linear", "draws": 4,
       "macro_auroc": 0.8, "macro_auroc_ci95": [0.7, 0.9],
       "macro_auroc_to_all": -0.1, "macro_auroc_to_all_ci95": [-0.2, -0.05],
       "accuracy": null, "accuracy_ci95": null}]}]})json");
}

TEST(AbPageOfResult, ReadsNumbersAndLeavesWhatIsNullUnknown) {
  const AbInput input = ab_input(small_result());

  const AbRow& row = input.probes.at(0).rows.at(0);
  EXPECT_EQ(row.scores.at(0).metric, "accuracy");
  EXPECT_FALSE(row.scores[0].value.known());
  EXPECT_FALSE(row.scores[0].value.has_interval());
  EXPECT_EQ(row.scores.at(2).metric, "macro_auroc");
  EXPECT_EQ(row.scores[2].value.high, 0.9);
  EXPECT_EQ(row.scores[2].to_all.low, -0.2);
  EXPECT_TRUE(std::isnan(input.pretrained.at(0).loss));
  EXPECT_TRUE(input.pretrained[0].resumed);
}

TEST(AbPageOfResult, SaysHowToRepeatItAndHowItWasProbed) {
  CommandContext context;
  context.command_line = "marrow reduce --ab small.yaml --probe organs";

  const std::string page = ab_page_of(context, small_result(), {2, "train:\n  steps: 50\n"});

  EXPECT_THAT(page, HasSubstr("<pre>marrow reduce --ab small.yaml --probe organs</pre>"));
  EXPECT_THAT(page, HasSubstr("steps: 50"));
  EXPECT_THAT(page, HasSubstr("resamples: 2000"));
  EXPECT_THAT(page, HasSubstr("17 to 18"));
}

TEST(AbPageOfResult, TakesNothingFromTheResultThatItDoesNotName) {
  EXPECT_THAT(ab_page_of(CommandContext{}, small_result(), {}), Not(HasSubstr("Doe")));
}

}  // namespace
}  // namespace marrow
