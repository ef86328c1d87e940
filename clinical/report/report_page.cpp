#include "clinical/report/report_page.h"

#include <array>

#include "clinical/report/html.h"
#include "clinical/report/report_sections.h"
#include "core/error.h"

namespace marrow {

namespace {

constexpr std::size_t kCasePictureBytes = std::size_t{11} << 20;
constexpr const char* kResearchOnly = "Research use only";

std::string kind_words(ReportKind kind) {
  switch (kind) {
    case ReportKind::kPretraining:
      return "Report of a pretraining run";
    case ReportKind::kSegmentation:
      return "Report of a segmentation run";
    case ReportKind::kDemo:
      break;
  }
  return "Report: from pretraining to segmentation";
}

std::string card_number(const ReportCard& card) {
  const std::array<double, 1> values{card.value.value};
  switch (card.format) {
    case CardFormat::kDifference:
      return signed_text(card.value.value, column_decimals(values));
    case CardFormat::kCount:
      return card.value.known() ? count_text(static_cast<std::int64_t>(card.value.value))
                                : number_text(card.value.value);
    case CardFormat::kSeconds:
      return seconds_text(card.value.value);
    case CardFormat::kScore:
      break;
  }
  return number_text(card.value.value);
}

std::string card_interval(const ReportCard& card) {
  if (!card.value.has_interval()) {
    return {};
  }
  const std::array<double, 1> values{card.value.value};
  const int decimals = column_decimals(values);
  return "95 % interval " + (card.format == CardFormat::kDifference
                                 ? signed_interval_text(card.value, decimals)
                                 : interval_text(card.value, decimals));
}

Html report_header(const ReportInput& input) {
  const Html badge = html_element("strong", {{"class", "research"}}, html_text(kResearchOnly));
  Html line = badge + html_element("span", html_text(kind_words(input.kind)));
  if (!input.date.empty()) {
    line += html_element("span", html_text(input.date));
  }
  return html_element("p", {{"class", "kind"}}, line) + html_code("\n") +
         html_element("h1", html_text(input.title)) + html_code("\n") + report_cards(input);
}

Html report_footer() {
  return html_element("p",
                      html_element("strong", {{"class", "research"}}, html_text(kResearchOnly))) +
         html_paragraph(
             "Not a medical device. Nothing on this page may be used to diagnose or to treat. "
             "The page holds no patient attribute, is complete in this one file and loads nothing "
             "from elsewhere.");
}

Html data_section(const ReportInput& input) {
  Html content;
  for (const DataFlow& flow : input.flows) {
    if (!flow.title.empty()) {
      content += html_element("h3", html_text(flow.title)) + html_code("\n");
    }
    content += flow_diagram(flow);
  }
  for (const std::string& gap : input.flow_gaps) {
    content += html_paragraph(gap);
  }
  return content.empty() ? content
                         : html_paragraph(
                               "From what was found to what was used. With each stage: how many "
                               "did not reach the next one, and why.") +
                               html_code("\n") + content;
}

}  // namespace

Html report_cards(const ReportInput& input) {
  Html cards;
  for (const ReportCard& card : input.cards) {
    Html value = html_text(card_number(card));
    if (!card.unit.empty()) {
      value += html_text(" ") + html_element("small", html_text(card.unit));
    }
    Html content = html_element("p", {{"class", "label"}}, html_text(card.label)) +
                   html_element("p", {{"class", "value"}}, value);
    if (card.value.has_interval()) {
      content += html_element("p", {{"class", "interval"}}, html_text(card_interval(card)));
    }
    if (!card.note.empty()) {
      content += html_element("p", {{"class", "note"}}, html_text(card.note));
    }
    cards += html_element("div", {{"class", "card"}}, content) + html_code("\n");
  }
  return cards.empty() ? Html{} : html_element("div", {{"class", "cards"}}, cards);
}

std::string report_page(const ReportInput& input) {
  const bool pretraining = input.kind == ReportKind::kPretraining;
  const auto build = [&](std::size_t picture_bytes) {
    const Html triplets = report_reconstructions(input);
    HtmlDocument document;
    document.title = input.title;
    document.header = report_header(input);
    document.sections = {
        {"pictures",
         "Pictures",
         pretraining ? triplets : report_case_pictures(input, picture_bytes)},
        {"data", "What happened to the data", data_section(input)},
        {"scores", "Scores", report_scores(input)},
        {"learning", "Learning", report_learning(input) + (pretraining ? Html{} : triplets)},
        {"limits", "What this must not be used for", report_limits(input)},
        {"provenance", "Provenance", report_provenance(input)}};
    document.footer = report_footer();
    return html_document(document);
  };
  std::string page = build(kCasePictureBytes);
  for (std::size_t bytes = kCasePictureBytes / 3; page.size() > kReportByteLimit && bytes > 100000;
       bytes /= 4) {
    page = build(bytes);
  }
  if (page.size() > kReportByteLimit) {
    throw Error(ErrorCode::kResources,
                "report: expected a page below " + std::to_string(kReportByteLimit) +
                    " bytes, found " + std::to_string(page.size()) +
                    "; leave out metrics rows or per-case rows");
  }
  return page;
}

}  // namespace marrow
