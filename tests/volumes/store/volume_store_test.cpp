#include "volumes/store/volume_store.h"

#include <atomic>
#include <cmath>
#include <limits>
#include <thread>

#include <gtest/gtest.h>

#include "tests/support/volumes.h"
#include "volumes/store/store_index.h"

namespace marrow {
namespace {

using testing::error_of;
using testing::folder_content;
using testing::layered_labels;
using testing::oblique_grid;
using testing::textured;

StoredCase named(const std::string& key, const Geometry& source) {
  StoredCase info;
  info.key = key;
  info.patient = "p-" + key;
  info.split = "train";
  info.source = source;
  info.targets = {1, std::numeric_limits<double>::quiet_NaN(), 0.25};
  return info;
}

// Two cases: "ball/1" with two channels and labels, "plain" with one channel.
class VolumeStoreTest : public ::testing::Test {
 protected:
  static constexpr double kStep =
      8.0 / 4095;  // more than one quantisation step of the test volumes

  [[nodiscard]] std::filesystem::path folder() const { return temporary_.path() / "store"; }

  void write_all(const std::filesystem::path& where) const {
    VolumeStoreWriter writer(where, recipe_);
    add_missing(writer);
    writer.finish();
  }

  void add_missing(VolumeStoreWriter& writer) const {
    if (!writer.has("ball/1")) {
      writer.add(named("ball/1", oblique_grid()), std::vector<Volume>{first_, second_}, &labels_);
    }
    if (!writer.has("plain")) {
      writer.add(named("plain", oblique_grid()), std::vector<Volume>{plain_}, nullptr);
    }
  }

  // Flips one bit at `at` of the file of case "ball/1".
  void damage(std::size_t at) const {
    std::vector<std::byte> bytes = read_bytes(ball_file());
    ASSERT_LT(at, bytes.size());
    bytes[at] ^= std::byte{4};
    write_atomically(ball_file(), bytes);
  }

  [[nodiscard]] std::filesystem::path ball_file() const { return folder() / "ball%2F1.mvol"; }

