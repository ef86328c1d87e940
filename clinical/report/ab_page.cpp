#include "clinical/report/ab_page.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "clinical/report/ab_sections.h"
#include "clinical/report/ab_verdict.h"
#include "clinical/report/page_frame.h"
#include "clinical/report/reduction_sections.h"
#include "clinical/report/report_page.h"
#include "core/error.h"

namespace marrow {

namespace {

// Names of other arms could be anything, and an arm needs words on this page that explain it.
void require_known_arm(const std::string& arm) {
  if (arm != "initial" && arm != "all" && arm != "reduced" && arm != "every_n") {
    throw Error(ErrorCode::kInvalidArgument,
                "comparison page: expected the arms initial, all, reduced and every_n, found "
                "another of " +
                    std::to_string(arm.size()) + " characters");
  }
}

std::int64_t samples_of(const AbInput& input, const std::string& name) {
  for (const AbArm& arm : input.arms) {
    if (arm.name == name) {
      return arm.samples;
    }
  }
  return 0;
}

// "2.2 times as fast", or how much longer.
std::string speed_text(double all, double reduced) {
  return all >= reduced ? fmt::format("{:.1f} times as fast", all / reduced)
                        : fmt::format("{:.1f} times as long", reduced / all);
}

// "18 s" on one line, however narrow the card.
std::string without_breaks(const std::string& words) {
  std::string text;
  for (const char c : words) {
    text += c == ' ' ? std::string("\u00a0") : std::string(1, c);
  }
  return text;
}

std::vector<ReportCard> ab_cards(const AbInput& input) {
  std::vector<ReportCard> cards;
  const std::int64_t all = samples_of(input, "all"), reduced = samples_of(input, "reduced");
  if (all > 0 && reduced > 0) {
    cards.push_back({input.unit == "volumes" ? "Volumes kept" : "Slices kept",
                     {static_cast<double>(reduced)},
                     CardFormat::kCount,
                     "of\u00a0" + count_text(all),
                     share_text(reduced, all) + " kept"});
  }
  const double whole = ab_mean_seconds(input, {"all", "both"});
  const double shorter = ab_mean_seconds(input, {"reduced", "epochs"});
  if (whole > 0 && shorter > 0) {
    cards.push_back({"Pretraining at equal epochs",
                     {shorter},
                     CardFormat::kSeconds,
                     "of\u00a0" + without_breaks(seconds_text(whole)),
                     speed_text(whole, shorter) + " as with all"});
  }
  cards.push_back({"Seeds",
                   {static_cast<double>(input.seeds)},
                   CardFormat::kCount,
                   input.planned_seeds > input.seeds
                       ? "of " + count_text(input.planned_seeds) + ", not finished"
                       : "",
                   counted_text(std::ssize(input.pretrained), "pretraining", "pretrainings")});
  std::int64_t cases = 0;
  std::string sets;
  constexpr std::size_t kNamedSets = 4;
  for (const AbData& data : input.probes) {
    cases += data.test_cases;
    sets += (sets.empty() ? "" : ", ") + data.name + " " + count_text(data.test_cases);
  }
  if (input.probes.size() > kNamedSets) {
    sets = "in " + counted_text(std::ssize(input.probes), "data set", "data sets");
  }
  if (cases > 0) {
    cards.push_back({"Test cases", {static_cast<double>(cases)}, CardFormat::kCount, "", sets});
  }
  return cards;
}

std::string ab_subject(const AbInput& input) {
  const std::string probe = leading_probe(input);
  return fmt::format(
      "Frozen encoders, pretrained with and without what a reduction leaves out, compared by {} on "
      "{}. {} intervals, not corrected for their number.",
      probe.empty()       ? "no probe"
      : probe == "linear" ? "a linear probe"
                          : ab_probe_words(probe),
      counted_text(std::ssize(input.probes), "labelled data set", "labelled data sets"),
      ab_level_text(input));
}

}  // namespace

std::string ab_page(const AbInput& input) {
  for (const AbArm& arm : input.arms) {
    require_known_arm(arm.name);
  }
  for (const AbPretraining& one : input.pretrained) {
    require_known_arm(one.arm);
  }
  for (const AbData& data : input.probes) {
    for (const AbRow& row : data.rows) {
      require_known_arm(row.arm);
    }
  }
  HtmlDocument document;
  document.title = ab_title(input);
  document.header = page_top({"Comparison of pretrainings",
                              input.date,
                              document.title,
                              ab_subject(input),
                              ab_cards(input)});
  document.sections = {{"result", "What came out", ab_verdicts(input)},
                       {"scores", "Scores by number of labels", ab_charts(input)},
                       {"differences", "Paired differences", ab_differences(input)},
                       {"pretrainings", "Pretrainings", ab_pretrainings(input)},
                       {"method", "How it was done", ab_method(input)},
                       {"limits", "What this cannot tell", ab_limits(input)},
                       {"provenance", "Provenance", provenance_block(input.provenance)}};
  document.footer = page_foot();
  std::string page = html_document(document);
  if (page.size() > kReportByteLimit) {
    throw Error(ErrorCode::kResources,
                "comparison page: expected a page below " + std::to_string(kReportByteLimit) +
                    " bytes, found " + std::to_string(page.size()) + "; probe fewer data sets");
  }
  return page;
}

}  // namespace marrow
