#include "clinical/report/page_frame.h"

#include <array>
#include <cmath>

namespace marrow {

namespace {

constexpr const char* kResearchOnly = "Research use only";

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

Html page_cards(const std::vector<ReportCard>& shown) {
  Html cards;
  for (const ReportCard& card : shown) {
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

}  // namespace

Html page_top(const PageTop& top) {
  const Html badge = html_element("strong", {{"class", "research"}}, html_text(kResearchOnly));
  Html line = badge + html_element("span", html_text(top.kind));
  if (!top.date.empty()) {
    line += html_element("span", html_text(top.date));
  }
  Html header = html_element("p", {{"class", "kind"}}, line) + html_code("\n") +
                html_element("h1", html_text(top.title)) + html_code("\n");
  if (!top.subject.empty()) {
    header += html_element("p", {{"class", "subject"}}, html_text(top.subject)) + html_code("\n");
  }
  return header + page_cards(top.cards);
}

Html page_foot() {
  return html_element("p",
                      html_element("strong", {{"class", "research"}}, html_text(kResearchOnly))) +
         html_paragraph(
             "Not a medical device. Nothing on this page may be used to diagnose or to treat. "
             "The page holds no patient attribute, is complete in this one file and loads nothing "
             "from elsewhere.");
}

Html sentence_list(std::span<const std::string> sentences) {
  if (sentences.empty()) {
    return {};
  }
  Html items;
  for (const std::string& sentence : sentences) {
    items += html_element("li", html_text(sentence)) + html_code("\n");
  }
  return html_element("ul", items) + html_code("\n");
}

Html provenance_block(const ReportProvenance& run) {
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

}  // namespace marrow
