#include "clinical/report/reduction_page.h"

#include <algorithm>
#include <array>

#include "clinical/report/page_frame.h"
#include "clinical/report/reduction_sections.h"
#include "clinical/report/report_page.h"
#include "core/error.h"

namespace marrow {

namespace {

// Leaves room for 200 rows of either list.
constexpr std::size_t kGalleryBytes = std::size_t{15} << 20;

[[noreturn]] void refuse_reduction(const std::string& words) {
  throw Error(ErrorCode::kInvalidArgument, "reduction page: " + words);
}

void require_key(const std::string& key) {
  const bool plain =
      !key.empty() && key.size() <= 200 && std::all_of(key.begin(), key.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               c == '_' || c == '-' || c == '.' || c == '/';
      });
  if (!plain) {
    refuse_reduction(
        "expected keys of series or names of cases, of letters, digits, '_', '-', '.' "
        "and '/', found another of " +
        std::to_string(key.size()) + " characters");
  }
}

void require_pixels(const ReductionPicture& picture) {
  require_key(picture.series);
  if (picture.columns < 1 || picture.rows < 1 ||
      picture.pixels.size() != static_cast<std::size_t>(picture.columns * picture.rows)) {
    refuse_reduction("expected " + std::to_string(picture.columns) + " x " +
                     std::to_string(picture.rows) + " pixels for a slice of series " +
                     picture.series + ", found " + std::to_string(picture.pixels.size()) +
                     "; pass every pixel of it");
  }
}

void require_amount(const char* name, const ReductionAmount& amount) {
  if (amount.before < 0 || amount.kept < 0 || amount.kept > amount.before) {
    refuse_reduction(std::string("expected at most as many ") + name +
                     " kept as there were, found " + std::to_string(amount.kept) + " of " +
                     std::to_string(amount.before) + "; count them again");
  }
}

void require_consistent(const ReductionInput& input) {
  for (const ReductionPair& pair : input.gallery) {
    require_pixels(pair.dropped);
    require_pixels(pair.kept);
  }
  for (const DroppedSeries& series : input.dropped) {
    require_key(series.key);
    if (!series.kept.empty()) {
      require_key(series.kept);
    }
  }
  for (const ReductionFlag& flag : input.flags) {
    require_key(flag.key);
  }
  require_amount("series", input.totals.series);
  require_amount("slices", input.totals.slices);
  require_amount("bytes", input.totals.store_bytes);
  require_amount("steps", input.totals.steps);
  std::int64_t dropped = 0;
  for (const ReductionFilter& filter : input.filters) {
    dropped += filter.dropped_slices;
  }
  const std::int64_t missing = input.totals.slices.before - input.totals.slices.kept;
  if (dropped != missing) {
    refuse_reduction("expected the filters to have dropped " + std::to_string(missing) +
                     " slices, as the totals say, found " + std::to_string(dropped) +
                     "; count each slice with the first filter that dropped it");
  }
}

ReportCard amount_card(const char* label, const ReductionAmount& amount) {
  return {label,
          {static_cast<double>(amount.kept)},
          CardFormat::kCount,
          "of " + count_text(amount.before),
          share_text(amount.kept, amount.before) + " kept, " +
              count_text(amount.before - amount.kept) + " dropped"};
}

std::vector<ReportCard> reduction_cards(const ReductionTotals& totals) {
  std::vector<ReportCard> cards;
  if (totals.slices.before > 0) {
    cards.push_back(amount_card("Slices kept", totals.slices));
  }
  if (totals.series.before > 0) {
    cards.push_back(amount_card("Series kept", totals.series));
  }
  if (totals.steps.before > 0) {
    const std::int64_t saved = totals.steps.before - totals.steps.kept;
    std::string note = share_text(saved, totals.steps.before) + " fewer";
    if (totals.batch_size > 0) {
      note += ", batches of " + counted_text(totals.batch_size, "slice", "slices");
    }
    cards.push_back({"Steps saved an epoch",
                     {static_cast<double>(saved)},
                     CardFormat::kCount,
                     "of " + count_text(totals.steps.before),
                     note});
  }
  if (totals.store_bytes.before > 0) {
    const std::int64_t saved = totals.store_bytes.before - totals.store_bytes.kept;
    const bool large = totals.store_bytes.before >= 1'000'000'000;
    cards.push_back({"Saved in the volume store",
                     {static_cast<double>(saved) / (large ? 1e9 : 1e6)},
                     CardFormat::kScore,
                     (large ? "GB of " : "MB of ") + byte_text(totals.store_bytes.before),
                     totals.store_note});
  }
  return cards;
}

Html reduction_limits(const ReductionInput& input) {
  std::vector<std::string> sentences{
      "Not for diagnosis, treatment or any decision about a patient: what was dropped was left "
      "out of training alone.",
      "A measure of likeness looks at whole slices. Two of them can count as alike although one "
      "shows a small lesion that the other does not: look at the least alike pairs above.",
      "This page does not tell whether an encoder learns as well from what was kept. Train once "
      "with and once without the reduction and compare the two on labelled cases."};
  sentences.insert(sentences.end(), input.notes.begin(), input.notes.end());
  return sentence_list(sentences);
}

Html reduction_provenance(const ReductionInput& input) {
  Html content = provenance_block(input.provenance);
  if (!input.undo_command.empty()) {
    content += html_paragraph("Command to take it back:") +
               html_element("pre", html_text(input.undo_command)) + html_code("\n");
  }
  return content;
}

}  // namespace

