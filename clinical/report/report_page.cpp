#include "clinical/report/report_page.h"

#include "clinical/report/html.h"
#include "clinical/report/page_frame.h"
#include "clinical/report/report_sections.h"
#include "core/error.h"

namespace marrow {

namespace {

constexpr std::size_t kCasePictureBytes = std::size_t{11} << 20;

std::string kind_words(ReportKind kind) {
  switch (kind) {
    case ReportKind::kPretraining:
      return "Report of a pretraining run";
    case ReportKind::kImport:
      return "Report of an imported encoder";
    case ReportKind::kSegmentation:
      return "Report of a segmentation run";
    case ReportKind::kClassification:
      return "Report of a classification run";
    case ReportKind::kDemo:
      break;
  }
  return "Report: from pretraining to segmentation";
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

std::string report_page(const ReportInput& input) {
  const bool pretraining = input.kind == ReportKind::kPretraining;
  const auto build = [&](std::size_t picture_bytes) {
    const Html triplets = report_reconstructions(input);
    HtmlDocument document;
    document.title = input.title;
    document.header = page_top({kind_words(input.kind), input.date, input.title, "", input.cards});
    document.sections = {
        {"pictures",
         "Pictures",
         pretraining ? triplets : report_case_pictures(input, picture_bytes)},
        {"data", "What happened to the data", data_section(input)},
        {"scores", "Scores", report_classes(input) + report_scores(input)},
        {"cases", "Cases", report_classified_cases(input)},
        {"learning", "Learning", report_learning(input) + (pretraining ? Html{} : triplets)},
        {"limits", "What this must not be used for", report_limits(input)},
        {"provenance", "Provenance", report_provenance(input)}};
    document.footer = page_foot();
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
