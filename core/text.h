#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace marrow {

// The candidate with the smallest edit distance to `word`, or "" when none is closer than half its
// length.
[[nodiscard]] std::string nearest_word(std::string_view word,
                                       const std::vector<std::string>& candidates);

// For messages: control bytes and invalid UTF-8 escaped as \xNN, cut at `limit` characters with
// "...".
[[nodiscard]] std::string printable(std::string_view text, std::size_t limit = 120);

[[nodiscard]] bool is_utf8(std::string_view text);
// Each byte that is not part of valid UTF-8 becomes U+FFFD.
[[nodiscard]] std::string replace_invalid_utf8(std::string_view text);

[[nodiscard]] std::vector<std::string> split_words(std::string_view text, char separator);
[[nodiscard]] std::string join(const std::vector<std::string>& words, std::string_view separator);
[[nodiscard]] std::string_view trim(std::string_view text);
// A to Z only; other bytes stay, whatever the locale.
[[nodiscard]] std::string lower_case(std::string_view text);
// All of the text, without the blanks around it, as one finite decimal number; else nothing.
[[nodiscard]] std::optional<double> parse_decimal(std::string_view text);
// The text of that name, empty when there is none.
[[nodiscard]] const std::string& named_text(const std::map<std::string, std::string>& texts,
                                            const std::string& name);
// An order of texts, line by line, in which lines that begin with a number come first and by its
// value ("9" before "10", "-5" before "2", "10" before "b"); equal only for equal texts.
[[nodiscard]] bool number_aware_less(const std::string& a, const std::string& b);

// Text from outside that nests deeper is refused before it is parsed: what walks a parsed value
// (comparing, copying, printing it) calls itself once a level, and would run out of stack.
inline constexpr std::size_t kMaxJsonNesting = 64;
// How deep the brackets and braces outside of strings are nested, whether or not `text` is JSON.
[[nodiscard]] std::size_t json_nesting(std::string_view text);

// CSV: quoted when needed, a leading = + - @ made harmless for spreadsheets by a quote character.
[[nodiscard]] std::string csv_field(std::string_view text);
// RFC 4180 records; quoted fields may hold separators and line ends. Throws Error{kUnreadable} on
// an open quote.
[[nodiscard]] std::vector<std::vector<std::string>> parse_csv(std::string_view text);
// Which field of a header is this word, blanks around it left out; the first of several.
[[nodiscard]] std::optional<std::size_t> csv_column(const std::vector<std::string>& header,
                                                    std::string_view name);
// A field without the blanks around it; empty where there is no such column, or the record is
// short.
[[nodiscard]] std::string csv_value(const std::vector<std::string>& record,
                                    std::optional<std::size_t> column);

}  // namespace marrow