std::string share_text(std::int64_t part, std::int64_t whole) {
  if (whole <= 0) {
    return "–";
  }
  const double percent = 100 * static_cast<double>(part) / static_cast<double>(whole);
  if (part < whole && percent > 99.9) {
    return "over 99.9 %";
  }
  if (part > 0 && percent < 0.1) {
    return "under 0.1 %";
  }
  return (part == 0 || part == whole ? count_text(part == 0 ? 0 : 100) : fixed_text(percent, 1)) +
         " %";
}

std::string counted_text(std::int64_t count, const std::string& one, const std::string& many) {
  return count_text(count) + " " + (count == 1 ? one : many);
}

std::string byte_text(std::int64_t bytes) {
  constexpr std::array<const char*, 4> kUnits{"kB", "MB", "GB", "TB"};
  if (bytes < 1000) {
    return counted_text(bytes, "byte", "bytes");
  }
  double value = static_cast<double>(bytes) / 1000;
  std::size_t unit = 0;
  while (value >= 1000 && unit + 1 < kUnits.size()) {
    value /= 1000;
    ++unit;
  }
  return number_text(value) + " " + kUnits[unit];
}

std::string reduction_page(const ReductionInput& input) {
  require_consistent(input);
  HtmlDocument document;
  document.title = input.title;
  document.header = page_top({"Report of a reduction",
                              input.date,
                              input.title,
                              input.subject,
                              reduction_cards(input.totals)});
  document.sections = {{"pictures", "Pictures", reduction_gallery(input, kGalleryBytes)},
                       {"data", "What happened to the data", reduction_data(input)},
                       {"threshold", "Threshold", reduction_curves(input)},
                       {"dropped", "Dropped series", reduction_dropped(input)},
                       {"flags", "Flags", reduction_flags(input)},
                       {"balance", "Balance", reduction_concepts(input)},
                       {"limits", "What this cannot tell", reduction_limits(input)},
                       {"provenance", "Provenance", reduction_provenance(input)}};
  document.footer = page_foot();
  std::string page = html_document(document);
  if (page.size() > kReportByteLimit) {
    throw Error(ErrorCode::kResources,
                "reduction page: expected a page below " + std::to_string(kReportByteLimit) +
                    " bytes, found " + std::to_string(page.size()) + "; pass fewer pictures");
  }
  return page;
}

}  // namespace marrow
