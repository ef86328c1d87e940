#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace marrow {

// Markup. A type of its own, so that text cannot become markup without passing through `html_text`.
struct Html {
  std::string code;

  Html& operator+=(const Html& more) {
    code += more.code;
    return *this;
  }

  [[nodiscard]] friend Html operator+(Html a, const Html& b) {
    a.code += b.code;
    return a;
  }

  [[nodiscard]] bool empty() const { return code.empty(); }
};

using HtmlAttributes = std::vector<std::pair<std::string, std::string>>;

// Escapes & < > " ' ; control characters and invalid UTF-8 become U+FFFD, line ends and tabs stay.
[[nodiscard]] std::string html_escape(std::string_view text);
[[nodiscard]] Html html_text(std::string_view text);
// Markup that this program wrote itself.
[[nodiscard]] Html html_code(std::string_view code);

// <name attributes>content</name>; attribute values are escaped.
[[nodiscard]] Html html_element(std::string_view name,
                                const HtmlAttributes& attributes,
                                const Html& content);
[[nodiscard]] Html html_element(std::string_view name, const Html& content);
// <name attributes/>: img, input, and SVG shapes.
[[nodiscard]] Html html_leaf(std::string_view name, const HtmlAttributes& attributes);

// Words as a paragraph.
[[nodiscard]] Html html_paragraph(std::string_view words);

struct HtmlColumn {
  std::string title;
  std::string note;      // unit and definition, below the title
  bool numbers = false;  // set right, with figures of one width
};

struct HtmlTable {
  std::string caption;
  std::vector<HtmlColumn> columns;
  std::vector<std::vector<Html>> rows;  // one cell a column; the first one names the row
  bool long_cells = false;              // laid out as a wide table although it has few columns
};

// Wide tables turn into one block a row on narrow screens, so that nothing scrolls sideways.
// Every row must have as many cells as there are columns.
[[nodiscard]] Html html_table(const HtmlTable& table);

// A section that is folded until it is asked for.
[[nodiscard]] Html html_folded(std::string_view summary, const Html& content);

struct HtmlSection {
  std::string id;
  std::string title;
  Html content;
};

// <section> with an <h2>. Empty when there is no content.
[[nodiscard]] Html html_section(const HtmlSection& section);

struct HtmlDocument {
  std::string title;
  Html header;
  std::vector<HtmlSection> sections;  // empty ones are left out, also from the list of contents
  Html footer;
};

// The whole page: style and script inline, and a content policy that forbids to load anything.
[[nodiscard]] std::string html_document(const HtmlDocument& document);

[[nodiscard]] std::string base64(std::span<const std::byte> bytes);

}  // namespace marrow
