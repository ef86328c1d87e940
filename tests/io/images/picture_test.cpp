#include "io/images/picture.h"

#include <cstdio>
#include <filesystem>
#include <map>

#include <gmock/gmock.h>
#include <png.h>

#include "core/files.h"
#include "io/datasets/dataset_reader.h"
#include "io/file_error.h"
#include "io/worker/worker_client.h"
#include "tests/support/jpeg_stream.h"
#include "tests/support/nifti_bytes.h"

namespace marrow {
namespace {

using testing::Bytes;
using testing::jpeg_bytes;
using testing::write_file;

constexpr std::uint64_t kPictureMemory = std::uint64_t{1} << 26;

struct PngAsked {
  int width = 3;
  int height = 2;
  int type = PNG_COLOR_TYPE_GRAY;
  int bits = 8;
  int interlace = PNG_INTERLACE_NONE;
};

// `rows`: the samples as PNG stores them.
Bytes png_bytes(const PngAsked& asked, std::vector<png_byte> rows) {
  Bytes out;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(
      png,
      &out,
      [](png_structp p, png_bytep data, std::size_t count) {
        auto& bytes = *static_cast<Bytes*>(png_get_io_ptr(p));
        const auto* start = reinterpret_cast<const std::byte*>(data);
        bytes.insert(bytes.end(), start, start + count);
      },
      nullptr);
  png_set_IHDR(png,
               info,
               static_cast<png_uint_32>(asked.width),
               static_cast<png_uint_32>(asked.height),
               asked.bits,
               asked.type,
               asked.interlace,
               PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  const png_color palette[2] = {{10, 10, 10}, {200, 100, 50}};
  if (asked.type == PNG_COLOR_TYPE_PALETTE) {
    png_set_PLTE(png, info, palette, 2);
  }
  png_write_info(png, info);
  std::vector<png_bytep> pointers;
  const std::size_t row_bytes = rows.size() / static_cast<std::size_t>(asked.height);
  for (int row = 0; row < asked.height; ++row) {
    pointers.push_back(rows.data() + static_cast<std::size_t>(row) * row_bytes);
  }
  png_write_image(png, pointers.data());
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return out;
}

class PictureTest : public ::testing::Test {
 protected:
  std::filesystem::path path(const std::string& name) const { return folder_.path() / name; }

  std::vector<float> pixels(const Bytes& bytes, std::int64_t channel = -1) const {
    write_file(path("x"), bytes);
    const Volume volume = read_picture(path("x"), channel, kPictureMemory);
    return {volume.voxels.begin(), volume.voxels.end()};
  }

  std::string reason(const Bytes& bytes, std::int64_t channel = -1) const {
    try {
      static_cast<void>(pixels(bytes, channel));
    } catch (const FileError& error) {
      return error.reason_code();
    }
    return "read";
  }

  std::string label_reason(const Bytes& bytes) const {
    write_file(path("x"), bytes);
    try {
      static_cast<void>(read_picture_labels(path("x"), kPictureMemory));
    } catch (const FileError& error) {
      return error.reason_code();
    }
    return "read";
  }

 private:
  TemporaryFolder folder_;
};

TEST_F(PictureTest, GreyValuesArriveAsStored) {
  EXPECT_EQ(pixels(png_bytes({}, {0, 1, 2, 3, 4, 255})), (std::vector<float>{0, 1, 2, 3, 4, 255}));
  EXPECT_EQ(pixels(png_bytes({.width = 1, .height = 2, .bits = 16}, {1, 2, 255, 255})),
            (std::vector<float>{258, 65535}));
  EXPECT_EQ(pixels(png_bytes({.width = 3, .height = 1, .bits = 1}, {0xa0})),
            (std::vector<float>{255, 0, 255}));
  const Bytes interlaced = png_bytes({.interlace = PNG_INTERLACE_ADAM7}, {0, 1, 2, 3, 4, 255});
  EXPECT_EQ(pixels(interlaced), (std::vector<float>{0, 1, 2, 3, 4, 255}));
}

TEST_F(PictureTest, ColoursAreChannelsOrLuma) {
  const Bytes bytes =
      png_bytes({.width = 2, .height = 1, .type = PNG_COLOR_TYPE_RGB}, {100, 50, 10, 77, 77, 77});

  EXPECT_EQ(pixels(bytes, 0), (std::vector<float>{100, 77}));
  EXPECT_EQ(pixels(bytes, 1), (std::vector<float>{50, 77}));
  EXPECT_EQ(pixels(bytes, 2), (std::vector<float>{10, 77}));
  EXPECT_NEAR(pixels(bytes)[0], 0.299 * 100 + 0.587 * 50 + 0.114 * 10, 1e-4);
  EXPECT_EQ(pixels(bytes)[1], 77);  // exactly: nothing is rounded where the channels are equal
  EXPECT_EQ(reason(bytes, 3), "no-such-volume");
  EXPECT_EQ(reason(png_bytes({}, {0, 1, 2, 3, 4, 5}), 1), "no-such-volume");
}

TEST_F(PictureTest, PalettesAreExpandedAndTransparencyIsBlack) {
  const Bytes palette =
      png_bytes({.width = 2, .height = 1, .type = PNG_COLOR_TYPE_PALETTE}, {0, 1});
  EXPECT_EQ(pixels(palette, 1), (std::vector<float>{10, 100}));

  const Bytes alpha = png_bytes({.width = 3, .height = 1, .type = PNG_COLOR_TYPE_GRAY_ALPHA},
                                {200, 255, 200, 0, 200, 51});
  EXPECT_EQ(pixels(alpha), (std::vector<float>{200, 0, 40}));
}

TEST_F(PictureTest, ReadsGreyAndColourJpeg) {
  EXPECT_EQ(pixels(jpeg_bytes(2, 1, {90})), (std::vector<float>{90, 90}));
  const std::vector<float> red = pixels(jpeg_bytes(16, 16, {200, 40, 60}), 0);
  ASSERT_EQ(red.size(), 256U);
  EXPECT_NEAR(red[0], 200, 2);
}

TEST_F(PictureTest, IsAVolumeOfOneSlice) {
  write_file(path("x.png"), png_bytes({}, {0, 1, 2, 3, 4, 5}));

  const Volume volume = read_picture(path("x.png"), -1, kPictureMemory);

  EXPECT_EQ(volume.geometry.size, (Size3{3, 2, 1}));
  EXPECT_EQ(volume.geometry.spacing, Eigen::Vector3d(1, 1, 1));
  EXPECT_EQ(volume.at(2, 1, 0), 5);
}

TEST_F(PictureTest, RefusesEveryTruncation) {
  for (const Bytes& whole : {png_bytes({}, {0, 1, 2, 3, 4, 5}), jpeg_bytes(9, 9, {90, 10, 40})}) {
    for (std::size_t length = 0; length < whole.size(); ++length) {
      const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
      EXPECT_NE(reason(cut), "read") << "cut at " << length;
    }
  }
}

TEST_F(PictureTest, RefusesDamageAndBombsWithinTheMemoryLimit) {
  Bytes changed = png_bytes({}, {0, 1, 2, 3, 4, 5});
  changed[changed.size() - 20] ^= std::byte{1};  // within the pixels, which their CRC guards
  EXPECT_EQ(reason(changed), "damaged-picture");

  const PngAsked bomb{.width = 20000, .height = 10000, .bits = 1};
  const Bytes packed = png_bytes(bomb, std::vector<png_byte>(2500 * 10000));
  EXPECT_LT(packed.size(), 100'000U);
  EXPECT_EQ(reason(packed), "too-large");
}

TEST_F(PictureTest, OnlyGreyPngHoldsLabels) {
  EXPECT_EQ(label_reason(png_bytes({}, {0, 1, 2, 3, 4, 5})), "read");
  EXPECT_EQ(
      label_reason(png_bytes({.width = 1, .height = 1, .type = PNG_COLOR_TYPE_RGB}, {1, 1, 1})),
      "not-labels");
  EXPECT_EQ(label_reason(png_bytes({.width = 1, .height = 1, .type = PNG_COLOR_TYPE_PALETTE}, {1})),
            "not-labels");
  EXPECT_EQ(label_reason(jpeg_bytes(2, 2, {1})), "not-labels");
}

TEST_F(PictureTest, IsReadByTheLimitedChild) {
  write_file(path("x.png"), png_bytes({}, {0, 1, 2, 3, 4, 5}));
  const std::vector<std::filesystem::path> file{path("x.png")};
  WorkerClient client;

  EXPECT_EQ(client.volume(file).at(2, 1, 0), 5);
  EXPECT_EQ(client.volume(file, 0).at(2, 1, 0), 5);
  EXPECT_EQ(client.labels(file).at(2, 1, 0), 5);
  EXPECT_EQ(client.geometry(file).size, (Size3{3, 2, 1}));
  EXPECT_EQ(
      testing::error_of(ErrorCode::kInvalidArgument, [&] { (void)client.volume(file, 2); }).empty(),
      false);
}

class PictureSetsData : public ::testing::Test {
 protected:
  static std::filesystem::path folder(const char* name) {
    return std::filesystem::path(MARROW_SHARED_DATA) / name;
  }
};

TEST_F(PictureSetsData, EveryPictureOfThePublicSetsIsRead) {
  std::map<std::string, int> found;
  for (const char* const name : {"mednist", "covid_ct_png", "headct_hemorrhage_png"}) {
    if (!std::filesystem::exists(folder(name))) {
      GTEST_SKIP() << "the data set " << name << " is absent";
    }
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder(name))) {
      if (!entry.is_regular_file() || !is_picture(entry.path())) {
        continue;
      }
      const Volume volume = read_picture(entry.path(), -1, std::uint64_t{1} << 30);
      EXPECT_GT(volume.geometry.voxels(), 0);
      ++found[name];
    }
  }
  EXPECT_EQ(found["mednist"], 1800);
  EXPECT_EQ(found["covid_ct_png"], 180);
  EXPECT_EQ(found["headct_hemorrhage_png"], 112);
}

TEST_F(PictureSetsData, MednistIsAFolderPerClass) {
  if (!std::filesystem::exists(folder("mednist"))) {
    GTEST_SKIP() << "the data set mednist is absent";
  }

  const Dataset dataset = read_dataset(folder("mednist"));

  ASSERT_EQ(dataset.classes.size(), 6U);
  EXPECT_EQ(dataset.classes.front().name, "AbdomenCT");
  EXPECT_EQ(dataset.cases.size(), 1800U);
}

}  // namespace
}  // namespace marrow
