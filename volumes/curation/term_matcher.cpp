#include "volumes/curation/term_matcher.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include <fmt/format.h>

#include "core/error.h"

namespace marrow {

namespace {

bool is_ascii_mark(unsigned char byte) {
  return (byte >= '!' && byte <= '/') || (byte >= ':' && byte <= '@') ||
         (byte >= '[' && byte <= '`') || (byte >= '{' && byte <= '~');
}

}  // namespace

std::string padded_words(std::string_view text) {
  std::string padded = " ";
  padded.reserve(text.size() + 2);
  const auto blank = [&] {
    if (padded.back() != ' ') {
      padded += ' ';
    }
  };
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    if (byte <= ' ' || byte == 0x7f) {
      blank();
    } else if (is_ascii_mark(byte)) {
      blank();
      padded += character;
      padded += ' ';
    } else {
      padded += byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte + ('a' - 'A')) : character;
    }
  }
  blank();
  return padded;
}

TermMatcher::TermMatcher(std::span<const std::string> terms) : order_(terms.size()) {
  if (terms.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                "terms: expected at least one term, found none; give a list of them");
  }
  std::vector<std::string> padded;
  padded.reserve(terms.size());
  std::size_t bytes = 0;
  for (const std::string& term : terms) {
    padded.push_back(padded_words(term));
    bytes += padded.back().size();
    if (padded.back() == " ") {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("terms: expected terms with a word in them, found an empty one at "
                              "place {}; leave it out",
                              padded.size()));
    }
  }
  if (bytes >= static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("terms: expected less than 2 GiB of them, found {} bytes; match them "
                            "in several lists",
                            bytes));
  }
  std::iota(order_.begin(), order_.end(), std::size_t{0});
  std::sort(order_.begin(), order_.end(), [&](std::size_t a, std::size_t b) {
    return padded[a] != padded[b] ? padded[a] < padded[b] : a < b;
  });
  grow(padded);
}

// Level by level over ranges of the sorted terms, so that the children of a node come out together
// and in order.
void TermMatcher::grow(const std::vector<std::string>& padded) {
  struct Range {
    std::int32_t begin, end;
    std::size_t depth;
  };

  std::vector<Range> ranges{{0, static_cast<std::int32_t>(order_.size()), 0}};
  std::vector<std::int32_t> parents{0};
  nodes_.emplace_back();
  const auto term = [&](std::int32_t place) -> const std::string& {
    return padded[order_[static_cast<std::size_t>(place)]];
  };
  for (std::size_t number = 0; number < nodes_.size(); ++number) {
    auto [begin, end, depth] = ranges[number];
    nodes_[number].first_term = begin;
    while (begin < end && term(begin).size() == depth) {
      ++begin;
    }
    nodes_[number].terms = begin - nodes_[number].first_term;
    nodes_[number].first_child = static_cast<std::int32_t>(nodes_.size());
    while (begin < end) {
      const char byte = term(begin)[depth];
      std::int32_t last = begin;
      while (last < end && term(last)[depth] == byte) {
        ++last;
      }
      nodes_.emplace_back().byte = static_cast<unsigned char>(byte);
      ranges.push_back({begin, last, depth + 1});
      parents.push_back(static_cast<std::int32_t>(number));
      ++nodes_[number].children;
      begin = last;
    }
  }
  nodes_.shrink_to_fit();
  link(parents);
}

void TermMatcher::link(const std::vector<std::int32_t>& parents) {
  for (std::size_t number = 1; number < nodes_.size(); ++number) {
    Node& node = nodes_[number];
    const std::int32_t parent = parents[number];
    // A child of the root has no proper ending but the empty one.
    node.fallback =
        parent == 0 ? 0 : step(nodes_[static_cast<std::size_t>(parent)].fallback, node.byte);
    const Node& ending = nodes_[static_cast<std::size_t>(node.fallback)];
    node.shorter = ending.terms > 0 ? node.fallback : ending.shorter;
  }
}

std::int32_t TermMatcher::child(std::int32_t node, unsigned char byte) const {
  const Node& parent = nodes_[static_cast<std::size_t>(node)];
  const auto begin = nodes_.begin() + parent.first_child;
  const auto end = begin + parent.children;
  const auto found = std::lower_bound(
      begin, end, byte, [](const Node& entry, unsigned char value) { return entry.byte < value; });
  return found != end && found->byte == byte ? static_cast<std::int32_t>(found - nodes_.begin())
                                             : -1;
}

std::int32_t TermMatcher::step(std::int32_t node, unsigned char byte) const {
  while (true) {
    const std::int32_t next = child(node, byte);
    if (next >= 0) {
      return next;
    }
    if (node == 0) {
      return 0;
    }
    node = nodes_[static_cast<std::size_t>(node)].fallback;
  }
}

std::vector<std::size_t> TermMatcher::terms_in(std::string_view text) const {
  std::vector<std::size_t> found;
  std::int32_t state = 0;
  for (const char character : padded_words(text)) {
    state = step(state, static_cast<unsigned char>(character));
    for (std::int32_t end = state; end >= 0; end = nodes_[static_cast<std::size_t>(end)].shorter) {
      const Node& node = nodes_[static_cast<std::size_t>(end)];
      const auto first = order_.begin() + node.first_term;
      found.insert(found.end(), first, first + node.terms);
    }
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

}  // namespace marrow
