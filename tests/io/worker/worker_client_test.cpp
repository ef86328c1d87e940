#include "io/worker/worker_client.h"

#include <csignal>
#include <fcntl.h>
#include <sys/stat.h>

#include <gmock/gmock.h>

#include "core/files.h"
#include "io/dicom/dicom_writer.h"
#include "io/image_source.h"
#include "io/worker/limits.h"
#include "tests/support/dicom_series.h"
#include "tests/support/nifti_bytes.h"

namespace marrow {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using testing::NiftiBytesBuilder;
using ::testing::Not;

class WorkerClientTest : public ::testing::Test {
 protected:
  WorkerClientTest() {
    testing::write_file(path("scan.nii"), NiftiBytesBuilder().file());
    testing::write_file(path("packed.nii.gz"), testing::gzipped(NiftiBytesBuilder().file()));
  }

  std::filesystem::path path(const std::string& name) const { return folder_.path() / name; }

  // A child that does what files named "crash.test", "spin.test", ... say.
  static WorkerSettings test_settings() {
    WorkerSettings settings;
    settings.arguments = {"--test-requests"};
    settings.limits.seconds = 1;
    settings.limits.memory_bytes = std::uint64_t{1} << 30;
    return settings;
  }

  std::vector<FileFacts> inspect_between_good_files(WorkerClient& client, const std::string& name) {
    const std::vector<std::filesystem::path> files{
        path("scan.nii"), path(name), path("packed.nii.gz")};
    return client.inspect(files);
  }

  static std::string reason_of(const FileFacts& facts) {
    return facts.refusal() != nullptr ? facts.refusal()->reason_code : "not refused";
  }

