#include "io/dicom/csa_header.h"

#include <cstdint>
#include <string>

#include <gmock/gmock.h>

#include "tests/support/csa_bytes.h"

namespace marrow {

namespace {

using testing::csa_bytes;
using testing::CsaLayout;
using ::testing::ElementsAre;

std::map<std::string, std::vector<std::string>> parsed(const std::string& bytes) {
  return parse_csa_header(std::as_bytes(std::span(bytes)));
}

TEST(CsaHeader, GivesTheTextsOfBothLayouts) {
  for (const CsaLayout layout : {CsaLayout::kFirst, CsaLayout::kSecond}) {
    const auto fields = parsed(csa_bytes(
        {{"SliceNormalVector", {"0.0", "0.6", "0.8"}}, {"NumberOfImagesInMosaic", {"36"}}},
        layout));

    EXPECT_THAT(fields.at("SliceNormalVector"), ElementsAre("0.0", "0.6", "0.8"));
    EXPECT_THAT(fields.at("NumberOfImagesInMosaic"), ElementsAre("36"));
  }
}

TEST(CsaHeader, GivesWhatStandsInFrontOfACut) {
  const std::string bytes =
      csa_bytes({{"B_value", {"50"}}, {"SliceNormalVector", {"1", "0", "0"}}}, CsaLayout::kSecond);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto fields = parsed(bytes.substr(0, size));
    EXPECT_LE(fields.size(), 2U);
    if (const auto found = fields.find("B_value"); found != fields.end()) {
      EXPECT_THAT(found->second, ElementsAre("50"));
    }
  }
}

TEST(CsaHeader, IsNotMovedByAbsurdCounts) {
  std::string bytes = csa_bytes({{"B_value", {"50"}}}, CsaLayout::kSecond);
  for (std::size_t place = 0; place + 4 <= bytes.size(); place += 4) {
    for (const char value : {'\x7F', '\xFF', '\x80'}) {
      std::string damaged = bytes;
      damaged.replace(place, 4, 4, value);
      EXPECT_LE(parsed(damaged).size(), 1U) << place;
    }
  }
}

}  // namespace

}  // namespace marrow
