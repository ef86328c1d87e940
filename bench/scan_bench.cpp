// What one DICOM header costs, from files that are in the page cache:
//
//   scan_bench make FOLDER FILES   writes small slices (8 x 8 pixels), 500 a series
//   scan_bench FOLDER [PASSES]     reads the header of every file below FOLDER
//
// Per line: files a second, and microseconds of computing a file (of this process and its children
// together, so that two busy cores do not look like one).

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <string>
#include <sys/resource.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>

#include "core/volume.h"
#include "io/dicom/dcmtk_session.h"
#include "io/dicom/dicom_header.h"
#include "io/dicom/dicom_writer.h"
#include "io/dicom/fast_header.h"
#include "io/worker/worker_client.h"

namespace marrow {
namespace {

namespace fs = std::filesystem;
using Files = std::vector<fs::path>;

constexpr std::int64_t kSlices = 500;

void make_files(const fs::path& folder, std::int64_t files) {
  for (std::int64_t series = 0; series * kSlices < files; ++series) {
    const std::int64_t slices = std::min(kSlices, files - series * kSlices);
    const Geometry grid = make_geometry(
        {8, 8, slices}, {0.75, 0.75, 2.5}, {-30.5, 12.25, 140}, Eigen::Matrix3d::Identity());
    DicomSeriesAttributes attributes;
    attributes.modality = series % 2 == 0 ? Modality::kCt : Modality::kMr;
    attributes.patient_id = fmt::format("BENCH-{}", series / 4);
    attributes.series_number = series + 1;
    attributes.intercept = series % 2 == 0 ? -1024 : 0;
    attributes.elements = {{"ConvolutionKernel", "B30f"},
                           {"KVP", "120"},
                           {"RepetitionTime", "500"},
                           {"EchoTime", "12.5"},
                           {"MagneticFieldStrength", "3"},
                           {"ScanningSequence", "SE"},
                           {"SequenceVariant", "SK"},
                           {"AcquisitionNumber", "1"}};
    (void)write_dicom_series(
        folder / fmt::format("{:05}", series), make_grid<float>(grid), attributes);
  }
}

Files files_of(const fs::path& folder) {
  Files files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) {
      files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

double computing_seconds() {
  double seconds = 0;
  for (const int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage usage{};
    ::getrusage(who, &usage);
    for (const timeval& time : {usage.ru_utime, usage.ru_stime}) {
      seconds += static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
    }
  }
  return seconds;
}

// `work` answers how many files it understood.
void time_way(const char* name, std::size_t files, const std::function<std::size_t()>& work) {
  const double computed = computing_seconds();
  const auto start = std::chrono::steady_clock::now();
  const std::size_t understood = work();
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const double computing = computing_seconds() - computed;
  const auto count = static_cast<double>(files);
  std::printf("%-28s %9.0f files/s  %6.2f us computing a file  %zu of %zu understood\n",
              name,
              count / seconds,
              1e6 * computing / count,
              understood,
              files);
  std::fflush(stdout);
}

std::size_t open_and_read(const Files& files) {
  std::vector<char> head(8192);
  std::size_t read = 0;
  for (const fs::path& file : files) {
    const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);

    struct stat status {};

    read +=
        ::fstat(descriptor, &status) == 0 && ::pread(descriptor, head.data(), head.size(), 0) > 0;
    ::close(descriptor);
  }
  return read;
}

std::size_t read_in_process(const Files& files) {
  FastHeaderReader reader;
  std::size_t read = 0;
  for (const fs::path& file : files) {
    const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);

    struct stat status {};

    read +=
        ::fstat(descriptor, &status) == 0 && reader.read(descriptor, status.st_size).has_value();
    ::close(descriptor);
  }
  return read;
}

std::size_t read_with_dcmtk(const Files& files) {
  std::size_t read = 0;
  for (const fs::path& file : files) {
    try {
      read += read_dicom_header_with_dcmtk(file).has_pixel_data;
    } catch (const std::exception&) {
      // not understood
    }
  }
  return read;
}

// As one would write it by hand: load up to the pixels, take some thirty values as text.
std::size_t read_with_plain_dcmtk(const Files& files) {
  prepare_dcmtk();
  const std::vector<DcmTagKey> tags{DCM_SOPClassUID,
                                    DCM_SOPInstanceUID,
                                    DCM_StudyInstanceUID,
                                    DCM_SeriesInstanceUID,
                                    DCM_FrameOfReferenceUID,
                                    DCM_PatientID,
                                    DCM_PatientName,
                                    DCM_Modality,
                                    DCM_ImageType,
                                    DCM_Manufacturer,
                                    DCM_ManufacturerModelName,
                                    DCM_BodyPartExamined,
                                    DCM_ConvolutionKernel,
                                    DCM_KVP,
                                    DCM_SliceThickness,
                                    DCM_RepetitionTime,
                                    DCM_EchoTime,
                                    DCM_MagneticFieldStrength,
                                    DCM_InstanceNumber,
                                    DCM_AcquisitionNumber,
                                    DCM_Rows,
                                    DCM_Columns,
                                    DCM_BitsAllocated,
                                    DCM_BitsStored,
                                    DCM_PixelRepresentation,
                                    DCM_PhotometricInterpretation,
                                    DCM_RescaleSlope,
                                    DCM_RescaleIntercept,
                                    DCM_ImagePositionPatient,
                                    DCM_ImageOrientationPatient,
                                    DCM_PixelSpacing};
  std::size_t read = 0;
  for (const fs::path& file : files) {
    DcmFileFormat format;
    if (format
            .loadFileUntilTag(file.c_str(),
                              EXS_Unknown,
                              EGL_noChange,
                              4096,
                              ERM_autoDetect,
                              DcmTagKey(0x7FE0, 0x0010))
            .bad()) {
      continue;
    }
    std::size_t characters = 0;
    for (const DcmTagKey& tag : tags) {
      OFString value;
      if (format.getDataset()->findAndGetOFStringArray(tag, value).good()) {
        characters += value.size();
      }
    }
    read += characters > 0;
  }
  return read;
}

std::size_t ask_child(std::span<const fs::path> files) {
  constexpr std::size_t kFilesPerCall = 512;
  WorkerClient client;
  std::size_t read = 0;
  while (!files.empty()) {
    const auto call = files.first(std::min(files.size(), kFilesPerCall));
    for (const FileFacts& facts : client.inspect(call)) {
      read += facts.refusal() == nullptr;
    }
    files = files.subspan(call.size());
  }
  return read;
}

std::size_t ask_children(const Files& files, std::size_t children) {
  std::vector<std::size_t> read(children);
  std::vector<std::thread> threads;
  for (std::size_t n = 0; n < children; ++n) {
    threads.emplace_back([&, n] {
      const std::size_t first = files.size() * n / children;
      const std::size_t last = files.size() * (n + 1) / children;
      read[n] = ask_child(std::span(files).subspan(first, last - first));
    });
  }
  std::size_t sum = 0;
  for (std::size_t n = 0; n < children; ++n) {
    threads[n].join();
    sum += read[n];
  }
  return sum;
}

int run_scan_bench(int argc, char** argv) {
  if (argc == 4 && std::string(argv[1]) == "make") {
    make_files(argv[2], std::atoll(argv[3]));
    return 0;
  }
  if (argc != 2 && argc != 3) {
    std::fputs("usage: scan_bench make FOLDER FILES | scan_bench FOLDER [PASSES]\n", stderr);
    return 2;
  }
  const Files files = files_of(argv[1]);
  if (files.empty()) {
    std::fprintf(stderr, "scan_bench: no file in %s\n", argv[1]);
    return 3;
  }
  (void)open_and_read(files);  // into the page cache
  for (int pass = argc == 3 ? std::atoi(argv[2]) : 1; pass > 0; --pass) {
    time_way("open, fstat, 8 KiB", files.size(), [&] { return open_and_read(files); });
    time_way("fast header, in process", files.size(), [&] { return read_in_process(files); });
    time_way("DCMTK with checks, in process", files.size(), [&] { return read_with_dcmtk(files); });
    time_way("plain DCMTK loop", files.size(), [&] { return read_with_plain_dcmtk(files); });
    time_way("one child", files.size(), [&] { return ask_children(files, 1); });
    time_way("two children", files.size(), [&] { return ask_children(files, 2); });
  }
  return 0;
}

}  // namespace
}  // namespace marrow

int main(int argc, char** argv) {
  try {
    return marrow::run_scan_bench(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "scan_bench: %s\n", error.what());
    return 1;
  }
}
