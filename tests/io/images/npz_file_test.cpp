#include "io/images/npz_file.h"

#include <cstring>
#include <random>
#include <string>

#include <gmock/gmock.h>

#include "core/error.h"
#include "core/files.h"
#include "io/file_error.h"
#include "tests/support/nifti_bytes.h"
#include "tests/support/npz_made.h"

namespace marrow {

namespace {

using testing::counted_items;
using ::testing::HasSubstr;
using testing::npy;
using testing::zip;

constexpr std::uint64_t kNpzMemory = std::uint64_t{1} << 20;

class NpzFileTest : public ::testing::Test {
 protected:
  std::filesystem::path write(const std::string& bytes) const {
    testing::write_file(file_, std::string_view(bytes));
    return file_;
  }

  std::string refusal(const std::string& bytes, std::uint64_t memory = kNpzMemory) const {
    try {
      NpzFile npz(write(bytes), memory);
      for (int part = 0; part < NpzFile::kParts; ++part) {
        static_cast<void>(npz.labels(part));
      }
      static_cast<void>(npz.image(0));
    } catch (const FileError& error) {
      return error.reason_code();
    }
    return "";
  }

  // Two training images of 2x3 and one for the test.
  static std::string grey(bool deflated = true) {
    return zip({{"train_images.npy", npy("(2, 2, 3)", counted_items(12))},
                {"train_labels.npy", npy("(2, 1)", "\x04\x07")},
                {"test_images.npy", npy("(1, 2, 3)", counted_items(6))},
                {"test_labels.npy", npy("(1, 1)", "\x01")}},
               deflated);
  }

