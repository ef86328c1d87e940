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

// Every voxel of `a` must lie on a voxel of `b` (within 1e-3 of a voxel) and hold the same value,
// whatever the axes' order.
std::string difference(const Volume& a, const Volume& b) {
  if (a.voxels.size() != b.voxels.size()) {
    return "another number of voxels: " + describe(a.geometry) + " and " + describe(b.geometry);
  }
  const Eigen::Matrix4d to_b = b.geometry.affine().inverse() * a.geometry.affine();
  for (std::int64_t k = 0; k < a.geometry.size[2]; ++k) {
    for (std::int64_t j = 0; j < a.geometry.size[1]; ++j) {
      for (std::int64_t i = 0; i < a.geometry.size[0]; ++i) {
        const Eigen::Vector4d place =
            to_b * Eigen::Vector4d(
                       static_cast<double>(i), static_cast<double>(j), static_cast<double>(k), 1);
        std::array<std::int64_t, 3> index{};
        for (int axis = 0; axis < 3; ++axis) {
          index[static_cast<std::size_t>(axis)] = std::llround(place[axis]);
          const bool inside = index[static_cast<std::size_t>(axis)] >= 0 &&
                              index[static_cast<std::size_t>(axis)] <
                                  b.geometry.size[static_cast<std::size_t>(axis)];
          if (!inside || std::abs(place[axis] - std::round(place[axis])) > 1e-2) {
            return "grids differ: " + describe(a.geometry) + " and " + describe(b.geometry);
          }
        }
        if (std::abs(a.at(i, j, k) - b.at(index[0], index[1], index[2])) > 1e-3) {
          return "values differ";
        }
      }
    }
  }
  return "";
}

TEST(DicomSeriesData, ClassicSagittalSeriesEqualTheirReferenceConversion) {
  SKIP_WITHOUT("dicom_series");
  for (const char* const name : {"siemens_t1_hfs", "siemens_t1_hfdr"}) {
    const fs::path folder = kShared / "dicom_series" / name;

    const std::vector<DicomStack> stacks = stacks_below(folder / "dicom");

    ASSERT_EQ(stacks.size(), 1U) << name;
    ASSERT_EQ(stacks[0].verdict, Verdict::kUse) << name << ": " << stacks[0].reason;
    std::vector<fs::path> references = files_below(folder / "reference");
    std::erase_if(references, [](const fs::path& file) { return file.extension() != ".gz"; });
    ASSERT_EQ(references.size(), 1U);
    EXPECT_EQ(difference(read_stack(stacks[0]), read_nifti(references[0])), "") << name;
  }
}

TEST(DicomSeriesData, TenTimePointsBecomeTheTenVolumesOfTheReference) {
  SKIP_WITHOUT("dicom_series");
  const fs::path folder = kShared / "dicom_series" / "ge_epi_4d_4";
  std::vector<fs::path> references = files_below(folder / "reference");
  std::erase_if(references, [](const fs::path& file) { return file.extension() != ".gz"; });

  const std::vector<DicomStack> stacks = stacks_below(folder / "dicom");

  ASSERT_EQ(stacks.size(), 10U);
  for (std::size_t n = 0; n < 10; ++n) {
    EXPECT_EQ(stacks[n].verdict, Verdict::kSplit) << stacks[n].reason;
    EXPECT_EQ(difference(read_stack(stacks[n]),
                         read_nifti(references.at(0), static_cast<std::int64_t>(n))),
              "")
        << n;
  }
}

TEST(DicomSeriesData, EverythingElseIsRefusedForItsOwnReason) {
  SKIP_WITHOUT("dicom_series");
  const std::map<std::string, std::string> expected{{"philips_ct_gantry_tilt", "gantry-tilt"},
                                                    {"philips_enhanced_asl_source", "multi-frame"},
                                                    {"philips_enhanced_b0", "multi-frame"},
                                                    {"siemens_12bit", "mosaic"},
                                                    {"siemens_epi_ap", "mosaic"},
                                                    {"siemens_mosaic_ax_asc36", "mosaic"},
                                                    {"siemens_mosaic_cor_asc36", "mosaic"},
                                                    {"siemens_mosaic_jpeg_lossless", "mosaic"},
                                                    {"siemens_mosaic_sag_asc36", "mosaic"},
                                                    {"siemens_transfer_syntaxes", "mosaic"},
                                                    {"uih_dti_pa", "mosaic"}};
  for (const auto& [name, code] : expected) {
    const fs::path folder = kShared / "dicom_series" / name / "dicom";
    const std::vector<DicomStack> stacks = stacks_below(folder, true);

    EXPECT_FALSE(stacks.empty()) << name;
    for (const DicomStack& stack : stacks) {
      EXPECT_EQ(stack.verdict, Verdict::kRefuse) << name;
      EXPECT_EQ(stack.reason_code, code) << name << ": " << stack.reason;
    }
    // Asked directly, without grouping, the reader refuses as well.
    EXPECT_THROW(static_cast<void>(read_dicom_stack(files_below(folder))), Error) << name;
  }
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

// Stored values as little-endian 16-bit words, as the table's digests are made.
std::string stored_digest(const StoredSlice& slice) {
  std::string bytes;
  for (const std::int64_t value : slice.values) {
    bytes += static_cast<char>(value & 0xFF);
    bytes += static_cast<char>(value >> 8 & 0xFF);
  }
  return sha256_hex(bytes);
}

TEST(DicomSyntaxData, EverySyntaxGivesTheSameStoredValuesOrAReason) {
  SKIP_WITHOUT("dicom_syntax");
  const auto table = parse_csv(read_text(kShared / "dicom_syntax" / "expected.csv"));
  std::map<std::string, std::string> little_endian;
  int equal = 0;
  for (std::size_t row = 1; row < table.size(); ++row) {
    const fs::path file = kShared / "dicom_syntax" / "files" / table[row][0];
    try {
      const DicomHeader header = read_dicom_header(file);
      if (unusable_slice(header) || header.facts.contains("lossy")) {
        continue;
      }
      const StoredSlice slice = read_stored_slice(header);
      const bool big_endian = header.transfer_syntax_uid == "1.2.840.10008.1.2.2";
      EXPECT_EQ(stored_digest(slice),
                big_endian ? little_endian.at("MR_small.dcm") : table[row][22])
          << table[row][0];
      little_endian[table[row][0]] = stored_digest(slice);
      ++equal;
    } catch (const Error& error) {
      EXPECT_NE(error.code(), ErrorCode::kInternal) << error.what();
    }
  }
  // MR_small in its lossless syntaxes, CT_small, 693_UNCR, overlay: none may drop out unnoticed.
  EXPECT_EQ(equal, 8);
}

TEST(DicomSyntaxData, DamagedFilesAndObjectsWithoutPixelsSayWhatTheyAre) {
  SKIP_WITHOUT("dicom_syntax");
  const std::map<std::string, std::string> expected{{"MR_truncated.dcm", "cut-short: "},
                                                    {"rtplan.dcm", "not-an-image: "},
                                                    {"reportsi.dcm", "not-an-image: "},
                                                    {"waveform_ecg.dcm", "not-an-image: "},
                                                    {"dicomdirtests__DICOMDIR", "not-an-image: "},
                                                    {"image_dfl.dcm", "unsupported-syntax: "}};
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
