#include <algorithm>
#include <array>
#include <chrono>
#include <random>
#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/files.h"
#include "io/catalogue/catalogue.h"
#include "io/catalogue/explain.h"
#include "io/catalogue/series_json.h"
#include "io/dicom/dicom_writer.h"
#include "io/nifti/nifti.h"
#include "io/scan/scan.h"
#include "tests/support/dicom_made.h"
#include "tests/support/dicom_series.h"
#include "tests/support/nifti_bytes.h"

namespace marrow {

namespace {

namespace fs = std::filesystem;

// An archive that changes at random, scanned again and again into one catalogue.
class ChangingArchive : public ::testing::Test {
 protected:
  ChangingArchive() {
    fs::create_directories(archive_);
    { const Catalogue made(folder_.path() / "empty" / "catalogue.db", Catalogue::Mode::kWrite); }
    fs::create_directories(folder_.path() / "old");
    fs::copy_file(folder_.path() / "empty" / "catalogue.db", file_);
  }

  static ScanOptions options() {
    ScanOptions options;
    options.threads = 2;
    options.worker.executable = fs::path(MARROW_BUILD_FOLDER) / "marrow-worker";
    return options;
  }

  std::size_t pick(std::size_t count) { return static_cast<std::size_t>(random_()) % count; }

  std::vector<fs::path> files() const {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(archive_)) {
      if (entry.is_regular_file() && !entry.is_symlink()) {
        files.push_back(entry.path());
      }
    }
    std::sort(files.begin(), files.end());
    return files;
  }

  fs::path some_folder() {
    const fs::path folder = archive_ / fmt::format("p{}", pick(3)) / fmt::format("s{}", pick(3));
    fs::create_directories(folder);
    return folder;
  }

  // A later time than any before: two writes within one tick of the clock look alike.
  void touch(const fs::path& file) {
    time_ += std::chrono::seconds(1);
    fs::last_write_time(file, time_);
  }

  void add_series() {
    const fs::path made = folder_.path() / "made";
    fs::remove_all(made);
    DicomSeriesAttributes attributes;
    attributes.patient_id = fmt::format("P{}", pick(4));
    attributes.series_number = static_cast<std::int64_t>(pick(6));
    if (pick(4) == 0) {
      attributes.dropped_slices = {2};
    }
    const bool scattered = pick(2) == 0;
    const fs::path one = some_folder();
    for (const auto& file : write_dicom_series(made, volume_, attributes)) {
      const fs::path to = (scattered ? some_folder() : one) /
                          fmt::format("{}_{}", attributes.series_number, file.filename().string());
      fs::rename(file, to);
      touch(to);
    }
  }

  void change_once() {
    const std::vector<fs::path> files = this->files();
    switch (files.empty() ? 0 : pick(15)) {
      case 0:
      case 1:
        add_series();
        break;
      case 2:
        fs::remove(files[pick(files.size())]);
        break;
      case 3:
        fs::rename(files[pick(files.size())], some_folder() / fmt::format("moved{}", pick(20)));
        break;
      case 4: {  // damaged in place
        const fs::path file = files[pick(files.size())];
        fs::resize_file(file, fs::file_size(file) / 2);
        touch(file);
        break;
      }
      case 5: {  // one file becomes another
        const fs::path to = files[pick(files.size())];
        fs::copy_file(files[pick(files.size())], to.native() + "~");
        fs::rename(to.native() + "~", to);
        touch(to);
        break;
      }
      case 6: {
        constexpr std::array kNames{
            "t1.nii", "t2.nii", "scan_0000.nii", "scan_0001.nii", "sub-3_T1w.nii.gz"};
        const fs::path file = some_folder() / kNames[pick(kNames.size())];
        write_nifti(file, volume_);
        touch(file);
        break;
      }
      case 7: {
        const fs::path file = some_folder() / fmt::format("notes{}", pick(5));
        write_atomically(file, std::string("hello"));
        touch(file);
        break;
      }
      case 8: {
        std::error_code exists;
        fs::create_symlink("nowhere", some_folder() / fmt::format("link{}", pick(3)), exists);
        break;
      }
      case 9: {
        const fs::path file = some_folder() / (pick(2) == 0 ? "t1.nrrd" : "t1.mha");
        write_volume_text(file, pick(2) == 0 ? "LOCAL" : fmt::format("v{}.raw", pick(2)));
        break;
      }
      case 10:  // the voxels of such a file come, go, or are cut short
        if (const fs::path file = some_folder() / fmt::format("v{}.raw", pick(2)); pick(3) > 0) {
          testing::write_file(file, std::string_view(std::string(48 - 24 * pick(2), 'v')));
          touch(file);
        } else {
          fs::remove(file);
        }
        break;
      case 11: {  // as many as make a folder that of one patient, or one more
        const fs::path folder = some_folder();
        for (std::size_t n = 0; n < 11 + pick(3); ++n) {
          write_nifti(folder / fmt::format("t{}.nii", n), volume_);
          touch(folder / fmt::format("t{}.nii", n));
        }
        break;
      }
      case 12:
        add_enhanced();
        break;
      case 13: {  // one that is not read until its pair is there
        const std::vector<fs::path> all = this->files();
        fs::rename(all[pick(all.size())], some_folder() / fmt::format("v{}.raw", pick(2)));
        break;
      }
      default:
        fs::remove_all(some_folder());
    }
  }

