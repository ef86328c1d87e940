#include "volumes/curation/term_matcher.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "core/error.h"
#include "core/rng.h"

namespace marrow {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(TermMatcher, PadsWordsAndMarks) {
  EXPECT_EQ(padded_words("Non-small  cell."), " non - small cell . ");
  EXPECT_EQ(padded_words("\tA\r\n b"), " a b ");
  EXPECT_EQ(padded_words(" \n"), " ");
  EXPECT_EQ(padded_words("h\xc3\x89m"), " h\xc3\x89m ");
}

TEST(TermMatcher, FindsWholeWordsWhateverTheirCase) {
  const TermMatcher matcher(
      std::vector<std::string>{"lung", "Lung nodule", "nodule", "chest", "NODULE", "nod"});

  EXPECT_THAT(matcher.terms_in("LUNG nodule, left"), ElementsAre(0, 1, 2, 4));
  EXPECT_THAT(matcher.terms_in("lungs and nodules"), IsEmpty());
  EXPECT_THAT(matcher.terms_in("lung,nodule"), ElementsAre(0, 2, 4));
  EXPECT_THAT(matcher.terms_in(""), IsEmpty());
}

TEST(TermMatcher, TakesDeniedFindingsLikeStatedOnes) {
  const TermMatcher matcher(std::vector<std::string>{"nodule"});

  EXPECT_THAT(matcher.terms_in("No nodule."), ElementsAre(0));
}

std::string random_text(Rng& rng, std::int64_t length) {
  const std::string letters = "aAb .,-\n\xc3";
  std::string text;
  for (std::int64_t n = 0; n < length; ++n) {
    text += letters[static_cast<std::size_t>(rng.below(static_cast<std::int64_t>(letters.size())))];
  }
  return text;
}

TEST(TermMatcher, FindsWhatASearchTermByTermFindsInRandomTexts) {
  Rng rng(5);
  std::size_t matches = 0;
  for (int round = 0; round < 200; ++round) {
    std::vector<std::string> terms;
    while (terms.size() < 30) {
      std::string term = random_text(rng, 1 + rng.below(6));
      if (padded_words(term) != " ") {
        terms.push_back(std::move(term));
      }
    }
    const TermMatcher matcher(terms);
    const std::string text = random_text(rng, 60);

    std::vector<std::size_t> expected;
    for (std::size_t place = 0; place < terms.size(); ++place) {
      if (padded_words(text).find(padded_words(terms[place])) != std::string::npos) {
        expected.push_back(place);
      }
    }

    EXPECT_EQ(matcher.terms_in(text), expected);
    matches += expected.size();
  }
  EXPECT_GT(matches, 1000U);
}

TEST(TermMatcher, RefusesNoTermsAndTermsWithoutAWord) {
  EXPECT_THROW(TermMatcher(std::vector<std::string>{}), Error);
  EXPECT_THROW(TermMatcher(std::vector<std::string>{"lung", " \t"}), Error);
}

}  // namespace
}  // namespace marrow
