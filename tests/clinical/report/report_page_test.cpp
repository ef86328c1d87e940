#include "clinical/report/report_page.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/support/report_support.h"

namespace marrow {
namespace {

using testing::HasSubstr;
using testing::Not;

Geometry page_grid() {
  return make_geometry({20, 30, 12}, {1, 1, 1.05}, {3, -5, 9}, Eigen::Matrix3d::Identity());
}

CasePictures example_case(const std::string& key, const std::string& rank, const Geometry& grid) {
  CasePictures pictures;
  pictures.key = key;
  pictures.rank = rank;
  pictures.score = {0.8123};
  pictures.image = make_grid<float>(grid);
  pictures.reference = make_grid<std::uint16_t>(grid);
  pictures.prediction = make_grid<std::uint16_t>(grid);
  for (std::int64_t k = 0; k < grid.size[2]; ++k) {
    for (std::int64_t j = 0; j < grid.size[1]; ++j) {
      for (std::int64_t i = 0; i < grid.size[0]; ++i) {
        pictures.image.at(i, j, k) = static_cast<float>((i * 7 + j * 13 + k * 29) % 101);
        const bool inside = std::abs(2 * i - grid.size[0]) < grid.size[0] / 2 &&
                            std::abs(2 * j - grid.size[1]) < grid.size[1] / 2 && k > 3 && k < 9;
        pictures.reference.at(i, j, k) = inside ? 1 : 0;
        pictures.prediction.at(i, j, k) = inside && i % 5 != 0 ? 1 : 0;
      }
    }
  }
  return pictures;
}

ReportInput full_input() {
  ReportInput input;
  input.title = "Segmentation of hippocampus, 4 labelled cases";
  input.date = "23 November 2025";
  input.kind = ReportKind::kDemo;
  input.cards = {
      {"Mean Dice, with pretraining", {0.8123, 0.781, 0.8391}, CardFormat::kScore, "", ""},
      {"Mean Dice, from scratch", {0.7652, 0.722, 0.804}, CardFormat::kScore, "", ""},
      {"Difference", {0.0471, 0.021, 0.0712}, CardFormat::kDifference, "", "paired"}};
  input.classes = {{0, "background"}, {1, "anterior"}};
  input.cases = {example_case("case_1", "best", page_grid()),
                 example_case("case_2", "worst", page_grid())};
  ReconstructionPictures triplet;
  triplet.key = "1";
  triplet.original = triplet.masked = triplet.restored = input.cases[0].image;
  input.reconstructions = {triplet};
  input.flows = {{"Images for pretraining", {{"files found", 1204, "", {{"unreadable", 3}}}}, {}}};
  ReportScores scores;
  scores.metrics = {{"Dice", "", "overlap", true}, {"HD95", "mm", "pooled", false}};
  scores.structures = {{"anterior", {{0.8123, 0.781, 0.8391}, {1.41, 1.2, 1.7}}, 2}};
  scores.cases = {{"case_1", {{0.9, 1.0}}, 0.9}, {"case_2", {{0.7, std::nan("")}}, 0.7}};
  scores.empty_policy = "absent in both: Dice 1";
  input.scores = scores;
  ReportComparison comparison;
  comparison.difference = {0.0471, -0.01, 0.09};
  comparison.pairs = {{"case_1", 0.9, 0.8}, {"case_2", 0.7, 0.75}};
  input.comparison = comparison;
  input.learning = {{"Pretraining", {{"loss", {10, 20, 30}, {1, 0.5, 0.25}}}, {}}};
  input.label_curves = {{"with pretraining", {2, 4}, {{0.7, 0.6, 0.8}, {0.8, 0.7, 0.85}}}};
  input.limits = {"One public data set."};
  input.unfamiliar = {"case_2: far from the training cases"};
  ReportProvenance provenance;
  provenance.program_version = "0.1.0";
  provenance.config = "train:\n  steps: 10\n";
  provenance.command = "marrow finetune segment --cases 4";
  provenance.seconds = 222.4;
  input.provenance = {provenance};
  return input;
}

// No level is skipped on the way down.
void expect_headings_in_order(const std::string& page) {
  int level = 0;
  for (std::size_t at = page.find("<h"); at != std::string::npos; at = page.find("<h", at + 1)) {
    if (page[at + 2] >= '1' && page[at + 2] <= '6') {
      EXPECT_LE(page[at + 2] - '0', level + 1) << page.substr(at, 60);
      level = page[at + 2] - '0';
    }
  }
}

TEST(ReportPage, ClosesEveryElement) {
  EXPECT_EQ(nesting_fault(report_page(full_input())), "");
}

TEST(ReportPage, LoadsNothingFromElsewhere) {
  const std::string page = report_page(full_input());

  EXPECT_THAT(page, Not(HasSubstr("http://")));
  EXPECT_THAT(page, Not(HasSubstr("https://")));
  EXPECT_THAT(page, Not(HasSubstr("<link")));
  EXPECT_THAT(page, Not(HasSubstr("@import")));
  EXPECT_THAT(page, Not(HasSubstr("url(")));
  EXPECT_EQ(occurrences(page, "src=\""), occurrences(page, "src=\"data:image/png;base64,"));
  EXPECT_THAT(page, HasSubstr("default-src &#39;none&#39;"));
}

TEST(ReportPage, SaysResearchUseOnlyAtTheTopAndAtTheBottom) {
  const std::string page = report_page(full_input());
  const std::size_t first = page.find("Research use only");

  EXPECT_LT(first, page.find("<h1>"));
  EXPECT_GT(page.rfind("Research use only"), page.find("id=\"provenance\""));
}

TEST(ReportPage, ShowsTheThreeNumbersWithTheirIntervals) {
  const std::string page = report_page(full_input());

  EXPECT_THAT(page, HasSubstr(">0.812</p>"));
  EXPECT_THAT(page, HasSubstr("95 % interval 0.781 to 0.839"));
  EXPECT_THAT(page, HasSubstr(">+0.047</p>"));
  EXPECT_THAT(page, HasSubstr("95 % interval +0.021 to +0.071"));
}

TEST(ReportPage, SaysWhenTheDifferenceIsNotShown) {
  EXPECT_THAT(report_page(full_input()), HasSubstr("The interval includes 0"));
}

TEST(ReportPage, OrdersSectionsAndHeadings) {
  const std::string page = report_page(full_input());
  std::size_t last = 0;
  for (const char* id : {"pictures", "data", "scores", "learning", "limits", "provenance"}) {
    const std::size_t at = page.find(std::string("<section id=\"") + id + "\"");
    ASSERT_NE(at, std::string::npos) << id;
    EXPECT_GT(at, last) << id;
    last = at;
  }

  EXPECT_EQ(occurrences(page, "<h1"), 1U);
  expect_headings_in_order(page);
}

TEST(ReportPage, KeepsHeadingsInOrderWithoutAComparison) {
  ReportInput input = full_input();
  input.comparison.reset();
  input.cases.clear();

  expect_headings_in_order(report_page(input));
}

TEST(ReportPage, EscapesHostileNamesEverywhere) {
  const std::string hostile = "\"><script>alert('x')</script>&\x01";
  ReportInput input = full_input();
  input.title = input.date = input.cases[0].key = input.cases[0].rank = hostile;
  input.classes[1].name = input.cards[0].label = input.cards[0].note = hostile;
  input.reconstructions[0].key = hostile;
  input.flows[0] = {hostile, {{hostile, 3, hostile, {{hostile, 1}}}}, {{hostile, {}}}};
  input.scores->structures[0].structure = input.scores->cases[0].key = hostile;
  input.scores->metrics[0].name = input.scores->metrics[0].definition = hostile;
  input.comparison->pairs[0].key = input.comparison->first = input.comparison->method = hostile;
  input.learning[0].title = input.learning[0].curves[0].name = hostile;
  input.label_curves[0].name = input.limits[0] = input.unfamiliar[0] = hostile;
  input.provenance[0].config = input.provenance[0].command = hostile;
  input.provenance[0].libraries = {{hostile, hostile}};

  const std::string page = report_page(input);

  EXPECT_EQ(occurrences(page, "<script"), 1U);  // our own
  EXPECT_THAT(page, Not(HasSubstr("alert('x')")));
  EXPECT_EQ(page.find('\x01'), std::string::npos);
  EXPECT_EQ(nesting_fault(page), "");
}

TEST(ReportPage, DescribesEveryPictureInWords) {
  const std::string page = report_page(full_input());

  EXPECT_THAT(page,
              HasSubstr("alt=\"Where prediction and reference differ, case case_1, axial slice"));
  EXPECT_EQ(occurrences(page, "<img "), occurrences(page, " alt=\""));
  EXPECT_EQ(occurrences(page, "<svg "), occurrences(page, "role=\"img\" aria-label=\"Chart: "));
}

TEST(ReportPage, ShowsOneSliceOfEachCaseWithoutAScript) {
  const std::string page = report_page(full_input());

  // Structures lie in slices 5 to 9 (counted from 1), with one more on each side: 7 frames a case,
  // 6 of them hidden.
  EXPECT_EQ(occurrences(page, "<div class=\"panels\""), 14U);
  EXPECT_EQ(occurrences(page, "data-name=\"axial slice"), 14U);
  EXPECT_EQ(occurrences(page, " of 12\" hidden=\"hidden\">"), 12U);
  EXPECT_EQ(occurrences(page, "type=\"range\""), 2U);
  EXPECT_THAT(page, HasSubstr("<div class=\"slider\" hidden=\"hidden\">"));
}

TEST(ReportPage, ShowsNoSidesOrScaleWhereTheImageHasNoPatientCoordinates) {
  ReportInput input = full_input();
  input.cases.resize(1);
  input.cases[0].patient_geometry = false;

  const std::string page = report_page(input);

  EXPECT_THAT(page, HasSubstr("no patient coordinates"));
  EXPECT_THAT(page, Not(HasSubstr("case_1, axial")));
}

TEST(ReportPage, StaysBelowItsLimitWithLargeImages) {
  const Geometry large =
      make_geometry({256, 256, 60}, {0.9, 0.9, 1}, {0, 0, 0}, Eigen::Matrix3d::Identity());
  ReportInput input = full_input();
  input.cases.clear();
  for (const char* key : {"a", "b", "c"}) {
    CasePictures pictures = example_case(key, "best", large);
    // Noise does not compress.
    std::uint32_t state = 1;
    for (float& voxel : pictures.image.voxels) {
      state = state * 1664525U + 1013904223U;
      voxel = static_cast<float>(state >> 16);
    }
    for (std::int64_t k = 0; k < 60; ++k) {
      pictures.reference.at(128, 128, k) = 1;
    }
    input.cases.push_back(std::move(pictures));
  }

  const std::string page = report_page(input);

  EXPECT_LT(page.size(), kReportByteLimit);
  EXPECT_GT(occurrences(page, "<div class=\"panels\""), 3U);
}

TEST(ReportPage, SaysWhichCountsWereNotRecorded) {
  ReportInput input = full_input();
  input.flow_gaps = {"The evaluation did not record how many cases it refused."};

  const std::string page = report_page(input);

  EXPECT_THAT(page, HasSubstr("<h3>Images for pretraining</h3>"));
  EXPECT_THAT(page, HasSubstr("did not record how many cases it refused."));
}

TEST(ReportPage, ShowsWhatTheNetworkDidNotSeeHatchedAndExplainsIt) {
  ReportInput input = full_input();
  EXPECT_THAT(report_page(input), HasSubstr("hidden blocks are dark"));
  input.reconstructions[0].hidden_known = true;

  const std::string page = report_page(input);

  EXPECT_THAT(page, HasSubstr("hidden blocks are hatched"));
  EXPECT_THAT(page, HasSubstr("hidden: the network saw nothing of this block"));
}

TEST(ReportPage, LeavesOutWhatItHasNothingFor) {
  ReportInput input;
  input.title = "Pretraining";
  input.kind = ReportKind::kPretraining;

  const std::string page = report_page(input);

  EXPECT_THAT(page, Not(HasSubstr("id=\"scores\"")));
  EXPECT_THAT(page, Not(HasSubstr("id=\"pictures\"")));
  EXPECT_THAT(page, Not(HasSubstr("id=\"data\"")));
  EXPECT_THAT(page, HasSubstr("id=\"limits\""));
  EXPECT_EQ(nesting_fault(page), "");
}

TEST(ReportPage, RefusesPicturesOfOneCaseOnDifferentGrids) {
  ReportInput input = full_input();
  input.cases[1].prediction.geometry.origin.x() += 5;

  try {
    (void)report_page(input);
    FAIL() << "expected an Error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(error.what(), HasSubstr("case_2"));
  }
}

TEST(ReportPage, IsTheSameEveryTime) {
  EXPECT_EQ(report_page(full_input()), report_page(full_input()));
}

}  // namespace
}  // namespace marrow