  TemporaryFolder temporary_;
  RecipeOptions recipe_;
  Volume first_ = textured(oblique_grid({70, 45, 34}), 1);
  Volume second_ = textured(oblique_grid({70, 45, 34}), 2);
  LabelMap labels_ = layered_labels(oblique_grid({70, 45, 34}));
  Volume plain_ = textured(oblique_grid({20, 33, 5}), 3);
};

TEST_F(VolumeStoreTest, GivesBackEveryVoxelWithinHalfAQuantisationStep) {
  write_all(folder());

  const VolumeStore store(folder());
  std::vector<float> values(first_.voxels.size());
  store.read_image(store.find("ball/1"), 1, {{0, 0, 0}, {70, 45, 34}}, 0, values);

  for (std::size_t at = 0; at < values.size(); ++at) {
    ASSERT_NEAR(values[at], second_.voxels[at], 0.51 * kStep);
  }
}

TEST_F(VolumeStoreTest, GivesBackLabelsExactly) {
  write_all(folder());

  const VolumeStore store(folder());
  std::vector<std::uint8_t> values(labels_.voxels.size());
  store.read_labels(store.find("ball/1"), {{0, 0, 0}, {70, 45, 34}}, values);

  EXPECT_TRUE(std::equal(values.begin(), values.end(), labels_.voxels.begin()));
}

TEST_F(VolumeStoreTest, ReadsCropsAnywhereAsSlicesOfTheWhole) {
  write_all(folder());
  const VolumeStore store(folder());
  const std::int64_t ball = store.find("ball/1");
  Volume whole = make_grid(first_.geometry, 0.0F);
  store.read_image(ball, 0, {{0, 0, 0}, {70, 45, 34}}, 0, whole.voxels);
  Rng rng(8);

  for (int round = 0; round < 60; ++round) {
    Box box;
    for (std::size_t axis = 0; axis < 3; ++axis) {
      box.size[axis] = 1 + rng.below(50);
      box.start[axis] = rng.below(130) - 50;
    }
    const auto voxels = static_cast<std::size_t>(box.size[0] * box.size[1] * box.size[2]);
    std::vector<float> image(voxels, 99);
    std::vector<std::uint8_t> classes(voxels, 99);
    store.read_image(ball, 0, box, -7, image);
    store.read_labels(ball, box, classes);

    std::size_t at = 0;
    for (std::int64_t k = box.start[2]; k < box.start[2] + box.size[2]; ++k) {
      for (std::int64_t j = box.start[1]; j < box.start[1] + box.size[1]; ++j) {
        for (std::int64_t i = box.start[0]; i < box.start[0] + box.size[0]; ++i, ++at) {
          const bool inside = i >= 0 && i < 70 && j >= 0 && j < 45 && k >= 0 && k < 34;
          ASSERT_EQ(image[at], inside ? whole.at(i, j, k) : -7.0F);
          ASSERT_EQ(classes[at], inside ? labels_.at(i, j, k) : 0);
        }
      }
    }
  }
}

TEST_F(VolumeStoreTest, KeepsWhatIsKnownOfACase) {
  write_all(folder());

  const VolumeStore store(folder());
  ASSERT_EQ(store.size(), 2);
  EXPECT_EQ(store.find("plain"), 1);
  EXPECT_EQ(store.find("absent"), -1);
  const StoredCase& ball = store.info(store.find("ball/1"));
  EXPECT_EQ(ball.patient, "p-ball/1");
  EXPECT_EQ(ball.split, "train");
  EXPECT_EQ(ball.channels, 2);
  EXPECT_TRUE(ball.has_labels);
  EXPECT_TRUE(ball.geometry.affine() == first_.geometry.affine());
  EXPECT_EQ(ball.geometry.size, first_.geometry.size);
  EXPECT_TRUE(ball.source.affine() == oblique_grid().affine());
  ASSERT_EQ(ball.targets.size(), 3U);
  EXPECT_EQ(ball.targets[0], 1);
  EXPECT_TRUE(std::isnan(ball.targets[1]));
  EXPECT_EQ(ball.targets[2], 0.25);
  ASSERT_EQ(ball.label_fractions.size(), 3U);
  EXPECT_NEAR(ball.label_fractions[0], 1.0 / 3, 0.01);
  EXPECT_EQ(ball.label_fractions[1], 0);
  EXPECT_NEAR(ball.label_fractions[2], 1.0 / 3, 0.01);
  EXPECT_EQ(recipe_difference(store.recipe(), recipe_), "");
  EXPECT_FALSE(store.info(1).has_labels);
  EXPECT_TRUE(store.verify().empty());
}

TEST_F(VolumeStoreTest, HoldsPositionsOfEachClassAndOfTheBody) {
  write_all(folder());
  const VolumeStore store(folder());
  const std::int64_t ball = store.find("ball/1");

  // A 32nd of the 35696 and 35730 voxels of the two classes.
  ASSERT_EQ(store.positions(ball, 1).size(), 1115U);
  ASSERT_EQ(store.positions(ball, 3).size(), 1116U);
  for (const std::int64_t value : {1, 3}) {
    for (const std::array<std::int32_t, 3>& at : store.positions(ball, value)) {
      ASSERT_EQ(labels_.at(at[0], at[1], at[2]), value);
    }
  }
  EXPECT_TRUE(store.positions(ball, 2).empty());
  EXPECT_GE(store.positions(ball, 0).size(), 1024U);
  EXPECT_TRUE(store.positions(store.find("plain"), 1).empty());
}

TEST_F(VolumeStoreTest, IsSmallerThanTheVoxelsItHolds) {
  write_all(folder());

  // Two channels of float32 and a label map of uint16 are 10 bytes a voxel; measured here: 3.4, of
  // which a part are sampling positions.
  EXPECT_LT(std::filesystem::file_size(ball_file()), first_.voxels.size() * 4);
}

TEST_F(VolumeStoreTest, NoticesABitFlippedInAnyRegionOfAFile) {
  write_all(folder());
  const std::size_t length = std::filesystem::file_size(ball_file());
  const std::vector<std::byte> whole = read_bytes(ball_file());

  // 60 places: header, metadata, block table, positions, payload of the channels and of the labels.
  for (std::size_t step = 0; step < 60; ++step) {
    const std::size_t at = step < 10 ? step * 13 : step * (length - 1) / 59;
    damage(at);
    const VolumeStore store(folder());

    const std::vector<std::string> sentences = store.verify();

    ASSERT_EQ(sentences.size(), 1U) << "byte " << at << " of " << length;
    write_atomically(ball_file(), whole);
  }
}

TEST_F(VolumeStoreTest, RefusesADamagedBlockWhenItIsReadNamingTheCase) {
  write_all(folder());
  damage(std::filesystem::file_size(ball_file()) - 100);  // labels of the last blocks
  const VolumeStore store(folder());
  std::vector<float> image(8);
  std::vector<std::uint8_t> classes(70 * 45 * 34);

  store.read_image(0, 0, {{0, 0, 0}, {2, 2, 2}}, 0, image);
  const std::string message = error_of(ErrorCode::kUnreadable, [&] {
    store.read_labels(0, {{0, 0, 0}, {70, 45, 34}}, classes);
  });

  EXPECT_NE(message.find("case ball/1 is damaged"), std::string::npos) << message;
}

TEST_F(VolumeStoreTest, RefusesAFileThatIsCutShort) {
  write_all(folder());
  std::filesystem::resize_file(ball_file(), std::filesystem::file_size(ball_file()) / 2);
  const VolumeStore store(folder());
  std::vector<float> image(8);

  const std::string message = error_of(ErrorCode::kUnreadable, [&] {
    store.read_image(0, 0, {{0, 0, 0}, {2, 2, 2}}, 0, image);
  });

  EXPECT_NE(message.find("case ball/1"), std::string::npos) << message;
}

TEST_F(VolumeStoreTest, RefusesAFileOfANewerFormatByItsVersion) {
  write_all(folder());
  std::vector<std::byte> bytes = read_bytes(ball_file());
  bytes[8] = std::byte{7};
  write_atomically(ball_file(), bytes);
  const VolumeStore store(folder());
  std::vector<float> image(8);

  const std::string message = error_of(ErrorCode::kUnsupported, [&] {
    store.read_image(0, 0, {{0, 0, 0}, {2, 2, 2}}, 0, image);
  });

  EXPECT_NE(message.find("version 7"), std::string::npos) << message;
}

TEST_F(VolumeStoreTest, RefusesADamagedIndex) {
  write_all(folder());
  std::string index = read_text(folder() / "index.json");
  index.replace(index.find("p-plain"), 7, "p-other");
  write_atomically(folder() / "index.json", index);

  EXPECT_NE(error_of(ErrorCode::kUnreadable, [&] { VolumeStore store(folder()); }).find("checksum"),
            std::string::npos);
}

// Found by fuzzing: the checksum of such an index ran out of stack.
TEST_F(VolumeStoreTest, RefusesAnIndexNestedAHundredThousandDeep) {
  write_atomically(folder() / "index.json",
                   R"({"format":"marrow-volume-store","version":1,"checksum":"0","store":)" +
                       std::string(100'000, '[') + std::string(100'000, ']') + "}");

  EXPECT_NE(error_of(ErrorCode::kUnreadable, [&] { VolumeStore store(folder()); }).find("damaged"),
            std::string::npos);
}

TEST_F(VolumeStoreTest, IsNoStoreBeforeItIsFinished) {
  {
    VolumeStoreWriter writer(folder(), recipe_);
    add_missing(writer);
  }

  EXPECT_NE(error_of(ErrorCode::kNothingFound, [&] { VolumeStore store(folder()); })
                .find("no finished store"),
            std::string::npos);
}

TEST_F(VolumeStoreTest, GoesOnAfterAnInterruptionAndEndsWithTheSameBytes) {
  const std::filesystem::path undisturbed = temporary_.path() / "undisturbed";
  write_all(undisturbed);
  write_all(folder());
  std::filesystem::remove(folder() / "index.json");
  std::filesystem::resize_file(folder() / "plain.mvol", 700);
  write_atomically(folder() / "other.mvol.tmp", std::string_view("half"));
  const auto untouched = std::filesystem::last_write_time(ball_file());

  {
    VolumeStoreWriter writer(folder(), recipe_);
    EXPECT_TRUE(writer.has("ball/1"));
    EXPECT_FALSE(writer.has("plain"));
    add_missing(writer);
    writer.finish();
  }

  EXPECT_EQ(folder_content(folder()), folder_content(undisturbed));
  EXPECT_EQ(std::filesystem::last_write_time(ball_file()), untouched);
}

TEST_F(VolumeStoreTest, RefusesAnotherRecipeNamingTheDifference) {
  write_all(folder());
  RecipeOptions other;
  other.upper_percentile = 98;

  const std::string finished =
      error_of(ErrorCode::kRefused, [&] { VolumeStoreWriter writer(folder(), other); });
  std::filesystem::remove(folder() / "index.json");
  const std::string unfinished =
      error_of(ErrorCode::kRefused, [&] { VolumeStoreWriter writer(folder(), other); });

  EXPECT_NE(finished.find("upper_percentile 99.5 against 98"), std::string::npos) << finished;
  EXPECT_NE(unfinished.find("upper_percentile 99.5 against 98"), std::string::npos) << unfinished;
}

TEST_F(VolumeStoreTest, RefusesTwoWritersInOneFolder) {
  const VolumeStoreWriter writer(folder(), recipe_);

  EXPECT_NE(error_of(ErrorCode::kRefused, [&] { VolumeStoreWriter second(folder(), recipe_); })
                .find("in use"),
            std::string::npos);
}

TEST_F(VolumeStoreTest, RefusesLabelsOver255) {
  labels_.voxels[3] = 256;
  VolumeStoreWriter writer(folder(), recipe_);

  const std::string message = error_of(ErrorCode::kUnsupported, [&] {
    writer.add(named("ball/1", oblique_grid()), std::vector<Volume>{first_}, &labels_);
  });

  EXPECT_NE(message.find("label value 256"), std::string::npos) << message;
}

TEST_F(VolumeStoreTest, RefusesQuestionsThatMakeNoSense) {
  write_all(folder());
  const VolumeStore store(folder());
  std::vector<float> image(8);
  std::vector<std::uint8_t> classes(8);

  EXPECT_NE(error_of(ErrorCode::kInvalidArgument,
                     [&] {
                       store.read_image(5, 0, {{0, 0, 0}, {2, 2, 2}}, 0, image);
                     })
                .find("no case 5"),
            std::string::npos);
  EXPECT_NE(error_of(ErrorCode::kInvalidArgument,
                     [&] {
                       store.read_image(1, 1, {{0, 0, 0}, {2, 2, 2}}, 0, image);
                     })
                .find("no channel 1"),
            std::string::npos);
  EXPECT_NE(error_of(ErrorCode::kInvalidArgument,
                     [&] {
                       store.read_image(1, 0, {{0, 0, 0}, {2, 2, 3}}, 0, image);
                     })
                .find("room for 8"),
            std::string::npos);
  EXPECT_NE(error_of(ErrorCode::kInvalidArgument,
                     [&] {
                       store.read_labels(1, {{0, 0, 0}, {2, 2, 2}}, classes);
                     })
                .find("no labels"),
            std::string::npos);
}

TEST_F(VolumeStoreTest, ServesSeveralThreadsAtOnce) {
  write_all(folder());
  const VolumeStore store(folder());
  const VolumeStore other(folder());  // shares the threads' caches, not their content
  std::vector<float> whole(first_.voxels.size());
  other.read_image(0, 0, {{0, 0, 0}, {70, 45, 34}}, 0, whole);
  std::atomic<int> wrong{0};

  {
    std::vector<std::jthread> threads;
    for (std::uint64_t thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&, thread] {
        Rng rng(thread);
        std::vector<float> crop(20 * 20 * 20);
        for (int round = 0; round < 50; ++round) {
          const Box box{{rng.below(50), rng.below(25), rng.below(14)}, {20, 20, 20}};
          store.read_image(0, 0, box, 0, crop);
          const std::int64_t i = rng.below(20);
          const float expected =
              whole[first_.offset(box.start[0] + i, box.start[1] + 3, box.start[2] + 7)];
          wrong += crop[static_cast<std::size_t>(i + 20 * (3 + 20 * 7))] == expected ? 0 : 1;
        }
      });
    }
  }

