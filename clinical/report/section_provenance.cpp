#include "clinical/report/page_frame.h"
#include "clinical/report/report_sections.h"

namespace marrow {

Html report_limits(const ReportInput& input) {
  std::vector<std::string> sentences{
      "Not for diagnosis, treatment or any decision about a patient: the program is a research "
      "tool "
      "and no medical device."};
  if (input.kind == ReportKind::kImport) {
    sentences.emplace_back(
        "An imported encoder makes no statement about an image. What it was trained on, and "
        "whether "
        "its licence allows your use, is for you to find out: the program knows neither.");
  } else if (input.kind == ReportKind::kPretraining) {
    sentences.emplace_back(
        "A pretrained encoder makes no statement about an image; restored pictures are estimates "
        "and "
        "show no real anatomy.");
  } else {
    sentences.emplace_back(
        "The scores hold for images like those that were scored here: other scanners, protocols, "
        "ages or diseases need their own evaluation before any use.");
    if (input.kind == ReportKind::kClassification) {
      sentences.emplace_back(
          "A score between 0 and 1 ranks cases. It is no probability: it was not calibrated, and "
          "where a class is rarer or more frequent than here, more of its predictions are wrong or "
          "missed.");
      sentences.emplace_back(
          "A good mean hides bad cases: look at the most confident mistakes above, and have every "
          "prediction checked by an expert. A prediction does not say what in the image led to it: "
          "it may be the finding itself, or a scanner, a device or a protocol that goes with it.");
    } else {
      sentences.emplace_back(
          "A good mean hides bad cases: look at the worst ones above, and have every outline "
          "checked "
          "by an expert.");
    }
  }
  sentences.insert(sentences.end(), input.limits.begin(), input.limits.end());
  Html content = sentence_list(sentences);
  if (!input.unfamiliar.empty()) {
    content += html_element("h3", html_text("Unfamiliar cases")) +
               html_paragraph("Unlike what the network was trained on; trust these least.") +
               sentence_list(input.unfamiliar);
  }
  return content;
}

Html report_provenance(const ReportInput& input) {
  Html content;
  for (const ReportProvenance& run : input.provenance) {
    content += provenance_block(run);
  }
  return content;
}

}  // namespace marrow