  TemporaryFolder folder_;
  std::filesystem::path file_ = folder_.path() / "x.npz";
};

TEST_F(NpzFileTest, GreyImagesAreNumberedThroughTheParts) {
  for (const bool deflated : {false, true}) {
    NpzFile npz(write(grey(deflated)), kNpzMemory);

    const Volume second = npz.image(1);
    EXPECT_EQ(second.geometry.size, (Size3{3, 2, 1}));
    EXPECT_EQ(second.at(0, 0, 0), 6);
    EXPECT_EQ(second.at(2, 1, 0), 11);
    EXPECT_EQ(npz.image(2).at(2, 1, 0), 5);  // of the test part
    EXPECT_EQ(npz.image(0).at(1, 0, 0), 1);  // and back
    EXPECT_THROW(static_cast<void>(npz.image(3)), FileError);
    EXPECT_THROW(static_cast<void>(npz.image(-1)), FileError);
    EXPECT_EQ(npz.labels(0).at(0, 1, 0), 7);
    EXPECT_EQ(npz.labels(1).at(0, 0, 0), -1);  // there is no val
    EXPECT_EQ(npz.labels(2).at(0, 0, 0), 1);
  }
}

TEST_F(NpzFileTest, ColoursBecomeGreyAndVolumesKeepTheirSlices) {
  NpzFile colour(write(zip({{"val_images.npy", npy("(1, 1, 2, 3)", "\x0a\x0a\x0a\x64\x32\x0a")},
                            {"val_labels.npy", npy("(1, 3)", std::string("\1\0\1", 3))}},
                           true)),
                 kNpzMemory);
  EXPECT_EQ(colour.image(0).at(0, 0, 0), 10);
  EXPECT_NEAR(colour.image(0).at(1, 0, 0), 0.299 * 100 + 0.587 * 50 + 0.114 * 10, 1e-4);
  EXPECT_EQ(colour.labels(1).geometry.size, (Size3{3, 1, 1}));

  NpzFile volumes(write(zip({{"train_images.npy", npy("(2, 4, 5, 6)", counted_items(240))},
                             {"train_labels.npy", npy("(2, 1)", std::string("\0\1", 2))}},
                            true)),
                  kNpzMemory);
  const Volume second = volumes.image(1);
  EXPECT_EQ(second.geometry.size, (Size3{6, 5, 4}));
  EXPECT_EQ(second.at(1, 2, 3), static_cast<float>(120 + 3 * 30 + 2 * 6 + 1));
}

TEST_F(NpzFileTest, WhatIsNoDataSetIsRefusedByName) {
  const std::string images = npy("(2, 2, 3)", counted_items(12));
  EXPECT_EQ(refusal(zip({{"a.npy", images}}, true)), "no-images");
  EXPECT_EQ(refusal(zip({{"train_images.npy", images}}, true)), "damaged-npy");
  EXPECT_EQ(
      refusal(
          zip({{"train_images.npy", images}, {"train_labels.npy", npy("(3, 1)", "\1\1\1")}}, true)),
      "damaged-npy");
  EXPECT_EQ(refusal(zip({{"train_images.npy", npy("(2, 2, 3)", counted_items(96), "<f8")},
                         {"train_labels.npy", npy("(2, 1)", "\1\1")}},
                        true)),
            "unsupported-npy");
  EXPECT_EQ(refusal(zip({{"train_images.npy", npy("(2, 2)", counted_items(4))},
                         {"train_labels.npy", npy("(2, 1)", "\1\1")}},
                        true)),
            "unsupported-npy");
  EXPECT_EQ(refusal(zip({{"train_images.npy", npy("(4294967296, 4294967296, 16)", "x")},
                         {"train_labels.npy", npy("(2, 1)", "\1\1")}},
                        true)),
            "damaged-npy");
  EXPECT_EQ(refusal(grey(), 100), "too-large");
  EXPECT_EQ(refusal(std::string("PK\3\4 and no more")), "damaged-zip");
}

TEST_F(NpzFileTest, ABombIsRefusedBeforeItIsUnpacked) {
  // The size of the first two members in the directory, images and labels: 4 GB less one.
  for (const int entry : {0, 1}) {
    std::string bytes = grey();
    std::size_t at = bytes.find("PK\1\2");
    if (entry == 1) {
      at = bytes.find("PK\1\2", at + 1);
    }
    for (std::size_t n = 24; n < 28; ++n) {
      bytes[at + n] = static_cast<char>(0xF0);
    }
    EXPECT_EQ(refusal(bytes), "damaged-zip");
    EXPECT_EQ(refusal(bytes, std::uint64_t{1} << 40), "damaged-zip");
  }
}

TEST_F(NpzFileTest, LabelsThatTakeTooMuchMemoryAreRefused) {
  const std::string bytes = zip({{"train_images.npy", npy("(70000, 1, 1)", counted_items(70000))},
                                 {"train_labels.npy", npy("(70000, 1)", counted_items(70000))}},
                                true);
  EXPECT_EQ(refusal(bytes, 70000), "too-large");
  EXPECT_EQ(refusal(bytes, 80000), "");
}

TEST_F(NpzFileTest, APartLargerThanTheMemoryIsReadImageByImage) {
  const std::string items = counted_items(300 * 100 * 100);
  for (const bool deflated : {false, true}) {
    NpzFile npz(write(zip({{"train_images.npy", npy("(300, 100, 100)", items)},
                           {"train_labels.npy", npy("(300, 1)", counted_items(300))},
                           {"val_images.npy", npy("(3, 100, 1000)", items.substr(0, 300'000))},
                           {"val_labels.npy", npy("(3, 1)", "\1\2\3")}},
                          deflated)),
                20'000);
    EXPECT_EQ(npz.labels(0).geometry.size, (Size3{1, 300, 1}));
    for (std::int64_t n = 0; n < 300; ++n) {
      const std::int64_t index = n * 7 % 300;
      const Volume image = npz.image(index);
      for (const std::int64_t at : {0, 5000, 9999}) {
        EXPECT_EQ(image.voxels[static_cast<std::size_t>(at)], (index * 10'000 + at) % 251);
      }
    }
    try {
      static_cast<void>(npz.image(300));
      ADD_FAILURE() << "an image of 100 kB in 20 kB of memory";
    } catch (const FileError& error) {
      EXPECT_EQ(error.reason_code(), "too-large");
      EXPECT_THAT(error.what(), HasSubstr("an image of val_images.npy takes"));
    }
  }
}

TEST_F(NpzFileTest, AnImageIsGivenOnlyOfAPartWhoseChecksumHolds) {
  const std::string items = counted_items(40 * 20 * 20);
  for (const bool deflated : {false, true}) {
    const std::string whole = zip({{"train_images.npy", npy("(40, 20, 20)", items)},
                                   {"train_labels.npy", npy("(40, 1)", counted_items(40))}},
                                  deflated);
    const std::size_t first = 30 + std::string("train_images.npy").size() + 20;
    const std::size_t end = whole.find("PK\3\4", 1);
    for (std::size_t at = first; at < end - 1; at += deflated ? 1 : 37) {
      std::string bytes = whole;
      bytes[at] = static_cast<char>(bytes[at] ^ 0x10);
      try {
        NpzFile npz(write(bytes), kNpzMemory);
        const Volume image = npz.image(39);
        // Bits that say nothing: see ZipMemberTest.
        EXPECT_TRUE(deflated && at < first + 100) << "byte " << at << " of " << end;
        EXPECT_EQ(image.at(19, 19, 0), (40 * 20 * 20 - 1) % 251);
      } catch (const FileError&) {
      }
    }
  }
}

TEST_F(NpzFileTest, ADamagedPartIsRefusedAgainAndAgain) {
  std::string bytes = grey(false);
  char& damaged = bytes[bytes.find("train_labels.npy") - 31];  // the last of the images before it
  damaged = static_cast<char>(damaged ^ 1);
  NpzFile npz(write(bytes), kNpzMemory);
  for (const std::int64_t index : {0, 1, 0}) {
    try {
      static_cast<void>(npz.image(index));
      ADD_FAILURE() << index;
    } catch (const FileError& error) {
      EXPECT_EQ(error.reason_code(), "damaged-zip");
      EXPECT_THAT(error.what(), HasSubstr("train_images.npy has another checksum"));
    }
  }
  EXPECT_EQ(npz.image(2).at(2, 1, 0), 5);  // of the test part
}

TEST_F(NpzFileTest, EveryTruncationIsRefused) {
  for (const bool deflated : {false, true}) {
    const std::string whole = grey(deflated);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      EXPECT_NE(refusal(whole.substr(0, size)), "") << size;
    }
  }
}

TEST_F(NpzFileTest, DamageIsRefusedOrChangesNothing) {
  std::mt19937 random(3);
  for (const bool deflated : {false, true}) {
    const std::string whole = grey(deflated);
    for (int copy = 0; copy < 3000; ++copy) {
      std::string bytes = whole;
      const std::size_t at = random() % bytes.size();
      bytes[at] = static_cast<char>(static_cast<unsigned char>(bytes[at]) ^ (1U << random() % 8));
      if (refusal(bytes).empty()) {
        // A name that the reader does not ask for may have changed; voxels and labels may not.
        NpzFile npz(write(bytes), kNpzMemory);
        EXPECT_EQ(npz.image(0).at(2, 1, 0), 5) << at;
        const float label = npz.labels(0).at(0, 0, 0);
        EXPECT_TRUE(label == 4 || label == -1) << at;
      }
    }
  }
}

TEST(NpyArrays, ReadWholeNumbersOfEverySizeAndOrder) {
  const auto first = [](const std::string& type, const std::string& item) {
    const std::string text = npy("(1,)", item, type);
    std::vector<std::byte> bytes(text.size());
    std::memcpy(bytes.data(), text.data(), text.size());
    return parse_npy(std::move(bytes), "x").item(0);
  };

  EXPECT_EQ(first("|b1", "\1"), 1);
  EXPECT_EQ(first("|i1", "\xfe"), -2);
  EXPECT_EQ(first("<u2", std::string("\x01\x02", 2)), 513);
  EXPECT_EQ(first(">u2", std::string("\x01\x02", 2)), 258);
  EXPECT_EQ(first("<i8", std::string("\xff\xff\xff\xff\xff\xff\xff\xff", 8)), -1);
  EXPECT_THROW(first("<f4", "abcd"), FileError);
  EXPECT_THROW(first("|O", "a"), FileError);
}

}  // namespace

}  // namespace marrow
