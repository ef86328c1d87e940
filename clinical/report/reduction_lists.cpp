#include <algorithm>
#include <array>
#include <map>

#include "clinical/report/reduction_sections.h"

namespace marrow {

namespace {

constexpr std::size_t kMostRows = 200;
constexpr std::size_t kOpenRows = 12;

Html key_cell(const std::string& key) {
  return key.empty() ? html_text("–")
                     : html_element("code", {{"class", "unbroken"}}, html_text(key));
}

// Words, not only weight, say which rows to look at.
Html yes_cell(bool yes) {
  return yes ? html_element("strong", html_text("yes")) : html_text("no");
}

// The first rows in the open, the others folded.
Html long_table(HtmlTable table) {
  if (table.rows.size() <= kOpenRows + 3) {
    return html_table(table);
  }
  HtmlTable rest{
      "", table.columns, {table.rows.begin() + kOpenRows, table.rows.end()}, table.long_cells};
  table.rows.resize(kOpenRows);
  return html_table(table) +
         html_folded("Show " + count_text(static_cast<std::int64_t>(rest.rows.size())) + " more",
                     html_table(rest));
}

// What the page leaves out of a list, and how to see it.
Html unlisted(std::int64_t total, std::size_t listed, const std::string& command) {
  const std::int64_t missing = total - static_cast<std::int64_t>(listed);
  if (missing <= 0) {
    return {};
  }
  Html words = html_text("And " + count_text(missing) + " more");
  words += command.empty()
               ? html_text(", not shown here.")
               : html_text(": ") + html_element("code", html_text(command)) + html_text(".");
  return html_element("p", words) + html_code("\n");
}

}  // namespace

Html reduction_dropped(const ReductionInput& input) {
  if (input.dropped.empty()) {
    return {};
  }
  const auto total = std::max(input.dropped_total, static_cast<std::int64_t>(input.dropped.size()));
  const std::size_t listed = std::min(input.dropped.size(), kMostRows);
  HtmlTable table;
  table.columns = {{"Series", "key", false},
                   {"Stands for it", "key of the kept series", false},
                   {"Filter", "", false},
                   {"Measure", "", false},
                   {"Reason", "", false},
                   {"Labelled", "", false}};
  for (std::size_t i = 0; i < listed; ++i) {
    const DroppedSeries& series = input.dropped[i];
    table.rows.push_back({key_cell(series.key),
                          key_cell(series.kept),
                          html_text(series.filter),
                          html_text(series.measure.empty() ? "–" : series.measure),
                          html_text(series.reason),
                          yes_cell(series.labelled)});
  }
  const auto labelled = std::count_if(input.dropped.begin(),
                                      input.dropped.end(),
                                      [](const auto& series) { return series.labelled; });
  std::string words = counted_text(total, "series was", "series were") + " dropped as a whole. " +
                      (labelled == 0 ? "None of those given here carries labels."
                                     : counted_text(labelled, "of them carries", "of them carry") +
                                           " labels: look at these first, labels are rare.");
  return html_paragraph(words) + html_code("\n") + long_table(std::move(table)) +
         unlisted(total, listed, input.list_command);
}

Html reduction_flags(const ReductionInput& input) {
  if (input.flags.empty()) {
    return {};
  }
  std::map<std::string, std::array<std::int64_t, 2>> counts;
  HtmlTable table;
  table.long_cells = true;
  table.columns = {
      {"Series", "key", false}, {"Flag", "", false}, {"Reason", "", false}, {"Dropped", "", false}};
  for (const ReductionFlag& flag : input.flags) {
    ++counts[flag.flag][0];
    counts[flag.flag][1] += flag.dropped ? 1 : 0;
    if (table.rows.size() < kMostRows) {
      table.rows.push_back({key_cell(flag.key),
                            html_text(flag.flag),
                            html_text(flag.reason),
                            yes_cell(flag.dropped)});
    }
  }
  std::string words;
  for (const auto& [name, count] : counts) {
    words += (words.empty() ? "Flagged: " : "; ") + name + " " + count_text(count[0]) +
             ", of which " + count_text(count[1]) + " dropped";
  }
  const std::size_t listed = table.rows.size();
  return html_paragraph(words + ".") + html_code("\n") + long_table(std::move(table)) +
         unlisted(static_cast<std::int64_t>(input.flags.size()), listed, "");
}

Html reduction_concepts(const ReductionInput& input) {
  if (input.concepts.empty()) {
    return {};
  }
  HtmlTable table;
  table.caption = "Counted in " + input.counted;
  table.columns = {
      {"Concept", "", false}, {"Before", "", true}, {"After", "", true}, {"Share kept", "", true}};
  for (const ReductionConcept& row : input.concepts) {
    table.rows.push_back({html_text(row.name),
                          html_text(count_text(row.amount.before)),
                          html_text(count_text(row.amount.kept)),
                          html_text(share_text(row.amount.kept, row.amount.before))});
  }
  return html_paragraph(
             "What the archive holds before and after. A concept that loses much more than the "
             "others becomes rarer in training.") +
         html_code("\n") + long_table(std::move(table));
}

}  // namespace marrow