  EXPECT_EQ(wrong.load(), 0);
}

TEST_F(VolumeStoreTest, HasAFingerprintOfItsContent) {
  const std::filesystem::path again = temporary_.path() / "again";
  const std::filesystem::path changed = temporary_.path() / "changed";
  write_all(folder());
  write_all(again);
  labels_.voxels[0] = static_cast<std::uint16_t>(labels_.voxels[0] + 1);
  write_all(changed);

  EXPECT_EQ(VolumeStore(folder()).fingerprint().size(), 64U);
  EXPECT_EQ(VolumeStore(folder()).fingerprint(), VolumeStore(again).fingerprint());
  EXPECT_NE(VolumeStore(folder()).fingerprint(), VolumeStore(changed).fingerprint());
}

TEST_F(VolumeStoreTest, ReplacesACaseThatIsAddedAgain) {
  write_all(folder());
  {
    VolumeStoreWriter writer(folder(), recipe_);
    StoredCase info = named("plain", oblique_grid());
    info.split = "validation";
    writer.add(info, std::vector<Volume>{plain_}, nullptr);
    EXPECT_FALSE(std::filesystem::exists(folder() / "index.json"))
        << "it describes the file that was exchanged";
    writer.finish();
  }

  const VolumeStore store(folder());
  EXPECT_EQ(store.size(), 2);
  EXPECT_EQ(store.info(1).split, "validation");
}

TEST(StoreFileName, KeepsPlainKeysAndEscapesTheRest) {
  EXPECT_EQ(case_file_name("hippocampus_001"), "hippocampus_001.mvol");
  EXPECT_EQ(case_file_name("../a b"), "%2E.%2Fa%20b.mvol");
  EXPECT_NE(case_file_name(std::string(400, 'a')), case_file_name(std::string(401, 'a')));
  EXPECT_LT(case_file_name(std::string(400, 'a')).size(), 255U);
}

}  // namespace
}  // namespace marrow
