#include "clinical/report/reduction_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "clinical/report/reduction_sections.h"
#include "clinical/report/report_page.h"
#include "core/error.h"
#include "tests/support/report_support.h"

namespace marrow {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kFirstKey = "00112233445566ff";
constexpr const char* kSecondKey = "ffeeddccbbaa9988";

ReductionPicture grey_slice(const char* key, std::int64_t slice, std::uint8_t added) {
  ReductionPicture picture;
  picture.columns = 20;
  picture.rows = 12;
  picture.column_mm = 0.7;
  picture.row_mm = 1.1;
  picture.series = key;
  picture.slice = slice;
  for (int i = 0; i < 240; ++i) {
    picture.pixels.push_back(static_cast<std::uint8_t>(i / 2 + added));
  }
  return picture;
}

ReductionPair example_pair(PairGroup group) {
  return {group,
          grey_slice(kFirstKey, 42, 5),
          grey_slice(kFirstKey, 41, 0),
          "near copies",
          "SSIM 0.987",
          true};
}

ReductionInput full_reduction() {
  ReductionInput input;
  input.title = "Near copies left out";
  input.date = "25 November 2026, 23:14 UTC";
  input.subject = "Archive of 10 series, 400 slices";
  input.settings = {{"Scope", "within each series"}};
  input.totals.series = {10, 8};
  input.totals.slices = {400, 150};
  input.totals.store_bytes = {2'500'000'000, 1'000'000'000};
  input.totals.store_note = "Estimated from the slices.";
  input.totals.steps = {100, 38};
  input.totals.batch_size = 4;
  input.filters = {{"exact copies", "The same pixels.", 2, 90, "", 1.5},
                   {"near copies", "Alike to the last kept slice.", 0, 160, "SSIM 0.95", 20}};
  ReductionCurve curve;
  curve.filter = "near copies";
  curve.measure = "structural similarity";
  curve.points = {{0.90, 100}, {0.95, 150}, {0.99, 260}};
  curve.chosen = {0.95, 150};
  input.curves = {curve};
  input.measures = {{"perceptual hash", 9, 148, 0.874}};
  input.gallery = {example_pair(PairGroup::kLeastAlike), example_pair(PairGroup::kTypical)};
  input.dropped = {{kSecondKey, kFirstKey, "exact copies", "equal", "the same pixels", true}};
  input.flags = {{kSecondKey, "scout", "three orientations", false}};
  input.concepts = {{"head CT", {6, 5}}};
  input.notes = {"Series of different patients were not compared."};
  input.provenance.program_version = "0.1.0";
  input.provenance.command = "marrow reduce --config near.yaml";
  input.provenance.config = "reduce:\n  threshold: 0.95\n";
  return input;
}

std::string refusal(const ReductionInput& input) {
  try {
    (void)reduction_page(input);
  } catch (const Error& error) {
    return error.code() == ErrorCode::kInvalidArgument ? error.what() : "another code";
  }
  return "no error";
}

TEST(ReductionPage, ClosesEveryElementAndLoadsNothingFromElsewhere) {
  const std::string page = reduction_page(full_reduction());

  EXPECT_EQ(nesting_fault(page), "");
  EXPECT_THAT(page, Not(HasSubstr("http://")));
  EXPECT_THAT(page, Not(HasSubstr("https://")));
  EXPECT_THAT(page, Not(HasSubstr("url(")));
  EXPECT_EQ(occurrences(page, "src=\""), occurrences(page, "src=\"data:image/png;base64,"));
}

TEST(ReductionPage, SaysResearchUseOnlyAtTheTopAndAtTheBottom) {
  const std::string page = reduction_page(full_reduction());

  EXPECT_LT(page.find("Research use only"), page.find("<h1>"));
  EXPECT_GT(page.rfind("Research use only"), page.find("id=\"provenance\""));
}

TEST(ReductionPage, ShowsWhatWasKeptAndSavedInFourCards) {
  const std::string page = reduction_page(full_reduction());

  EXPECT_EQ(occurrences(page, "class=\"card\""), 4U);
  EXPECT_THAT(page, HasSubstr("150 <small>of 400</small>"));
  EXPECT_THAT(page, HasSubstr("37.5 % kept, 250 dropped"));
  EXPECT_THAT(page, HasSubstr("8 <small>of 10</small>"));
  EXPECT_THAT(page, HasSubstr("62 <small>of 100</small>"));
  EXPECT_THAT(page, HasSubstr("62.0 % fewer, batches of 4 slices"));
}

TEST(ReductionPage, ShowsSavedBytesWhereStepsAreNotKnown) {
  ReductionInput input = full_reduction();
  input.totals.steps = {};

  EXPECT_THAT(reduction_page(input), HasSubstr("1.50 <small>GB of 2.50 GB</small>"));
}

TEST(ReductionPage, OrdersItsSectionsWithPicturesFirst) {
  const std::string page = reduction_page(full_reduction());
  std::size_t last = 0;
  for (const char* id :
       {"pictures", "data", "threshold", "dropped", "flags", "balance", "limits", "provenance"}) {
    const std::size_t at = page.find(std::string("<section id=\"") + id + "\"");
    ASSERT_NE(at, std::string::npos) << id;
    EXPECT_GT(at, last) << id;
    last = at;
  }
  EXPECT_LT(page.find("Least alike of those dropped"), page.find("<h3>Typical</h3>"));
}

TEST(ReductionPage, KeepsHeadingsInOrder) {
  const std::string page = reduction_page(full_reduction());
  int level = 0;
  for (std::size_t at = page.find("<h"); at != std::string::npos; at = page.find("<h", at + 1)) {
    if (page[at + 2] >= '1' && page[at + 2] <= '6') {
      EXPECT_LE(page[at + 2] - '0', level + 1) << page.substr(at, 60);
      level = page[at + 2] - '0';
    }
  }
  EXPECT_EQ(occurrences(page, "<h1"), 1U);
}

TEST(ReductionPage, DescribesEveryPictureInWords) {
  const std::string page = reduction_page(full_reduction());

  EXPECT_EQ(occurrences(page, "<img "), 6U);
  EXPECT_EQ(occurrences(page, "<img "), occurrences(page, " alt=\""));
  EXPECT_THAT(page, HasSubstr("alt=\"Dropped: slice 42 of series 00112233445566ff, SSIM 0.987\""));
  EXPECT_EQ(occurrences(page, "<svg "), occurrences(page, "role=\"img\" aria-label=\"Chart: "));
}

TEST(ReductionPage, StatesTheLargestDifferenceAndHowDifferencesAreDrawn) {
  const std::string page = reduction_page(full_reduction());

  EXPECT_THAT(page, HasSubstr("Difference, at most 5 grey levels"));
  EXPECT_THAT(page, HasSubstr("drawn 4 times as bright"));
}

TEST(ReductionPage, ShowsNoDifferenceOfSlicesOfTwoSizes) {
  ReductionInput input = full_reduction();
  input.gallery.resize(1);
  input.gallery[0].kept.rows = 10;
  input.gallery[0].kept.pixels.resize(200);

  const std::string page = reduction_page(input);

  EXPECT_EQ(occurrences(page, "<img "), 2U);
  EXPECT_THAT(page, HasSubstr("different sizes (20 × 12 and 20 × 10 pixels)"));
}

TEST(ReductionPage, DrawsSidesOfThePatientOnlyWhenTheyAreGiven) {
  ReductionInput lettered = full_reduction();
  lettered.gallery[0].dropped.left = "R";

  EXPECT_NE(reduction_page(lettered), reduction_page(full_reduction()));
}

TEST(ReductionPage, NamesTheOtherVolumeThatASliceRepeats) {
  ReductionInput input = full_reduction();
  input.gallery[0].same_volume = false;
  input.gallery[0].kept.series = kSecondKey;

  EXPECT_THAT(reduction_page(input), HasSubstr("<code>ffeeddccbbaa9988</code>, another volume."));
}

TEST(ReductionPage, CountsFromFoundToKept) {
  const std::string page = reduction_page(full_reduction());

  EXPECT_THAT(page, HasSubstr("<strong>400</strong><span>slices found <small>in 10 series"));
  EXPECT_THAT(page, HasSubstr("−90</b><span>exact copies, 2 whole series among them"));
  EXPECT_THAT(page, HasSubstr("<strong>310</strong><span>left after exact copies"));
  EXPECT_THAT(page, HasSubstr("−160</b><span>near copies (SSIM 0.95)"));
  EXPECT_THAT(page, HasSubstr("<strong>150</strong><span>slices kept <small>in 8 series"));
}

TEST(ReductionPage, SaysTheChosenThresholdInWordsWithItsNeighbours) {
  EXPECT_THAT(reduction_page(full_reduction()),
              HasSubstr("Chosen threshold: 0.950, which keeps 150 slices. For comparison: at 0.900 "
                        "it would have kept 100, at 0.990 it would have kept 260."));
}

TEST(ReductionPage, PointsAtDroppedSeriesWithLabels) {
  const std::string page = reduction_page(full_reduction());

  EXPECT_THAT(page, HasSubstr("1 series was dropped as a whole. 1 of them carries labels"));
  EXPECT_THAT(page, HasSubstr("<strong>yes</strong>"));
}

TEST(ReductionPage, ListsTwoHundredDroppedSeriesAndSaysHowToSeeTheOthers) {
  ReductionInput input = full_reduction();
  input.dropped.resize(250, input.dropped[0]);
  input.dropped_total = 300;
  input.list_command = "marrow list --where \"kept='no'\"";

  const std::string page = reduction_page(input);

  EXPECT_EQ(occurrences(page, "the same pixels"), 200U);
  EXPECT_THAT(page, HasSubstr("And 100 more: <code>marrow list --where &quot;"));
}

TEST(ReductionPage, TurnsTablesWithKeysIntoBlocksOnNarrowScreens) {
  const std::string page = reduction_page(full_reduction());
  const std::string flags = page.substr(page.find("<section id=\"flags\""));

  EXPECT_EQ(flags.substr(flags.find("<table "), 20), "<table class=\"wide\">");
}

TEST(ReductionPage, SaysHowToRepeatItAndHowToTakeItBack) {
  const std::string page = reduction_page(full_reduction());

  EXPECT_THAT(page, HasSubstr("<pre>marrow reduce --config near.yaml</pre>"));
  EXPECT_THAT(page, HasSubstr("<pre>marrow reduce --undo</pre>"));
}

TEST(ReductionPage, EscapesHostileWordsEverywhere) {
  const std::string hostile = "\"><script>alert('x')</script>&\x01";
  ReductionInput input = full_reduction();
  input.title = input.date = input.subject = input.totals.store_note = hostile;
  input.settings = {{hostile, hostile}};
  input.filters[0].name = input.filters[0].meaning = input.filters[0].threshold = hostile;
  input.curves[0].filter = input.curves[0].measure = input.curves[0].unit = hostile;
  input.measures[0].name = hostile;
  input.gallery[0].filter = input.gallery[0].measure = hostile;
  input.dropped[0].filter = input.dropped[0].measure = input.dropped[0].reason = hostile;
  input.dropped_total = 5;
  input.list_command = input.undo_command = input.counted = hostile;
  input.flags[0].flag = input.flags[0].reason = hostile;
  input.concepts[0].name = input.notes[0] = hostile;
  input.provenance.command = input.provenance.config = hostile;

  const std::string page = reduction_page(input);

  EXPECT_EQ(occurrences(page, "<script"), 1U);  // our own
  EXPECT_EQ(page.find('\x01'), std::string::npos);
  EXPECT_EQ(nesting_fault(page), "");
}

TEST(ReductionPage, RefusesAKeyThatIsNoDigestWithoutRepeatingIt) {
  ReductionInput input = full_reduction();
  input.flags[0].key = "Doe^Jane";

  const std::string words = refusal(input);

  EXPECT_THAT(words, HasSubstr("another of 8 characters"));
  EXPECT_THAT(words, Not(HasSubstr("Doe")));
}

TEST(ReductionPage, RefusesCountsThatContradictEachOther) {
  ReductionInput input = full_reduction();
  input.filters[1].dropped_slices = 161;

  EXPECT_THAT(refusal(input), HasSubstr("have dropped 250 slices, as the totals say, found 251"));
}

TEST(ReductionPage, RefusesAPictureWithTooFewPixels) {
  ReductionInput input = full_reduction();
  input.gallery[0].dropped.pixels.pop_back();

  EXPECT_THAT(refusal(input), HasSubstr("20 x 12 pixels"));
}

TEST(ReductionPage, ShowsFewerPairsSoThatItStaysSmall) {
  ReductionInput input = full_reduction();
  std::uint32_t state = 1;
  for (ReductionPicture* picture : {&input.gallery[0].dropped, &input.gallery[0].kept}) {
    picture->columns = picture->rows = 256;
    picture->pixels.resize(std::size_t{256} * 256);
    for (std::uint8_t& pixel : picture->pixels) {  // noise does not compress
      state = state * 1664525U + 1013904223U;
      pixel = static_cast<std::uint8_t>(state >> 24);
    }
  }
  input.gallery.resize(4, input.gallery[0]);

  const std::string gallery = reduction_gallery(input, 400000).code;

  EXPECT_LT(gallery.size(), 900000U);
  EXPECT_THAT(gallery, HasSubstr("of 4 pairs, so that the page stays small"));
  EXPECT_THAT(gallery, HasSubstr("<h3>Typical</h3>"));
}

TEST(ReductionPage, ShowsTwentyFourPairsAtMost) {
  ReductionInput input = full_reduction();
  input.gallery.resize(40, example_pair(PairGroup::kTypical));

  const std::string page = reduction_page(input);

  EXPECT_EQ(occurrences(page, "class=\"pair\""), 24U);
  EXPECT_LT(page.size(), kReportByteLimit);
}

TEST(ReductionPage, LeavesOutWhatItHasNothingFor) {
  ReductionInput input;
  input.title = "Nothing dropped";
  input.totals.slices = {40, 40};

  const std::string page = reduction_page(input);

  EXPECT_THAT(page, Not(HasSubstr("id=\"pictures\"")));
  EXPECT_THAT(page, Not(HasSubstr("id=\"threshold\"")));
  EXPECT_THAT(page, Not(HasSubstr("id=\"dropped\"")));
  EXPECT_THAT(page, HasSubstr("100 % kept, 0 dropped"));
  EXPECT_THAT(page, HasSubstr("id=\"limits\""));
  EXPECT_EQ(nesting_fault(page), "");
}

TEST(ReductionPage, NeverRoundsAShareToAllOrNothing) {
  EXPECT_EQ(share_text(99999, 100000), "over 99.9 %");
  EXPECT_EQ(share_text(1, 100000), "under 0.1 %");
  EXPECT_EQ(share_text(0, 7), "0 %");
  EXPECT_EQ(share_text(3, 0), "–");
}

TEST(ReductionPage, IsTheSameEveryTime) {
  EXPECT_EQ(reduction_page(full_reduction()), reduction_page(full_reduction()));
}

}  // namespace
}  // namespace marrow
