#pragma once

#include <span>
#include <string>
#include <vector>

#include "clinical/report/html.h"
#include "clinical/report/report_input.h"

namespace marrow {

// What every page has: its top, the large numbers, lists of sentences, the record of a run, its
// foot.

struct PageTop {
  std::string kind;     // what sort of page this is: "Report of a pretraining run"
  std::string date;     // as it shall be printed; may be empty
  std::string title;    // the heading
  std::string subject;  // a sentence below it; may be empty
  std::vector<ReportCard> cards;
};

// "Research use only", kind and date, the heading, the cards.
[[nodiscard]] Html page_top(const PageTop& top);
[[nodiscard]] Html page_foot();

// <ul>; empty without a sentence.
[[nodiscard]] Html sentence_list(std::span<const std::string> sentences);

// Versions, fingerprint, time, memory, command to repeat, folded configuration; what is unknown is
// left out.
[[nodiscard]] Html provenance_block(const ReportProvenance& run);

}  // namespace marrow
