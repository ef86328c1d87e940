// Archives of any number of tiny DICOM files, and the bare walk that a scan of them is compared to.
//
// - `archive_bench make FOLDER N`: N files of 64 pixels, patients of 2 studies of 2 series of 100
// - `archive_bench flat FOLDER N`: the same files in one folder
// - `archive_bench walk FOLDER`: one look at every file; prints their number and the seconds
// - `archive_bench scan FOLDER WORK [THREADS]`: a scan into WORK/catalogue.db

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <exception>
#include <fcntl.h>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include <dirent.h>
#include <fmt/format.h>

#include "core/files.h"
#include "core/volume.h"
#include "io/catalogue/catalogue.h"
#include "io/dicom/dicom_writer.h"
#include "io/scan/scan.h"

namespace marrow {

namespace {

constexpr std::int64_t kFilesPerSeries = 100;
constexpr std::int64_t kSeriesPerStudy = 2;
constexpr std::int64_t kStudiesPerPatient = 2;

// A text of the template file that differs between files, always of one length.
struct Field {
  std::string text;
  std::vector<std::size_t> places;
};

class ArchiveMaker {
 public:
  ArchiveMaker() {
    const TemporaryFolder folder;
    Volume volume = make_grid<float>(
        make_geometry({8, 8, 1}, {1, 1, 2.5}, {-100, -100, 0}, Eigen::Matrix3d::Identity()));
    DicomSeriesAttributes attributes;
    attributes.patient_id = patient_.text;
    attributes.study_uid = study_.text;
    attributes.series_uid = series_.text;
    attributes.frame_of_reference_uid = "2.25.5555555555555555555";
    attributes.elements = {{"SOPInstanceUID", instance_.text},
                           {"InstanceNumber", number_.text},
                           {"ImagePositionPatient", "-100\\-100\\" + position_.text}};
    file_ = read_text(write_dicom_series(folder.path(), volume, attributes).at(0));
    for (Field* const field : {&patient_, &study_, &series_, &instance_, &number_, &position_}) {
      for (std::size_t at = file_.find(field->text); at != std::string::npos;
           at = file_.find(field->text, at + 1)) {
        field->places.push_back(at);
      }
      if (field->places.empty()) {
        throw std::runtime_error("the template file does not hold " + field->text);
      }
    }
  }

  void make(const std::filesystem::path& folder, std::int64_t count, bool flat) {
    std::filesystem::create_directories(folder);
    for (std::int64_t n = 0; n < count; ++n) {
      const std::int64_t slice = n % kFilesPerSeries;
      const std::int64_t series = n / kFilesPerSeries;
      const std::int64_t study = series / kSeriesPerStudy;
      const std::int64_t patient = study / kStudiesPerPatient;
      put(patient_, fmt::format("PATIENT{:09}", patient));
      put(study_, fmt::format("2.25.1{:018}", study));
      put(series_, fmt::format("2.25.2{:018}", series));
      put(instance_, fmt::format("2.25.3{:018}", n));
      put(number_, fmt::format("{:08}", slice + 1));
      put(position_, fmt::format("{:08.2f}", 2.5 * static_cast<double>(slice)));
      std::filesystem::path place = folder;
      if (!flat) {
        place /= fmt::format("{:06}/{:06}/{:06}", patient, study, series);
        if (slice == 0) {
          std::filesystem::create_directories(place);
        }
      }
      write(place / fmt::format("IM{:08}", flat ? n : slice));
    }
  }

 private:
  void put(const Field& field, const std::string& text) {
    if (text.size() != field.text.size()) {
      throw std::runtime_error("too many files for the fields of the template");
    }
    for (const std::size_t place : field.places) {
      std::memcpy(file_.data() + place, text.data(), text.size());
    }
  }

  void write(const std::filesystem::path& path) const {
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    const bool written = file >= 0 && ::write(file, file_.data(), file_.size()) ==
                                          static_cast<ssize_t>(file_.size());
    if (file < 0 || ::close(file) != 0 || !written) {
      throw std::runtime_error("cannot write " + path.string());
    }
  }

  std::string file_;
  Field patient_{"PATIENT999999999", {}};
  Field study_{"2.25.1999999999999999999", {}};
  Field series_{"2.25.2999999999999999999", {}};
  Field instance_{"2.25.3999999999999999999", {}};
  Field number_{"87654321", {}};
  Field position_{"98765.43", {}};
};

std::int64_t walk(int parent, const char* name) {
  const int descriptor = ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  DIR* const folder = descriptor < 0 ? nullptr : ::fdopendir(descriptor);
  if (folder == nullptr) {
    throw std::runtime_error(std::string("cannot read ") + name);
  }
  std::int64_t files = 0;
  while (const dirent* const entry = ::readdir(folder)) {
    const std::string_view entry_name = entry->d_name;
    if (entry_name == "." || entry_name == "..") {
      continue;
    }
    if (entry->d_type == DT_DIR) {
      files += walk(descriptor, entry->d_name);
      continue;
    }

    struct stat status {};

    files += ::fstatat(descriptor, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 ? 1 : 0;
  }
  ::closedir(folder);
  return files;
}

// Of the thread that walks, compares, groups and writes; not of those that talk to the children.
double thread_cpu_seconds() {
  timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + 1e-9 * static_cast<double>(used.tv_nsec);
}

std::int64_t scan_folder(const std::filesystem::path& folder,
                         const std::filesystem::path& work,
                         int threads) {
  Catalogue catalogue(work / "catalogue.db", Catalogue::Mode::kWrite);
  ScanOptions options;
  options.threads = threads;
  options.worker.executable = executable_folder().parent_path() / "marrow-worker";
  const ScanResult result = scan(std::vector{folder}, catalogue, options);
  fmt::print(
      "opened {}, series {}, {:.3f} s, bookkeeping thread {:.3f} s of processor, peak {} MiB\n",
      result.opened,
      result.series,
      result.seconds,
      thread_cpu_seconds(),
      peak_rss_bytes() >> 20U);
  return result.files;
}

int run(const std::vector<std::string>& words) {
  const auto start = std::chrono::steady_clock::now();
  std::int64_t files = 0;
  if (words.size() == 3 && (words[0] == "make" || words[0] == "flat")) {
    files = std::stoll(words[2]);
    ArchiveMaker().make(words[1], files, words[0] == "flat");
  } else if (words.size() == 2 && words[0] == "walk") {
    files = walk(AT_FDCWD, words[1].c_str());
  } else if ((words.size() == 3 || words.size() == 4) && words[0] == "scan") {
    files = scan_folder(words[1], words[2], words.size() == 4 ? std::stoi(words[3]) : 0);
  } else {
    fmt::print(stderr,
               "archive_bench make|flat FOLDER N, walk FOLDER, or scan FOLDER WORK [THREADS]\n");
    return 2;
  }
  fmt::print("{} files {:.4f} s\n",
             files,
             std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  return 0;
}

}  // namespace

}  // namespace marrow

int main(int count, char** words) {
  try {
    return marrow::run({words + 1, words + count});
  } catch (const std::exception& failure) {
    fmt::print(stderr, "archive_bench: {}\n", failure.what());
    return 1;
  }
}