 private:
  TemporaryFolder folder_;
};

TEST_F(WorkerClientTest, TellsWhatANiftiHeaderSays) {
  WorkerClient client;

  const FileFacts facts = client.inspect(path("packed.nii.gz"));

  ASSERT_NE(facts.nifti(), nullptr);
  EXPECT_EQ(facts.file, path("packed.nii.gz"));
  EXPECT_EQ(facts.nifti()->geometry.size, (Size3{5, 4, 3}));
  EXPECT_EQ(facts.nifti()->transform, "sform");
}

TEST_F(WorkerClientTest, HandsVoxelsBack) {
  WorkerClient client;
  const std::vector<std::filesystem::path> files{path("packed.nii.gz")};

  const Volume volume = client.volume(files);
  const LabelMap labels = client.labels(files);
  const Geometry geometry = client.geometry(files);

  EXPECT_EQ(volume.voxels, read_nifti(path("scan.nii")).voxels);
  EXPECT_EQ(labels.at(4, 3, 2), 59);
  EXPECT_EQ(geometry_difference(volume.geometry, geometry), "");
  EXPECT_TRUE(volume.geometry.origin.isApprox(Eigen::Vector3d(10, -20, 30), 1e-6));
  EXPECT_EQ(client.children_started(), 1) << "one child serves many requests";
}

TEST_F(WorkerClientTest, TheSameVoxelsComeThroughMemoryAndThroughMemoryFiles) {
  Volume written = make_grid<float>(
      make_geometry({512, 512, 5}, {1, 1, 2}, {0, 0, 0}, Eigen::Matrix3d::Identity()));
  ASSERT_GE(written.voxels.size() * sizeof(float), kLargeBlock);
  for (std::size_t n = 0; n < written.voxels.size(); ++n) {
    written.voxels[n] = static_cast<float>(n % 3001);
  }
  write_nifti(path("large.nii"), written);
  const auto series = write_dicom_series(path("series"), written, {});
  WorkerSettings by_file;
  by_file.memory_files = true;

  for (const WorkerSettings& settings : {WorkerSettings{}, by_file}) {
    WorkerClient client(settings);
    for (const auto& files :
         {std::vector{path("large.nii")}, std::vector{path("packed.nii.gz")}, series}) {
      const Volume volume = client.volume(files);
      const Volume again = client.volume(files);
      EXPECT_EQ(volume.voxels, again.voxels);
      EXPECT_EQ(volume.voxels, files.size() == 1 ? read_nifti(files[0]).voxels : written.voxels);
    }
    EXPECT_EQ(client.labels(series).at(7, 0, 0), 7);
    EXPECT_EQ(client.children_started(), 1);
  }
}

TEST_F(WorkerClientTest, KeepsWhatWasSaidOfTheLastVolume) {
  testing::write_file(path("empty.nii"),
                      NiftiBytesBuilder().voxels(std::vector<std::int16_t>(60, 7)).file());
  WorkerClient client;

  (void)client.volume(std::vector{path("empty.nii")});
  const std::vector<std::string> said = client.warnings();
  (void)client.volume(std::vector{path("scan.nii")});

  ASSERT_EQ(said.size(), 1U);
  EXPECT_THAT(said[0], HasSubstr("empty"));
  EXPECT_TRUE(client.warnings().empty());
}

TEST_F(WorkerClientTest, ReadsOneVolumeOfSeveralOnlyWhenToldWhich) {
  std::vector<std::int16_t> stored(120);
  stored[60] = 17;
  NiftiBytesBuilder builder;
  builder.dims({4, 5, 4, 3, 2, 1, 1, 1}).voxels(stored);
  testing::write_file(path("4d.nii"), builder.file());
  WorkerClient client;
  const std::vector<std::filesystem::path> files{path("4d.nii")};

  EXPECT_EQ(client.volume(files, 1).at(0, 0, 0), 17.0F);
  EXPECT_THAT(error_of(ErrorCode::kUnsupported, [&] { (void)client.volume(files); }),
              HasSubstr("found 2"));
}

TEST_F(WorkerClientTest, RefusesWithReasonAndName) {
  testing::Bytes cut = NiftiBytesBuilder().file();
  cut.resize(400);
  testing::write_file(path("cut.nii"), cut);
  testing::write_file(path("notes.txt"), "patient was well");
  testing::write_file(path("picture.dcm"), std::string_view("\x89PNG\r\n\x1a\n"));
  testing::write_file(path("empty.dcm"), "");
  testing::write_file(path("scan.img"), "0000");
  WorkerClient client;

  EXPECT_EQ(reason_of(client.inspect(path("cut.nii"))), "cut-short");
  EXPECT_EQ(reason_of(client.inspect(path("notes.txt"))), "not-an-image");
  EXPECT_EQ(reason_of(client.inspect(path("empty.dcm"))), "empty");
  EXPECT_EQ(reason_of(client.inspect(path("absent.nii"))), "missing");
  EXPECT_EQ(reason_of(client.inspect(path(""))), "folder");
  const FileFacts picture = client.inspect(path("picture.dcm"));
  EXPECT_EQ(reason_of(picture), "not-an-image");
  EXPECT_THAT(picture.refusal()->sentence, HasSubstr("a PNG picture"));
  EXPECT_THAT(picture.refusal()->sentence, HasSubstr("picture.dcm"));
  EXPECT_EQ(client.children_started(), 1);
}

TEST_F(WorkerClientTest, NeverOpensLinksAndPipesAsData) {
  ASSERT_EQ(::mkfifo(path("pipe.nii").c_str(), 0600), 0);
  std::filesystem::create_symlink(path("scan.nii"), path("link.nii"));
  WorkerClient client;
  const std::vector<std::filesystem::path> pipe{path("pipe.nii")};

  EXPECT_EQ(reason_of(client.inspect(path("pipe.nii"))), "not-a-file");
  EXPECT_EQ(reason_of(client.inspect(path("link.nii"))), "symlink");
  EXPECT_EQ(reason_of(client.inspect("/dev/zero")), "not-a-file");
  EXPECT_THAT(error_of(ErrorCode::kUnreadable, [&] { (void)client.volume(pipe); }),
              HasSubstr("pipe.nii"));
}

TEST_F(WorkerClientTest, NamesWithAnyBytesTravelUnchanged) {
  const std::string odd = "a\nb\xff\xc3\xa9\"\\.nii";
  testing::write_file(path(odd), NiftiBytesBuilder().file());
  WorkerClient client;

  EXPECT_NE(client.inspect(path(odd)).nifti(), nullptr);
}

TEST_F(WorkerClientTest, VoxelsOfAPairAreSetAside) {
  NiftiBytesBuilder builder;
  builder.put_text(344, std::string("ni1\0", 4)).vox_offset(0);
  testing::write_file(path("pair.hdr"), builder.header_bytes());
  testing::write_file(path("pair.img"), builder.voxel_bytes());
  WorkerClient client;
  const std::vector<std::filesystem::path> both{path("pair.img"), path("pair.hdr")};

  EXPECT_NE(client.inspect(path("pair.hdr")).nifti(), nullptr);
  EXPECT_EQ(reason_of(client.inspect(path("pair.img"))), "pair-voxels");
  EXPECT_EQ(client.volume(both).at(4, 3, 2), 59.0F);
}

TEST_F(WorkerClientTest, ACrashCostsOneFile) {
  WorkerClient client(test_settings());

  const std::vector<FileFacts> facts = inspect_between_good_files(client, "crash.test");

  ASSERT_EQ(facts.size(), 3U);
  EXPECT_NE(facts[0].nifti(), nullptr);
  EXPECT_NE(facts[2].nifti(), nullptr);
  EXPECT_EQ(reason_of(facts[1]), "parser-crashed");
  EXPECT_EQ(facts[1].refusal()->code, ErrorCode::kUnreadable);
  EXPECT_THAT(facts[1].refusal()->sentence, HasSubstr("crash.test"));
  if (kMemoryLimitWorks) {
    EXPECT_THAT(facts[1].refusal()->sentence, HasSubstr("signal 11"));
  }
  EXPECT_EQ(client.children_started(), 2);
}

TEST_F(WorkerClientTest, ACrashWhileReadingVoxelsIsAnErrorAndTheNextRequestWorks) {
  WorkerClient client(test_settings());
  const std::vector<std::filesystem::path> bad{path("abort.test")};
  const std::vector<std::filesystem::path> good{path("scan.nii")};

  EXPECT_THAT(error_of(ErrorCode::kUnreadable, [&] { (void)client.volume(bad); }),
              HasSubstr("abort.test"));
  EXPECT_EQ(client.volume(good).at(4, 3, 2), 59.0F);
}

TEST_F(WorkerClientTest, EndlessComputingIsEnded) {
  WorkerClient client(test_settings());

  const std::vector<FileFacts> facts = inspect_between_good_files(client, "spin.test");

  EXPECT_EQ(reason_of(facts[1]), "cpu-limit");
  EXPECT_NE(facts[2].nifti(), nullptr);
}

TEST_F(WorkerClientTest, AHangingChildIsEnded) {
  WorkerSettings settings = test_settings();
  settings.timeout_seconds = 0.5;
  WorkerClient client(settings);

  const std::vector<FileFacts> facts = inspect_between_good_files(client, "hang.test");

  EXPECT_EQ(reason_of(facts[1]), "timeout");
  EXPECT_THAT(facts[1].refusal()->sentence, HasSubstr("0.5 seconds"));
  EXPECT_NE(facts[2].nifti(), nullptr);
}

TEST_F(WorkerClientTest, MemoryBeyondTheLimitIsARefusalWithTheFigure) {
  if (!kMemoryLimitWorks) {
    GTEST_SKIP() << "a sanitizer needs the address space";
  }
  WorkerClient client(test_settings());

  const std::vector<FileFacts> facts = inspect_between_good_files(client, "allocate.test");

  EXPECT_EQ(reason_of(facts[1]), "out-of-memory");
  EXPECT_EQ(facts[1].refusal()->code, ErrorCode::kResources);
  EXPECT_THAT(facts[1].refusal()->sentence, HasSubstr("1 GiB"));
  EXPECT_EQ(client.children_started(), 1) << "the child survives a refused allocation";
}

TEST_F(WorkerClientTest, TheChildCannotWriteFiles) {
  if (!kMemoryLimitWorks) {
    GTEST_SKIP() << "the filter is off under a sanitizer";
  }
  WorkerClient client(test_settings());

  EXPECT_EQ(reason_of(client.inspect("connect.test")), "writing-denied");
}

TEST_F(WorkerClientTest, AnUnforeseenFailureInTheChildCostsOneFile) {
  WorkerClient client(test_settings());

  const std::vector<FileFacts> facts = inspect_between_good_files(client, "nonsense.test");

  EXPECT_EQ(reason_of(facts[1]), "parser-crashed");
  EXPECT_NE(facts[2].nifti(), nullptr);
}

TEST_F(WorkerClientTest, AChildKilledFromOutsideIsReplaced) {
  WorkerClient client;
  const std::vector<std::filesystem::path> files{path("scan.nii")};
  (void)client.volume(files);
  ASSERT_GT(client.process_id(), 0);
  ASSERT_EQ(::kill(client.process_id(), SIGKILL), 0);

  EXPECT_THAT(error_of(ErrorCode::kResources, [&] { (void)client.volume(files); }),
              HasSubstr("scan.nii"));
  EXPECT_EQ(client.volume(files).at(4, 3, 2), 59.0F);
}

TEST_F(WorkerClientTest, AFreshChildAfterManyRequests) {
  WorkerSettings settings;
  settings.requests_per_child = 2;
  WorkerClient client(settings);

  for (int i = 0; i < 5; ++i) {
    (void)client.inspect(path("scan.nii"));
  }

  EXPECT_EQ(client.children_started(), 3);
}

TEST_F(WorkerClientTest, ManyFilesComeBackInOrder) {
  std::vector<std::filesystem::path> files;
  for (int i = 0; i < 300; ++i) {
    files.push_back(i % 3 == 0 ? path("absent") : path("scan.nii"));
  }
  WorkerClient client;

  const std::vector<FileFacts> facts = client.inspect(files);

  ASSERT_EQ(facts.size(), files.size());
  for (std::size_t i = 0; i < facts.size(); ++i) {
    EXPECT_EQ(facts[i].refusal() != nullptr, i % 3 == 0);
  }
}

TEST_F(WorkerClientTest, DeathsAmongManyOrdinarySlicesCostTheirOwnFilesOnly) {
  const std::vector<std::filesystem::path> slices = write_dicom_series(
      path("ct"), testing::ramp_volume(testing::oblique_grid()), DicomSeriesAttributes{});
  std::vector<std::filesystem::path> files;
  for (int i = 0; i < 700; ++i) {
    files.push_back(i == 130 || i == 131 || i == 500 ? path("crash.test")
                                                     : slices[static_cast<std::size_t>(i) % 6]);
  }
  WorkerClient client(test_settings());

  const std::vector<FileFacts> facts = client.inspect(files);

  ASSERT_EQ(facts.size(), files.size());
  for (std::size_t i = 0; i < facts.size(); ++i) {
    EXPECT_EQ(facts[i].file, files[i]);
    if (i == 130 || i == 131 || i == 500) {
      EXPECT_EQ(reason_of(facts[i]), "parser-crashed") << i;
    } else {
      ASSERT_NE(facts[i].dicom(), nullptr) << i;
      EXPECT_EQ(facts[i].dicom()->file, files[i]);
    }
  }
  EXPECT_EQ(client.children_started(), 4);
}

TEST_F(WorkerClientTest, AChildKilledBetweenListsCostsNoFile) {
  WorkerClient client;
  const std::vector<std::filesystem::path> files(300, path("scan.nii"));
  (void)client.inspect(files);
  ASSERT_EQ(::kill(client.process_id(), SIGKILL), 0);

  for (const FileFacts& facts : client.inspect(files)) {
    EXPECT_NE(facts.nifti(), nullptr);
  }
}

TEST_F(WorkerClientTest, AMissingProgramIsNamed) {
  WorkerSettings settings;
  settings.executable = path("no-such-program");

  EXPECT_THAT(error_of(ErrorCode::kInternal, [&] { WorkerClient client(settings); }),
              HasSubstr("no-such-program"));
}

TEST_F(WorkerClientTest, AProgramThatCannotStartIsNotBlamedOnTheFile) {
  WorkerSettings settings;
  settings.executable = "/bin/true";
  WorkerClient client(settings);

  EXPECT_THAT(error_of(ErrorCode::kInternal, [&] { (void)client.inspect(path("scan.nii")); }),
              HasSubstr("/bin/true"));
}

TEST_F(WorkerClientTest, TheImageSourceReadsThroughTheChild) {
  const std::unique_ptr<VolumeSource> source = make_image_source();
  const ImageRef image{"0123456789abcdef", {path("scan.nii")}};

  EXPECT_EQ(source->volume(image).at(4, 3, 2), 59.0F);
  EXPECT_EQ(source->labels(image).at(4, 3, 2), 59);
  EXPECT_EQ(source->geometry(image).size, (Size3{5, 4, 3}));
  EXPECT_THAT(error_of(ErrorCode::kInvalidArgument,
                       [&] {
                         (void)source->volume(ImageRef{"feed", {}});
                       }),
              HasSubstr("feed"));
}

}  // namespace
}  // namespace marrow