  void write_volume_text(const fs::path& file, const std::string& voxels) {
    const bool local = voxels == "LOCAL";
    std::string text;
    if (file.extension() == ".nrrd") {
      text =
          "NRRD0005\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: 4 3 2\n"
          "space directions: (0.5,0,0) (0,2,0) (0,0,3)\nkinds: domain domain domain\n"
          "endian: little\nencoding: raw\nspace origin: (10,20,30)\n" +
          (local ? "\n" : "data file: " + voxels + "\n");
    } else {
      text =
          "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\n"
          "CompressedData = False\nTransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = 1 2 3\n"
          "AnatomicalOrientation = RAI\nElementSpacing = 0.5 2 3\nDimSize = 4 3 2\n"
          "ElementType = MET_SHORT\nElementDataFile = " +
          voxels + "\n";
    }
    testing::write_file(file, std::string_view(text + (local ? std::string(48, 'v') : "")));
    touch(file);
  }

  // A multi-frame object with two volumes, told apart by time.
  void add_enhanced() {
    DcmFileFormat format;
    DcmDataset& data = *format.getDataset();
    testing::start_image(data, 3, 5, static_cast<int>(pick(3)));
    testing::put_text(data, DCM_SOPClassUID, UID_EnhancedMRImageStorage);
    testing::put_text(data, DCM_SeriesInstanceUID, fmt::format("1.2.3.{}", pick(2)));
    testing::put_text(data, DCM_NumberOfFrames, "4");
    DcmItem& shared = testing::add_item(data, DCM_SharedFunctionalGroupsSequence);
    testing::put_text(
        testing::add_item(shared, DCM_PixelMeasuresSequence), DCM_PixelSpacing, "1.5\\2");
    testing::put_text(testing::add_item(shared, DCM_PlaneOrientationSequence),
                      DCM_ImageOrientationPatient,
                      "1\\0\\0\\0\\1\\0");
    for (int frame = 0; frame < 4; ++frame) {
      DcmItem& groups = testing::add_item(data, DCM_PerFrameFunctionalGroupsSequence);
      testing::put_text(testing::add_item(groups, DCM_PlanePositionSequence),
                        DCM_ImagePositionPatient,
                        frame % 2 == 0 ? "0\\5\\1" : "0\\5\\3");
      DcmItem& content = testing::add_item(groups, DCM_FrameContentSequence);
      ASSERT_TRUE(
          content.putAndInsertUint32(DCM_TemporalPositionIndex, static_cast<Uint32>(frame / 2 + 1))
              .good());
    }
    testing::put_pixels(data, std::vector<Uint16>(3 * 5 * 4, 7));
    touch(testing::save_image(format, some_folder() / fmt::format("enhanced{}.dcm", pick(4))));
  }

  static std::string dump(const fs::path& file) {
    const Catalogue catalogue(file);
    std::string text;
    for (const SeriesRecord& record : catalogue.series()) {
      text += explanation_json(explain_series(catalogue, record)).dump() + "\n";
    }
    for (const Issue& issue : catalogue.issues()) {
      text += issue_json(issue).dump() + "\n";
    }
    catalogue.for_each_stamp([&](const fs::path& path, const FileStamp& stamp) {
      const PackedFacts facts = pack_facts(catalogue.file_record(path).value().facts);
      text += fmt::format("{} {} {} {} {} {}\n",
                          path.native(),
                          stamp.size,
                          stamp.modified_ns,
                          stamp.inode,
                          facts.owner,
                          std::hash<std::string>()(facts.shared + facts.variant + facts.own));
    });
    return text + read_text(file.parent_path() / "issues.jsonl");
  }

