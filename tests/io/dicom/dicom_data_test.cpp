#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "core/digest.h"
#include "core/error.h"
#include "core/files.h"
#include "core/text.h"
#include "io/dicom/dicom_header.h"
#include "io/dicom/dicom_pixels.h"
#include "io/dicom/grouping.h"
#include "io/dicom/slice_checks.h"
#include "io/nifti/nifti.h"
#include "tests/support/dicom_series.h"

namespace marrow {

namespace {

namespace fs = std::filesystem;
using testing::files_below;

const fs::path kShared = MARROW_SHARED_DATA;

// Real files, which are not part of the repository.
#define SKIP_WITHOUT(folder)                                          \
  if (!fs::exists(kShared / (folder))) {                              \
    GTEST_SKIP() << (kShared / (folder)).string() << " is not there"; \
  }

std::vector<DicomHeader> headers_below(const fs::path& folder) {
  std::vector<DicomHeader> headers;
  for (const fs::path& file : files_below(folder)) {
    try {
      headers.push_back(read_dicom_header(file));
    } catch (const Error&) {
      // files that are no images are looked at elsewhere
    }
  }
  return headers;
}

std::vector<DicomStack> stacks_below(const fs::path& folder, bool use_derived = false) {
  GroupingOptions options;
  options.use_derived = use_derived;
  return group_dicom(headers_below(folder), options);
}

bool used(const DicomStack& stack) {
  return stack.verdict == Verdict::kUse || stack.verdict == Verdict::kSplit;
}

Volume read_stack(const DicomStack& stack) {
  std::vector<fs::path> files;
  for (const DicomHeader& slice : stack.slices) {
    files.push_back(slice.file);
  }
  std::reverse(files.begin(), files.end());
  return read_dicom_stack(files);
}

TEST(DicomSeriesData, ProstateSeriesKeepTheirGridsAndTheMissingSliceIsNoticed) {
  SKIP_WITHOUT("prostatex_dicom");
  std::map<std::string, std::vector<DicomStack>> by_folder;
  for (DicomStack& stack : stacks_below(kShared / "prostatex_dicom" / "ProstateX-0000", true)) {
    by_folder[stack.slices[0].file.parent_path().filename().string().substr(0, 1)].push_back(
        std::move(stack));
  }

  ASSERT_EQ(by_folder.size(), 7U);
  const std::map<std::string, std::pair<Size3, double>> expected{{"3", {{320, 320, 19}, 3.6}},
                                                                 {"4", {{384, 384, 19}, 3.0}},
                                                                 {"5", {{320, 320, 15}, 3.0}},
                                                                 {"6", {{84, 128, 19}, 3.0}},
                                                                 {"7", {{84, 128, 19}, 3.0}},
                                                                 {"8", {{84, 128, 19}, 3.0}},
                                                                 {"9", {{128, 128, 16}, 3.0}}};
  for (const auto& [folder, grid] : expected) {
    EXPECT_EQ(by_folder[folder].size(), folder == "6" ? 3U : 1U);
    for (const DicomStack& stack : by_folder[folder]) {
      ASSERT_TRUE(used(stack)) << folder << ": " << stack.reason;
      EXPECT_EQ(stack.geometry->size, grid.first) << folder;
      EXPECT_NEAR(stack.geometry->spacing[2], grid.second, 1e-3) << folder;
    }
  }
  EXPECT_THAT(by_folder["6"][0].told_apart_by, ::testing::HasSubstr("b-value"));
  const std::vector<DicomStack> missing =
      stacks_below(kShared / "prostatex_dicom" / "ProstateX-0000-missing-slice", true);
  ASSERT_EQ(missing.size(), 1U);
  EXPECT_EQ(missing[0].reason_code, "missing-slices");
}

TEST(DicomSeriesData, DerivedSeriesAreLeftOutByDefault) {
  SKIP_WITHOUT("prostatex_dicom");
  std::multiset<std::string> reasons;
  for (const DicomStack& stack : stacks_below(kShared / "prostatex_dicom" / "ProstateX-0000")) {
    reasons.insert(stack.reason_code);
  }

  EXPECT_EQ(reasons.count(""), 4U);         // three T2 and the proton density
  EXPECT_EQ(reasons.count("derived"), 5U);  // three b-values, ADC, calculated b-value
}

TEST(DicomSeriesData, TumourSeriesMatchTheStatisticsOfAnotherReader) {
  SKIP_WITHOUT("brain_tumor_progression");
  const fs::path root = kShared / "brain_tumor_progression";
  const auto table = parse_csv(read_text(root / "series.csv"));
  int compared = 0;
  for (std::size_t row = 1; row < table.size(); ++row) {
    if (!table[row][0].starts_with("dicom/")) {
      continue;
    }
    const std::vector<DicomStack> stacks = stacks_below(root / table[row][0], true);

    ASSERT_EQ(stacks.size(), 1U) << table[row][0];
    ASSERT_EQ(stacks[0].verdict, Verdict::kUse) << table[row][0] << ": " << stacks[0].reason;
    const Volume volume = read_stack(stacks[0]);
    const Geometry& g = volume.geometry;
    EXPECT_EQ(std::to_string(g.size[0]) + "x" + std::to_string(g.size[1]) + "x" +
                  std::to_string(g.size[2]),
              table[row][4]);
    const std::vector<std::string> origin = split_words(table[row][6], ' ');
    const std::vector<std::string> direction = split_words(table[row][7], ' ');
    for (int n = 0; n < 3; ++n) {
      EXPECT_NEAR(g.origin[n], std::stod(origin[static_cast<std::size_t>(n)]), 1e-3);
    }
    for (int n = 0; n < 9; ++n) {
      EXPECT_NEAR(
          g.direction(n / 3, n % 3), std::stod(direction[static_cast<std::size_t>(n)]), 1e-5);
    }
    EXPECT_NEAR(g.spacing[2], 6.5, 1e-3);
    const auto [low, high] = std::minmax_element(volume.voxels.begin(), volume.voxels.end());
    double sum = 0;
    for (const float voxel : volume.voxels) {
      sum += voxel;
    }
    EXPECT_NEAR(*low, std::stod(table[row][8]), 1e-3);
    EXPECT_NEAR(*high, std::stod(table[row][9]), 1e-3);
    EXPECT_NEAR(sum / static_cast<double>(volume.voxels.size()), std::stod(table[row][10]), 1e-3);
    ++compared;
  }
  EXPECT_EQ(compared, 12);
}

TEST(DicomSeriesData, HippocampusCropsReadInTheirOwnGeometry) {
  SKIP_WITHOUT("hippocrop_dicom");
  const std::vector<DicomStack> first = stacks_below(kShared / "hippocrop_dicom" / "study1", true);
  const std::vector<DicomStack> second = stacks_below(kShared / "hippocrop_dicom" / "study2", true);

  ASSERT_EQ(first.size(), 1U);
  ASSERT_EQ(second.size(), 1U);
  const Volume volume = read_stack(first[0]);
  EXPECT_EQ(volume.geometry.size, (Size3{35, 51, 32}));
  EXPECT_EQ(*std::min_element(volume.voxels.begin(), volume.voxels.end()), 2);
  EXPECT_EQ(*std::max_element(volume.voxels.begin(), volume.voxels.end()), 154);
  EXPECT_EQ(second[0].geometry->size, (Size3{36, 48, 35}));
}

TEST(DicomSeriesData, AFlatFolderGivesItsTwoSeriesAndNothingElse) {
  SKIP_WITHOUT("dicom_mixed");
  std::vector<DicomStack> kept;
  for (DicomStack& stack : stacks_below(kShared / "dicom_mixed" / "dicom")) {
    if (used(stack)) {
      kept.push_back(std::move(stack));
    } else {
      EXPECT_FALSE(stack.reason_code.empty());
    }
  }

  ASSERT_EQ(kept.size(), 2U);
  for (const DicomStack& stack : kept) {
    EXPECT_EQ(stack.verdict, Verdict::kUse);
    EXPECT_EQ(stack.geometry->size, (Size3{260, 320, 24}));
    EXPECT_NEAR(stack.geometry->spacing[2], 6.5, 1e-3);
    EXPECT_EQ(stack.duplicates.size(), 2U);
  }
}

// Stored values as little-endian words of the type that the table names, as its digests are made.
std::string stored_digest(const std::vector<std::int64_t>& values, const std::string& type) {
  const int width = type.ends_with("8") ? 1 : type.ends_with("32") ? 4 : 2;
  std::string bytes;
  for (const std::int64_t value : values) {
    for (int byte = 0; byte < width; ++byte) {
      bytes += static_cast<char>(value >> (8 * byte) & 0xFF);
    }
  }
  return sha256_hex(bytes);
}

TEST(DicomSyntaxData, EveryLosslessFileDecodesToItsDigest) {
  SKIP_WITHOUT("dicom_syntax");
  const auto table = parse_csv(read_text(kShared / "dicom_syntax" / "expected.csv"));
  std::map<std::string, std::size_t> column;
  for (std::size_t n = 0; n < table[0].size(); ++n) {
    column[table[0][n]] = n;
  }
  std::map<std::string, std::string> digests;
  std::set<std::string> refused;
  for (std::size_t row = 1; row < table.size(); ++row) {
    const std::string& name = table[row][0];
    try {
      const DicomHeader header = read_dicom_header(kShared / "dicom_syntax" / "files" / name);
      if (header.facts.contains("lossy") || header.bits_allocated < 8) {
        continue;
      }
      digests[name] = stored_digest(read_stored_values(header), table[row][column.at("dtype")]);
      const bool big_endian =
          header.transfer_syntax_uid == "1.2.840.10008.1.2.2" && header.bits_allocated > 8;
      if (table[row][column.at("decoded")] == "yes" && !big_endian) {
        EXPECT_EQ(digests[name], table[row][column.at("stored_sha256")]) << name;
      }
    } catch (const Error& error) {
      EXPECT_NE(error.code(), ErrorCode::kInternal) << error.what();
      EXPECT_THAT(error.what(), ::testing::HasSubstr(name));
      refused.insert(name);
    }
  }
  EXPECT_EQ(digests.at("MR_small_bigendian.dcm"), digests.at("MR_small.dcm"));
  EXPECT_EQ(digests.size(), 23U);
  EXPECT_THAT(refused,
              ::testing::ElementsAre("MR_truncated.dcm",
                                     "dicomdirtests__DICOMDIR",
                                     "no_meta_group_length.dcm",
                                     "reportsi.dcm",
                                     "rtplan.dcm",
                                     "test-SR.dcm",
                                     "waveform_ecg.dcm"));
}

TEST(DicomSyntaxData, DamagedFilesAndObjectsWithoutPixelsSayWhatTheyAre) {
  SKIP_WITHOUT("dicom_syntax");
  const std::map<std::string, std::string> expected{{"MR_truncated.dcm", "cut-short: "},
                                                    {"rtplan.dcm", "not-an-image: "},
                                                    {"reportsi.dcm", "not-an-image: "},
                                                    {"waveform_ecg.dcm", "not-an-image: "},
                                                    {"dicomdirtests__DICOMDIR", "not-an-image: "}};
  for (const auto& [name, start] : expected) {
    try {
      static_cast<void>(read_dicom_header(kShared / "dicom_syntax" / "files" / name));
      ADD_FAILURE() << name << " was read";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), ::testing::StartsWith(start)) << name;
    }
  }
}

TEST(DicomSyntaxData, NoSingleFileBecomesAVolume) {
  SKIP_WITHOUT("dicom_syntax");
  for (const fs::path& file : files_below(kShared / "dicom_syntax" / "files")) {
    EXPECT_THROW(static_cast<void>(read_dicom_stack(std::vector{file})), Error) << file;
  }
}

}  // namespace

}  // namespace marrow
