#include "volumes/augment/augmenter.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/batches_store.h"
#include "volumes/augment/spatial.h"

namespace marrow {
namespace {

using testing::StoreCase;
using testing::TemporaryStore;
using testing::uneven;

std::uint16_t where_uneven_is_high(std::int64_t i, std::int64_t j, std::int64_t k) {
  return uneven(i, j, k) > 0.2F ? 3 : 0;
}

float second_channel(std::int64_t i, std::int64_t j, std::int64_t k) {
  return static_cast<float>(i - j + 2 * k) / 20.0F;
}

StoreCase two_channels() {
  return {"a", {33, 29, 23}, {uneven, second_channel}, where_uneven_is_high};
}

std::vector<float> stored(const VolumeStore& store, std::int64_t channel, const Box& box) {
  std::vector<float> values(static_cast<std::size_t>(box.size[0] * box.size[1] * box.size[2]));
  store.read_image(0, channel, box, 0.0F, values);
  return values;
}

std::vector<float> channel_of(const Example& example, std::size_t channel, std::size_t voxels) {
  const auto first = example.image.begin() + static_cast<std::ptrdiff_t>(channel * voxels);
  return {first, first + static_cast<std::ptrdiff_t>(voxels)};
}

// The first seed for which `wanted` holds.
template <class Wanted>
std::uint64_t seed_where(const AugmentOptions& options, const Size3& size, const Wanted& wanted) {
  for (std::uint64_t seed = 0; seed < 10000; ++seed) {
    if (wanted(draw_spatial(options, size, seed))) {
      return seed;
    }
  }
  ADD_FAILURE() << "no seed draws what the test needs";
  return 0;
}

TEST(Augmenter, CopiesThePatchExactlyWhenNothingIsAskedFor) {
  const TemporaryStore data({two_channels()});
  const Box box{{4, 5, 6}, {12, 10, 8}};

  const Example example = make_example(data.store(), {0, box, 99}, AugmentOptions{}, true);

  EXPECT_EQ(channel_of(example, 0, 960), stored(data.store(), 0, box));
  EXPECT_EQ(channel_of(example, 1, 960), stored(data.store(), 1, box));
  std::vector<std::uint8_t> labels(960);
  data.store().read_labels(0, box, labels);
  EXPECT_EQ(example.labels, labels);
}

TEST(Augmenter, LeavesLabelsEmptyWhenThereAreNoneOrNoneAreWanted) {
  const TemporaryStore data({two_channels(), {"b", {13, 11, 9}, {uneven}, std::nullopt}});
  const Box box{{0, 0, 0}, {5, 4, 3}};

  EXPECT_TRUE(make_example(data.store(), {data.find("a"), box, 1}, {}, false).labels.empty());
  EXPECT_TRUE(make_example(data.store(), {data.find("b"), box, 1}, {}, true).labels.empty());
}

TEST(Augmenter, MirrorsEachAxisExactly) {
  const TemporaryStore data({two_channels()});
  const Box box{{4, 5, 6}, {12, 9, 8}};
  AugmentOptions options;
  options.flip = 0.5;
  options.flip_axes = {"left-right", "front-back", "foot-head"};
  const std::vector<float> plain = stored(data.store(), 0, box);

  for (std::size_t axis = 0; axis < 3; ++axis) {
    const std::uint64_t seed = seed_where(options, box.size, [axis](const SpatialChange& change) {
      return change.flip[axis] && change.flip[(axis + 1) % 3] == false &&
             change.flip[(axis + 2) % 3] == false;
    });
    const Example example = make_example(data.store(), {0, box, seed}, options, true);

    std::array<std::int64_t, 3> at{};
    for (at[2] = 0; at[2] < 8; ++at[2]) {
      for (at[1] = 0; at[1] < 9; ++at[1]) {
        for (at[0] = 0; at[0] < 12; ++at[0]) {
          std::array<std::int64_t, 3> from = at;
          from[axis] = box.size[axis] - 1 - at[axis];
          const auto to_offset = static_cast<std::size_t>(at[0] + 12 * (at[1] + 9 * at[2]));
          const auto from_offset = static_cast<std::size_t>(from[0] + 12 * (from[1] + 9 * from[2]));
          ASSERT_EQ(example.image[to_offset], plain[from_offset]);
          ASSERT_EQ(example.labels[to_offset],
                    where_uneven_is_high(from[0] + 4, from[1] + 5, from[2] + 6));
        }
      }
    }
  }
}

TEST(Augmenter, TurnsByAQuarterAsTheArrayIsTurned) {
  // Isotropic grid; the map of make_example with the angle set by hand.
  const TemporaryStore data({{"a", {33, 29, 23}, {uneven}, where_uneven_is_high, {1.5, 1.5, 1.5}}});
  const Box box{{6, 7, 3}, {10, 10, 6}};
  SpatialChange change;
  change.degrees = {0, 0, 90};
  const SourceRegion region =
      source_region(box, inverse_map(change, data.store().info(0).geometry.spacing, box.size));
  std::vector<float> turned(600);

  interpolate_linear(
      stored(data.store(), 0, region.source), region.source.size, region.map, box.size, turned);

  const std::vector<float> plain = stored(data.store(), 0, box);
  for (std::size_t k = 0; k < 6; ++k) {
    for (std::size_t j = 0; j < 10; ++j) {
      for (std::size_t i = 0; i < 10; ++i) {
        ASSERT_EQ(turned[i + 10 * (j + 10 * k)], plain[j + 10 * (9 - i + 10 * k)]);
      }
    }
  }
}

TEST(Augmenter, ZoomsAnAnalyticRampToTheSlopeThatTheZoomGives) {
  const auto ramp = [](std::int64_t i, std::int64_t j, std::int64_t k) {
    return static_cast<float>(0.02 * static_cast<double>(i) - 0.03 * static_cast<double>(j) +
                              0.01 * static_cast<double>(k));
  };
  const TemporaryStore data({{"a", {40, 36, 30}, {ramp}, std::nullopt}});
  AugmentOptions options;
  options.scale = 1.0;
  options.scale_range = {1.25, 1.25};
  const Box box{{14, 12, 10}, {12, 10, 8}};

  const Example example = make_example(data.store(), {0, box, 3}, options, false);

  std::size_t n = 0;
  for (int k = 0; k < 8; ++k) {
    for (int j = 0; j < 10; ++j) {
      for (int i = 0; i < 12; ++i, ++n) {
        const double expected = 0.02 * (19.5 + (i - 5.5) / 1.25) -
                                0.03 * (16.5 + (j - 4.5) / 1.25) + 0.01 * (13.5 + (k - 3.5) / 1.25);
        ASSERT_NEAR(example.image[n], expected, 3e-4) << n;  // half a step of the store's 4095
      }
    }
  }
}

TEST(Augmenter, KeepsLabelsOnTheImageTheyWereMadeFrom) {
  const TemporaryStore data({two_channels()});
  AugmentOptions options;
  options.flip = 0.5;
  options.flip_axes = {"left-right", "front-back", "foot-head"};
  options.rotate = options.scale = 1.0;
  options.rotate_degrees = 40;
  // So far inside that no turned corner reaches the border, where the image fades into the
  // background and a label does not.
  const Box box{{10, 9, 8}, {12, 10, 7}};

  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Example example = make_example(data.store(), {0, box, seed}, options, true);
    int sure = 0;
    int wrong = 0;
    for (std::size_t n = 0; n < example.labels.size(); ++n) {
      // The nearest voxel is at most half a voxel away along each axis, where the image differs by
      // at most 0.5.
      if (std::abs(example.image[n] - 0.2F) > 0.52F) {
        ++sure;
        wrong += (example.image[n] > 0.2F) == (example.labels[n] == 3) ? 0 : 1;
      }
    }
    EXPECT_GT(sure, 300);
    EXPECT_EQ(wrong, 0) << seed;
  }
}

TEST(Augmenter, GivesTheSameBitsForTheSameSeedAndOthersForAnother) {
  const TemporaryStore data({two_channels()});
  AugmentOptions options;
  options.flip = 0.5;
  options.flip_axes = {"left-right", "front-back", "foot-head"};
  options.rotate = options.scale = options.noise = options.blur = options.gamma = 0.8;
  options.brightness = options.contrast = options.bias_field = 0.8;
  const Box box{{8, 8, 7}, {14, 12, 9}};

  std::set<std::vector<float>> images;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Example example = make_example(data.store(), {0, box, seed}, options, true);
    EXPECT_EQ(example.image, make_example(data.store(), {0, box, seed}, options, true).image);
    EXPECT_TRUE(std::all_of(example.image.begin(), example.image.end(), [](float value) {
      return std::isfinite(value);
    }));
    images.insert(example.image);
  }