  std::string fresh_dump(const std::vector<fs::path>& roots) const {
    const fs::path fresh = folder_.path() / "fresh";
    fs::remove_all(fresh);
    fs::create_directories(fresh);
    fs::copy_file(folder_.path() / "empty" / "catalogue.db", fresh / "catalogue.db");
    {
      Catalogue catalogue(fresh / "catalogue.db", Catalogue::Mode::kWrite);
      scan(roots, catalogue, options());
    }
    return dump(fresh / "catalogue.db");
  }

  TemporaryFolder folder_;
  fs::path archive_ = folder_.path() / "archive";
  fs::path file_ = folder_.path() / "old" / "catalogue.db";
  Volume volume_ = testing::ramp_volume(testing::oblique_grid());
  std::mt19937 random_{11};
  fs::file_time_type time_ = fs::file_time_type::clock::now();
};

TEST_F(ChangingArchive, ScannedAgainGivesTheRowsOfAFreshScan) {
  std::set<std::string> formats;
  for (int round = 0; round < 40; ++round) {
    for (std::size_t n = 0; n < 1 + pick(10); ++n) {
      change_once();
    }
    {
      Catalogue catalogue(file_, Catalogue::Mode::kWrite);
      scan(std::vector{archive_}, catalogue, options());
    }
    ASSERT_EQ(dump(file_), fresh_dump({archive_})) << "round " << round;
    for (const SeriesRecord& record : Catalogue(file_).series()) {
      formats.insert(record.format + (record.volume ? " volume" : ""));
    }
  }
  EXPECT_THAT(formats,
              ::testing::ElementsAre("dicom", "dicom volume", "metaimage", "nifti", "nrrd"));
  EXPECT_GT(Catalogue(file_).series().size(), 5U);  // the archive is not empty in the end
  EXPECT_GT(Catalogue(file_).issues().size(), 3U);
}

TEST_F(ChangingArchive, ExplainsTheSlicesOfEachVolumeOfAMultiFrameObject) {
  add_enhanced();
  Catalogue catalogue(file_, Catalogue::Mode::kWrite);
  scan(std::vector{archive_}, catalogue, options());

  ASSERT_EQ(catalogue.series().size(), 2U);
  for (const SeriesRecord& record : catalogue.series()) {
    const SeriesExplanation explanation = explain_series(catalogue, record);
    EXPECT_THAT(explanation.positions_mm, ::testing::ElementsAre(1.0, 3.0));
    EXPECT_EQ(explanation.median_step_mm, 2.0);
  }
}

TEST_F(ChangingArchive, ReadsAHeaderAgainWhenTheFileWithItsVoxelsComes) {
  write_volume_text(some_folder() / "x.mha", "v.raw");
  Catalogue catalogue(file_, Catalogue::Mode::kWrite);
  EXPECT_EQ(scan(std::vector{archive_}, catalogue, options()).series, 0);

  for (const fs::path& header : files()) {
    testing::write_file(header.parent_path() / "v.raw", std::string_view(std::string(48, 'v')));
  }
  const ScanResult result = scan(std::vector{archive_}, catalogue, options());

  EXPECT_EQ(result.opened, 2);
  EXPECT_EQ(result.by_verdict.at("use"), 1);
}

TEST_F(ChangingArchive, ReadsAFileAgainThatCouldNotBeReadForWhatLiesOutsideIt) {
  const fs::path file = some_folder() / "t1.nii";
  write_nifti(file, volume_);
  FileFacts refused{
      file, FileRefusal{ErrorCode::kUnreadable, "no-permission", "not allowed", "allow it"}};
  Catalogue catalogue(file_, Catalogue::Mode::kWrite);
  scan(std::vector{archive_}, catalogue, options());
  const FileStamp stamp = catalogue.file_record(file)->stamp;
  catalogue.change_files(std::vector{
      FolderChange{file.parent_path(), {{"t1.nii", KnownFile{stamp, pack_facts(refused)}}}}});
  SeriesMakers makers;
  makers.options = "none";
  makers.refused_file = [](const FileFacts& facts) {
    return Issue{facts.file, ErrorCode::kUnreadable, "no-permission", "not allowed", "allow it"};
  };
  catalogue.update_series(makers);
  EXPECT_TRUE(catalogue.series().empty());

  const ScanResult result = scan(std::vector{archive_}, catalogue, options());

  EXPECT_EQ(result.opened, 1);
  EXPECT_EQ(result.by_verdict.at("use"), 1);
}

TEST_F(ChangingArchive, ScannedWithoutAChangeIsNotWrittenTo) {
  for (int n = 0; n < 30; ++n) {
    change_once();
  }
  {
    Catalogue catalogue(file_, Catalogue::Mode::kWrite);
    scan(std::vector{archive_}, catalogue, options());
  }
  const std::string before = read_text(file_);
  const fs::path issues = file_.parent_path() / "issues.jsonl";
  fs::last_write_time(issues, fs::file_time_type::clock::now() - std::chrono::hours(1));
  const auto time = fs::last_write_time(issues);

  {
    Catalogue catalogue(file_, Catalogue::Mode::kWrite);
    const ScanResult result = scan(std::vector{archive_}, catalogue, options());
    EXPECT_EQ(result.opened, 0);
    EXPECT_EQ(result.unchanged, result.files);
    EXPECT_GT(result.files, 0);
  }

  EXPECT_EQ(read_text(file_), before);
  EXPECT_EQ(fs::last_write_time(issues), time);
}

TEST_F(ChangingArchive, RootsInsideOneAnotherAndSingleFilesAreReadOnce) {
  add_series();
  add_series();
  add_series();
  const fs::path inside = archive_ / "p0";
  fs::create_directories(inside);
  write_nifti(inside / "t1.nii", volume_);
  const std::vector<fs::path> roots{inside, archive_, inside / "t1.nii", files().back()};

  Catalogue catalogue(file_, Catalogue::Mode::kWrite);
  const ScanResult result = scan(roots, catalogue, options());
  EXPECT_EQ(result.files, static_cast<std::int64_t>(files().size()));

  const ScanResult one = scan(std::vector{inside / "t1.nii"}, catalogue, options());
  EXPECT_EQ(one.files, 1);
  EXPECT_EQ(one.opened, 0);
  EXPECT_EQ(one.removed, 0);
  EXPECT_EQ(one.series, result.series);
}

TEST_F(ChangingArchive, KeepsSplitsWhenAnotherSeriesOfThePatientComes) {
  add_series();
  Catalogue catalogue(file_, Catalogue::Mode::kWrite);
  scan(std::vector{archive_}, catalogue, options());
  const SeriesRecord first = catalogue.series().at(0);
  catalogue.set_splits({{first.patient, "test"}});
  catalogue.set_reduction("", Reduction{"", {{first.key, "exact", "", 0, "repeats"}}, {}});

  const fs::path made = folder_.path() / "archive" / "more";
  DicomSeriesAttributes attributes;
  for (int n = 0; n < 4; ++n) {
    attributes.patient_id = fmt::format("P{}", n);
    attributes.series_number = 90;
    write_dicom_series(made / std::to_string(n), volume_, attributes);
  }
  fs::remove(first.files.back());
  scan(std::vector{archive_}, catalogue, options());

  int in_test = 0;
  for (const SeriesRecord& record : catalogue.series()) {
    EXPECT_EQ(record.split, record.patient == first.patient ? "test" : "");
    EXPECT_EQ(record.dropped_because, record.key == first.key ? "exact: repeats" : "");
    in_test += record.split == "test" ? 1 : 0;
  }
  EXPECT_EQ(in_test, 2);
}

TEST_F(ChangingArchive, IsGroupedAgainWhenDerivedSeriesAreWanted) {
  DicomSeriesAttributes attributes;
  attributes.image_type = {"DERIVED", "SECONDARY", "AXIAL"};
  write_dicom_series(archive_ / "derived", volume_, attributes);
  Catalogue catalogue(file_, Catalogue::Mode::kWrite);
  EXPECT_EQ(scan(std::vector{archive_}, catalogue, options()).by_verdict.count("use"), 0U);

  ScanOptions derived = options();
  derived.use_derived = true;
  const ScanResult result = scan(std::vector{archive_}, catalogue, derived);

  EXPECT_EQ(result.opened, 0);
  EXPECT_EQ(result.by_verdict.at("use"), 1);
}

}  // namespace

}  // namespace marrow
