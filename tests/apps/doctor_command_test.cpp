#include "apps/doctor_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "apps/self_test.h"
#include "apps/thumbnail.h"
#include "core/files.h"
#include "tests/support/process.h"

namespace marrow {
namespace {

TEST(DoctorEndToEnd, SelfTestAgreesWithTheKnownNumbersAndEveryCheckHasADetail) {
  const TemporaryFolder folder;

  const test::ProcessResult result =
      test::run_marrow({"doctor", "--json"}, {folder.path(), "", -1});

  const nlohmann::json checks = nlohmann::json::parse(result.out).at("checks");
  ASSERT_GE(checks.size(), 10U);
  for (const nlohmann::json& check : checks) {
    EXPECT_NE(check.at("detail"), "");
    if (check.at("name").get<std::string>().rfind("test.", 0) == 0) {
      EXPECT_TRUE(check.at("ok")) << check;
    }
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Thumbnail, ShowsABrightCornerWhereARadiologistExpectsIt) {
  // Bright at left, front, head: upper right of the axial and of the coronal panel.
  Volume volume = make_grid<float>(
      make_geometry({20, 16, 12}, {2, 2, 3}, {5, -7, 11}, Eigen::Matrix3d::Identity()));
  for (std::int64_t k = 0; k < 12; ++k) {
    for (std::int64_t j = 0; j < 8; ++j) {
      for (std::int64_t i = 10; i < 20; ++i) {
        volume.at(i, j, k) = k >= 6 ? 100.0F : 60.0F;
      }
    }
  }

  const std::string text = thumbnail_text(volume, 12);

  const std::string top = text.substr(0, text.size() / 2);
  EXPECT_THAT(top, ::testing::HasSubstr("@"));
  EXPECT_EQ(text.substr(text.size() - 60).find('@'), std::string::npos);
}

}  // namespace
}  // namespace marrow