  EXPECT_EQ(images.size(), 20U);
}

TEST(Augmenter, FillsTheOutsideOfAnMrVolumeWithTheSmallestValueNearby) {
  const TemporaryStore data({{"a", {6, 5, 4}, {uneven}, where_uneven_is_high}});
  const Box box{{-2, 0, -1}, {9, 5, 6}};
  const std::vector<float> inside = stored(data.store(), 0, {{0, 0, 0}, {6, 5, 4}});
  const float low = *std::min_element(inside.begin(), inside.end());

  const Example example = make_example(data.store(), {0, box, 3}, AugmentOptions{}, true);

  EXPECT_EQ(example.image[0], low);
  EXPECT_EQ(example.labels[0], 0);
  EXPECT_EQ(example.image[2 + 9 * (0 + 5 * 1)], inside[0]);
  EXPECT_EQ(example.image[7 + 9 * (4 + 5 * 4)], inside[5 + 6 * (4 + 5 * 3)]);
  EXPECT_EQ(example.image[8 + 9 * (4 + 5 * 4)], low);
  EXPECT_EQ(example.labels[3 + 9 * (2 + 5 * 1)], where_uneven_is_high(1, 2, 0));
}

TEST(Augmenter, FillsTheOutsideOfACtVolumeWithTheFloorOfItsWindow) {
  const TemporaryStore data({{"a", {6, 5, 4}, {uneven}, std::nullopt}}, "ct");

  const Example example =
      make_example(data.store(), {0, {{-2, 0, 0}, {4, 5, 4}}, 3}, AugmentOptions{}, false);

  EXPECT_EQ(example.image[0], -1.0F);
  EXPECT_EQ(example.image[1], -1.0F);
}

