#include <cmath>

#include "clinical/report/report_sections.h"

namespace marrow {

namespace {

Html list_of(const std::vector<std::string>& sentences) {
  Html items;
  for (const std::string& sentence : sentences) {
    items += html_element("li", html_text(sentence)) + html_code("\n");
  }
  return html_element("ul", items) + html_code("\n");
}

Html run_provenance(const ReportProvenance& run) {
  HtmlTable table;
  table.columns = {{"What", "", false}, {"Value", "", false}};
  const auto add = [&](const char* name, const std::string& value, bool code) {
    if (!value.empty()) {
      const Html words = html_text(value);
      table.rows.push_back({html_text(name), code ? html_element("code", words) : words});
    }
  };
  std::string libraries;
  for (const auto& [name, version] : run.libraries) {
    libraries += (libraries.empty() ? "" : ", ") + name + " " + version;
  }
  add("Program",
      run.program_version.empty() ? std::string() : "marrow " + run.program_version,
      false);
  add("Libraries", libraries, false);
  add("Data fingerprint", run.data_fingerprint, true);
  add("Seed", run.seed, false);
  add("Device", run.device, false);
  add("Threads", run.threads, false);
  add("Started (UTC)", run.started_utc, false);
  add("Time", std::isfinite(run.seconds) ? seconds_text(run.seconds) : std::string(), false);
  add("Peak memory",
      std::isfinite(run.peak_rss_mb) ? number_text(run.peak_rss_mb) + " MB" : std::string(),
      false);
  Html content;
  if (!run.run.empty()) {
    content += html_element("h3", html_text(run.run));
  }
  if (!table.rows.empty()) {
    content += html_table(table);
  }
  if (!run.command.empty()) {
    content += html_paragraph("Command to repeat:") + html_element("pre", html_text(run.command)) +
               html_code("\n");
  }
  if (!run.config.empty()) {
    content +=
        html_folded("Configuration (config.yaml)", html_element("pre", html_text(run.config)));
  }
  return content;
}

}  // namespace

Html report_limits(const ReportInput& input) {
  std::vector<std::string> sentences{
      "Not for diagnosis, treatment or any decision about a patient: the program is a research "
      "tool "
      "and no medical device."};
  if (input.kind == ReportKind::kPretraining) {
    sentences.emplace_back(
        "A pretrained encoder makes no statement about an image; restored pictures are estimates "
        "and "
        "show no real anatomy.");
  } else {
    sentences.emplace_back(
        "The scores hold for images like those that were scored here: other scanners, protocols, "
        "ages or diseases need their own evaluation before any use.");
    sentences.emplace_back(
        "A good mean hides bad cases: look at the worst ones above, and have every outline checked "
        "by an expert.");
  }
  sentences.insert(sentences.end(), input.limits.begin(), input.limits.end());
  Html content = list_of(sentences);
  if (!input.unfamiliar.empty()) {
    content += html_element("h3", html_text("Unfamiliar cases")) +
               html_paragraph("Unlike what the network was trained on; trust these least.") +
               list_of(input.unfamiliar);
  }
  return content;
}

Html report_provenance(const ReportInput& input) {
  Html content;
  for (const ReportProvenance& run : input.provenance) {
    content += run_provenance(run);
  }
  return content;
}

}  // namespace marrow
