#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace marrow {

// The form in which terms and texts are compared: A-Z folded to a-z, every ASCII punctuation mark a
// word of its own, words parted by single blanks (other ASCII control bytes count as blanks), one
// blank before and after. Bytes of 0x80 and above stay as they are, so "É" and "é" differ.
// "Non-small cell." becomes " non - small cell . "; a text without words becomes " ".
[[nodiscard]] std::string padded_words(std::string_view text);

// Finds which terms of a list occur in a text as whole words: a term occurs when its padded_words
// are part of the text's. "lung" occurs in "Lung, left" but not in "lungs". Nothing is understood:
// a finding that is denied ("no nodule") matches like one that is stated.
//
// All terms are found in one walk over the text (Aho and Corasick 1975), in time of its length and
// of the matches. Memory: 28 bytes for each distinct beginning of the terms, and 8 bytes a term.
// Reading is safe from several threads.
class TermMatcher {
 public:
  // Throws Error{kInvalidArgument} for no terms, a term without any word, or terms of 2 GiB or more
  // in all.
  explicit TermMatcher(std::span<const std::string> terms);

  // Places in the list of the terms that occur, ascending, each once. Of terms that are the same in
  // padded form all are given.
  [[nodiscard]] std::vector<std::size_t> terms_in(std::string_view text) const;

 private:
  // A beginning of terms. Children lie together, ordered by their byte.
  struct Node {
    std::int32_t first_child = 0, children = 0;
    std::int32_t first_term = 0, terms = 0;  // in order_: the terms that end here
    std::int32_t fallback = 0;               // the longest proper ending that is a beginning too
    std::int32_t shorter = -1;               // the longest such ending at which a term ends
    unsigned char byte = 0;
  };

  [[nodiscard]] std::int32_t child(std::int32_t node, unsigned char byte) const;
  [[nodiscard]] std::int32_t step(std::int32_t node, unsigned char byte) const;
  void grow(const std::vector<std::string>& padded);
  void link(const std::vector<std::int32_t>& parents);

  std::vector<Node> nodes_;
  std::vector<std::size_t> order_;  // terms sorted by their padded form
};

}  // namespace marrow
