#include "volumes/reduction/fingerprint_bytes.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <span>
#include <string>

#include <gtest/gtest.h>

#include "core/digest.h"

namespace marrow {
namespace {

CaseFingerprint made_fingerprint() {
  CaseFingerprint made;
  made.axis = 1;
  made.voxels = 60;
  made.slices = {{1, 2, 3.5F, 2}, {4, 5, 6.5F, 1}, {7, 8, 0, 0}};
  made.voxel_digest = "4x3x5:0123456789abcdef";
  made.hash = {9, 10, 11};
  made.spacing_mm = {0.5, 2, 3};
  made.mean = -12;
  made.deviation = 3;
  made.empty_share = 0.25;
  made.not_finite_share = 0.125;
  made.flags = {"nothing", "", "water"};
  return made;
}

// As if whoever changed the bytes had made the checksum fit.
std::string with_checksum(std::string bytes) {
  const std::string_view content = std::string_view(bytes).substr(0, bytes.size() - 8);
  const std::uint64_t sum = xxh3(std::as_bytes(std::span(content)));
  std::memcpy(bytes.data() + content.size(), &sum, sizeof sum);
  return bytes;
}

TEST(FingerprintBytes, SurviveTheCache) {
  const CaseFingerprint made = made_fingerprint();

  const auto read = fingerprint_from_bytes(fingerprint_to_bytes(made));

  ASSERT_TRUE(read);
  EXPECT_EQ(read->axis, 1);
  EXPECT_EQ(read->voxels, 60);
  EXPECT_EQ(read->voxel_digest, made.voxel_digest);
  EXPECT_EQ(read->hash, made.hash);
  EXPECT_EQ(read->spacing_mm, made.spacing_mm);
  EXPECT_EQ(read->mean, -12);
  EXPECT_EQ(read->deviation, 3);
  EXPECT_EQ(read->empty_share, 0.25);
  EXPECT_EQ(read->not_finite_share, 0.125);
  EXPECT_EQ(read->flags.blank + read->flags.scout + read->flags.phantom, "nothingwater");
  ASSERT_EQ(read->size(), 3);
  EXPECT_EQ(read->slices[1].difference_hash, 4U);
  EXPECT_EQ(read->slices[1].perceptual_hash, 5U);
  EXPECT_EQ(read->slices[1].entropy_bits, 6.5F);
  EXPECT_EQ(read->slices[1].source, 1);
}

TEST(FingerprintBytes, CutExtendedAndFlippedOnesAreRefused) {
  const std::string bytes = fingerprint_to_bytes(made_fingerprint());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(fingerprint_from_bytes(bytes.substr(0, size))) << size;
    for (int bit = 0; bit < 8; ++bit) {
      std::string copy = bytes;
      copy[size] = static_cast<char>(copy[size] ^ (1 << bit));
      EXPECT_FALSE(fingerprint_from_bytes(copy)) << "byte " << size << ", bit " << bit;
    }
  }
  EXPECT_FALSE(fingerprint_from_bytes(bytes + '\0'));
  EXPECT_FALSE(fingerprint_from_bytes(bytes + bytes));
}

// Sizes that only the bytes claim, and the like: what is read is what would be written.
TEST(FingerprintBytes, OfOtherContentAreRefusedOrReadAsTheyAre) {
  const std::string bytes = fingerprint_to_bytes(made_fingerprint());
  for (std::size_t at = 0; at + 8 < bytes.size(); ++at) {
    for (const char value : {'\0', '\x01', '\x7f', '\x80', '\xff'}) {
      for (const std::size_t width : {1, 8}) {
        std::string copy = bytes;
        for (std::size_t n = at; n < std::min(at + width, bytes.size() - 8); ++n) {
          copy[n] = value;
        }
        copy = with_checksum(copy);
        if (const auto read = fingerprint_from_bytes(copy)) {
          EXPECT_EQ(fingerprint_to_bytes(*read), copy) << "byte " << at;
        }
      }
    }
  }
}

TEST(FingerprintBytes, WhatNoVolumeHasIsRefused) {
  const auto refuses = [](const auto& change) {
    CaseFingerprint made = made_fingerprint();
    change(made);
    return !fingerprint_from_bytes(fingerprint_to_bytes(made));
  };

  EXPECT_FALSE(refuses([](CaseFingerprint&) {}));
  EXPECT_TRUE(refuses([](CaseFingerprint& made) { made.axis = 3; }));
  EXPECT_TRUE(refuses([](CaseFingerprint& made) { made.axis = -1; }));
  EXPECT_TRUE(refuses([](CaseFingerprint& made) { made.voxels = 2; }));
  EXPECT_TRUE(refuses([](CaseFingerprint& made) { made.slices.clear(); }));
  EXPECT_TRUE(refuses([](CaseFingerprint& made) { made.slices[0].source = 3; }));
  EXPECT_TRUE(refuses([](CaseFingerprint& made) { made.slices[0].source = -1; }));
  EXPECT_TRUE(refuses([](CaseFingerprint& made) { made.slices[2].entropy_bits = NAN; }));
  EXPECT_TRUE(refuses([](CaseFingerprint& made) { made.spacing_mm[1] = 0; }));
  EXPECT_TRUE(refuses([](CaseFingerprint& made) { made.spacing_mm[2] = INFINITY; }));
  EXPECT_TRUE(refuses([](CaseFingerprint& made) { made.mean = NAN; }));
  EXPECT_TRUE(refuses([](CaseFingerprint& made) { made.deviation = -1; }));
  EXPECT_TRUE(refuses([](CaseFingerprint& made) { made.empty_share = 1.5; }));
  EXPECT_TRUE(refuses([](CaseFingerprint& made) { made.not_finite_share = NAN; }));
}

}  // namespace
}  // namespace marrow
