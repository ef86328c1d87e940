#include "clinical/report/html.h"

#include <array>

#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/support/report_support.h"

namespace marrow {
namespace {

TEST(Html, EscapesWhatCouldBecomeMarkup) {
  EXPECT_EQ(html_text("<b a=\"x\" b='y'>&").code, "&lt;b a=&quot;x&quot; b=&#39;y&#39;&gt;&amp;");
}

TEST(Html, ReplacesControlCharactersAndBrokenUtf8ButKeepsValidText) {
  EXPECT_EQ(html_escape("a\x01"
                        "b\n\u00e9\u2009\U0001F600"),
            "a\xef\xbf\xbd"
            "b\n\u00e9\u2009\U0001F600");
  EXPECT_EQ(html_escape("\xc3("), "\xef\xbf\xbd(");                     // cut sequence
  EXPECT_EQ(html_escape("\xc0\xaf"), "\xef\xbf\xbd\xef\xbf\xbd");       // overlong
  EXPECT_EQ(html_escape("\xed\xa0\x80").substr(0, 3), "\xef\xbf\xbd");  // surrogate
  EXPECT_EQ(html_escape("\xe2\x80"), "\xef\xbf\xbd\xef\xbf\xbd");       // cut at the end
}

TEST(Html, EscapesAttributeValues) {
  const Html element = html_element("p", {{"title", "\" onload=\"x"}}, html_text("t"));

  EXPECT_EQ(element.code, "<p title=\"&quot; onload=&quot;x\">t</p>");
}

TEST(Html, TableCarriesTheColumnsNameInEveryCellForNarrowScreens) {
  HtmlTable table;
  table.columns = {{"Case", "", false}, {"Dice", "overlap", true}};
  table.rows = {{html_text("a"), html_text("0.8")}};

  const std::string code = html_table(table).code;

  EXPECT_NE(code.find("<td data-label=\"Dice\" class=\"n\">0.8</td>"), std::string::npos);
  EXPECT_NE(code.find("<th scope=\"col\" class=\"n\">Dice<small>overlap</small></th>"),
            std::string::npos);
  EXPECT_EQ(nesting_fault(code), "");
}

TEST(Html, TableRefusesARowOfAnotherLength) {
  HtmlTable table;
  table.columns = {{"Case", "", false}, {"Dice", "", true}};
  table.rows = {{html_text("a")}};

  EXPECT_THROW((void)html_table(table), Error);
}

TEST(Html, DocumentListsOnlySectionsWithContent) {
  HtmlDocument document;
  document.title = "t";
  document.sections = {{"one", "One", html_paragraph("x")}, {"two", "Two", {}}};

  const std::string page = html_document(document);

  EXPECT_NE(page.find("<a href=\"#one\">One</a>"), std::string::npos);
  EXPECT_EQ(page.find("Two"), std::string::npos);
  EXPECT_EQ(nesting_fault(page), "");
}

TEST(Html, Base64PadsAsTheStandardSays) {
  const auto of = [](std::string_view text) {
    return base64(std::as_bytes(std::span(text.data(), text.size())));
  };

  EXPECT_EQ(of(""), "");
  EXPECT_EQ(of("f"), "Zg==");
  EXPECT_EQ(of("fo"), "Zm8=");
  EXPECT_EQ(of("foo"), "Zm9v");
  EXPECT_EQ(of("\xff\xfe\xfd"), "//79");
}

TEST(Html, TheNestingCheckFindsFaults) {
  EXPECT_NE(nesting_fault("<p><b></p></b>"), "");
  EXPECT_NE(nesting_fault("<p>"), "");
  EXPECT_NE(nesting_fault("a < b"), "");
  EXPECT_EQ(nesting_fault("<p title=\"a>b\"><img src=\"x\"/></p>"), "");
}

}  // namespace
}  // namespace marrow