TEST(Augmenter, ReadsRealVoxelsBeyondThePatchWhenItTurns) {
  // A constant volume stays constant when the turned patch stays inside: no padding is invented.
  const TemporaryStore data({{"a",
                              {33, 29, 23},
                              {[](auto, auto, auto k) { return k > 20 ? -1.0F : 0.75F; }},
                              std::nullopt}});
  AugmentOptions options;
  options.rotate = 1.0;
  options.rotate_degrees = 10;
  const Box box{{10, 10, 8}, {12, 10, 5}};
  const float constant = stored(data.store(), 0, {{10, 10, 8}, {1, 1, 1}})[0];

  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    for (const float value : make_example(data.store(), {0, box, seed}, options, false).image) {
      ASSERT_NEAR(value, constant, 1e-6F);
    }
  }
}

TEST(Augmenter, AugmentsOneSliceWithoutTouchingItsNeighbours) {
  const TemporaryStore data({{"a",
                              {33, 29, 9},
                              {[](auto, auto, auto k) { return k == 4 ? 0.5F : -1.0F; }},
                              std::nullopt}});
  AugmentOptions options;
  options.flip = 0.5;
  options.flip_axes = {"left-right", "front-back", "foot-head"};
  options.rotate = options.scale = 1.0;
  options.rotate_degrees = 20;
  const Box box{{10, 9, 4}, {12, 10, 1}};
  const float value_of_slice = stored(data.store(), 0, {{10, 9, 4}, {1, 1, 1}})[0];

  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    for (const float value : make_example(data.store(), {0, box, seed}, options, false).image) {
      ASSERT_NEAR(value, value_of_slice, 1e-6F);
    }
  }
}

float slanted(std::int64_t i, std::int64_t j, std::int64_t) {
  return static_cast<float>(i) / 8.0F - static_cast<float>(j) / 16.0F;
}

TEST(Augmenter, EnlargesTheCroppedPartOfASlice) {
  const TemporaryStore data({{"a", {40, 36, 5}, {slanted}, std::nullopt}});
  const Box box{{4, 6, 2}, {20, 16, 1}};
  AugmentOptions options;
  options.crop = 1;
  const SpatialChange change = draw_spatial(options, box.size, 12);

  const Example example = make_example(data.store(), {0, box, 12}, options, false);

  // A linear picture stays linear; its places are those of the part.
  const double centre_i = 13.5 + change.crop_shift[0];
  const double centre_j = 13.5 + change.crop_shift[1];
  for (std::int64_t j = 0; j < 16; ++j) {
    for (std::int64_t i = 0; i < 20; ++i) {
      const double x = centre_i + change.crop_share[0] * (static_cast<double>(i) - 9.5);
      const double y = centre_j + change.crop_share[1] * (static_cast<double>(j) - 7.5);
      ASSERT_NEAR(example.image[static_cast<std::size_t>(i + 20 * j)], x / 8 - y / 16, 2e-3);
    }
  }
}

}  // namespace
}  // namespace marrow
