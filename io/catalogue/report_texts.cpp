#include "io/catalogue/report_texts.h"

#include <filesystem>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "core/digest.h"
#include "core/error.h"
#include "core/files.h"
#include "core/text.h"
#include "io/catalogue/catalogue.h"
#include "io/catalogue/report_table.h"
#include "io/catalogue/select.h"

namespace marrow {

namespace {

// Row of the list -> words.
std::map<std::int64_t, std::string> texts_of_list(const std::filesystem::path& file) {
  std::optional<std::string> content;
  try {
    content = read_text(file);
  } catch (const Error& error) {
    throw Error(ErrorCode::kNothingFound,
                fmt::format("reports: expected the list that was given to `marrow scan --reports`, "
                            "found that it cannot be read ({}); put it back, or scan with another",
                            error.what()));
  }
  std::map<std::int64_t, std::string> texts;
  for (ReportRow& row : reports_from_csv(*content, file)) {
    texts[row.row] = std::move(row.text);
  }
  return texts;
}

}  // namespace

std::map<std::string, std::string> report_texts(const Catalogue& catalogue) {
  const KeyedDigest digest(catalogue.salt());
  std::map<std::string, std::map<std::int64_t, std::string>> lists;
  std::map<std::string, std::string> of_study;
  for (const std::vector<Cell>& cells : select_rows(
           catalogue.file(), catalogue_view("reports"), {"study", "file", "row", "digest"}, "")) {
    const auto* const study = std::get_if<std::string>(&cells.at(0));
    if (study == nullptr || study->empty()) {
      continue;
    }
    const auto& file = std::get<std::string>(cells.at(1));
    const std::int64_t row = std::get<std::int64_t>(cells.at(2));
    auto list = lists.find(file);
    if (list == lists.end()) {
      list = lists.emplace(file, texts_of_list(file)).first;
    }
    const auto text = list->second.find(row);
    if (text == list->second.end() || digest(text->second) != std::get<std::string>(cells.at(3))) {
      throw Error(ErrorCode::kRefused,
                  fmt::format("reports: expected row {} of {} as it was read, found another text "
                              "or none; run `marrow scan` with --reports again",
                              row,
                              printable(file, 400)));
    }
    std::string& all = of_study[*study];
    all += (all.empty() ? "" : "\n") + text->second;
  }
  return of_study;
}

}  // namespace marrow
