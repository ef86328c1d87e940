#include "clinical/report/html.h"

#include <cstdint>

#include "clinical/report/page_style.h"
#include "core/error.h"

namespace marrow {

namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";
constexpr std::size_t kWideTable = 4;

// Length of the valid UTF-8 character at the start of `text`, or 0.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t first = byte(0);
  if (first < 0x80) {
    return 1;
  }
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) {
    return 0;
  }
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) {
      return 0;
    }
  }
  const bool overlong = (first == 0xE0 && byte(1) < 0xA0) || (first == 0xF0 && byte(1) < 0x90);
  const bool surrogate = first == 0xED && byte(1) > 0x9F;
  const bool beyond = first == 0xF4 && byte(1) > 0x8F;
  return overlong || surrogate || beyond ? 0 : length;
}

std::string html_attributes(const HtmlAttributes& attributes) {
  std::string code;
  for (const auto& [name, value] : attributes) {
    code += ' ' + name + "=\"" + html_escape(value) + '"';
  }
  return code;
}

Html html_table_head(const HtmlTable& table) {
  Html cells;
  for (const HtmlColumn& column : table.columns) {
    Html title = html_text(column.title);
    if (!column.note.empty()) {
      title += html_element("small", html_text(column.note));
    }
    HtmlAttributes attributes{{"scope", "col"}};
    if (column.numbers) {
      attributes.emplace_back("class", "n");
    }
    cells += html_element("th", attributes, title);
  }
  return html_element("thead", html_element("tr", cells));
}

}  // namespace

std::string html_escape(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const char c = text.front();
    const bool control =
        length == 1 && ((c >= 0 && c < 0x20 && c != '\n' && c != '\t') || c == 0x7F);
    if (length == 0 || control) {
      escaped += kReplacement;
    } else if (c == '&') {
      escaped += "&amp;";
    } else if (c == '<') {
      escaped += "&lt;";
    } else if (c == '>') {
      escaped += "&gt;";
    } else if (c == '"') {
      escaped += "&quot;";
    } else if (c == '\'') {
      escaped += "&#39;";
    } else {
      escaped += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return escaped;
}

Html html_text(std::string_view text) {
  return {html_escape(text)};
}

Html html_code(std::string_view code) {
  return {std::string(code)};
}

Html html_element(std::string_view name, const HtmlAttributes& attributes, const Html& content) {
  std::string code = "<" + std::string(name) + html_attributes(attributes) + ">";
  code += content.code;
  code += "</" + std::string(name) + ">";
  return {std::move(code)};
}

Html html_element(std::string_view name, const Html& content) {
  return html_element(name, {}, content);
}

Html html_leaf(std::string_view name, const HtmlAttributes& attributes) {
  return {"<" + std::string(name) + html_attributes(attributes) + "/>"};
}

Html html_paragraph(std::string_view words) {
  return html_element("p", html_text(words));
}

Html html_table(const HtmlTable& table) {
  Html rows;
  for (const std::vector<Html>& row : table.rows) {
    MARROW_CHECK(row.size() == table.columns.size());
    Html cells;
    for (std::size_t c = 0; c < row.size(); ++c) {
      const HtmlColumn& column = table.columns[c];
      if (c == 0) {
        cells += html_element("th", {{"scope", "row"}}, row[c]);
        continue;
      }
      HtmlAttributes attributes{{"data-label", column.title}};
      if (column.numbers) {
        attributes.emplace_back("class", "n");
      }
      cells += html_element("td", attributes, row[c]);
    }
    rows += html_element("tr", cells) + html_code("\n");
  }
  Html content;
  if (!table.caption.empty()) {
    content += html_element("caption", html_text(table.caption));
  }
  content += html_table_head(table) + html_element("tbody", rows);
  return html_element(
             "table",
             {{"class", table.long_cells || table.columns.size() > kWideTable ? "wide" : "narrow"}},
             content) +
         html_code("\n");
}

Html html_folded(std::string_view summary, const Html& content) {
  return html_element("details", html_element("summary", html_text(summary)) + content) +
         html_code("\n");
}

Html html_section(const HtmlSection& section) {
  if (section.content.empty()) {
    return {};
  }
  return html_element(
             "section",
             {{"id", section.id}, {"aria-labelledby", section.id + "-title"}},
             html_element("h2", {{"id", section.id + "-title"}}, html_text(section.title)) +
                 html_code("\n") + section.content) +
         html_code("\n");
}

std::string html_document(const HtmlDocument& document) {
  Html contents;
  Html sections;
  for (const HtmlSection& section : document.sections) {
    if (!section.content.empty()) {
      contents += html_element("a", {{"href", "#" + section.id}}, html_text(section.title));
      sections += html_section(section);
    }
  }
  const Html head =
      html_code("\n<meta charset=\"utf-8\"/>\n") +
      html_leaf("meta",
                {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}}) +
      html_code("\n") +
      html_leaf("meta",
                {{"http-equiv", "Content-Security-Policy"},
                 {"content",
                  "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
                  "script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"}}) +
      html_code("\n") + html_leaf("meta", {{"name", "referrer"}, {"content", "no-referrer"}}) +
      html_code("\n") + html_leaf("meta", {{"name", "color-scheme"}, {"content", "light dark"}}) +
      html_code("\n") + html_element("title", html_text(document.title)) + html_code("\n") +
      html_element("style", html_code(page_style())) + html_code("\n");
  const Html body = html_code("\n") + html_element("header", document.header) + html_code("\n") +
                    html_element("nav", {{"aria-label", "Contents"}}, contents) + html_code("\n") +
                    html_element("main", html_code("\n") + sections) + html_code("\n") +
                    html_element("footer", document.footer) + html_code("\n") +
                    html_element("script", html_code(page_script())) + html_code("\n");
  return "<!DOCTYPE html>\n" +
         html_element("html",
                      {{"lang", "en"}},
                      html_code("\n") + html_element("head", head) + html_code("\n") +
                          html_element("body", body) + html_code("\n"))
             .code +
         "\n";
}

std::string base64(std::span<const std::byte> bytes) {
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](std::size_t at) {
      return at < bytes.size() ? std::to_integer<std::uint32_t>(bytes[at]) : 0U;
    };
    const std::uint32_t word = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    text += kDigits[word >> 18];
    text += kDigits[word >> 12 & 63U];
    text += i + 1 < bytes.size() ? kDigits[word >> 6 & 63U] : '=';
    text += i + 2 < bytes.size() ? kDigits[word & 63U] : '=';
  }
  return text;
}

}  // namespace marrow
