#include "io/worker/requests.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <new>
#include <optional>
#include <span>
#include <sys/mman.h>
#include <system_error>
#include <thread>
#include <type_traits>
#include <unistd.h>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "core/large_memory.h"
#include "core/progress.h"
#include "core/text.h"
#include "io/dicom/plain_stack.h"
#include "io/file_error.h"
#include "io/images/npz_file.h"
#include "io/images/picture.h"
#include "io/nifti/gzip_reader.h"
#include "io/nifti/nifti_files.h"
#include "io/volume_files/volume_file.h"
#include "io/worker/limits.h"
#include "io/worker/messages.h"

namespace marrow {

namespace {

namespace fs = std::filesystem;

struct VoxelAnswer {
  WorkerReply reply;
  std::variant<std::monostate, VoxelVector<float>, VoxelVector<std::uint16_t>> voxels;

  [[nodiscard]] std::span<const std::byte> bytes() const {
    return std::visit(
        []<class Voxels>(const Voxels& of_type) -> std::span<const std::byte> {
          if constexpr (std::is_same_v<Voxels, std::monostate>) {
            return {};
          } else {
            return std::as_bytes(std::span(of_type));
          }
        },
        voxels);
  }
};

void check_data_file(const fs::path& file) {
  std::error_code failure;
  const fs::file_status status = fs::status(file, failure);
  const std::string name = printable(file.string(), 400);
  if (!fs::exists(status)) {
    throw FileError(ErrorCode::kUnreadable, "missing", name + ": there is no such file");
  }
  if (!fs::is_regular_file(status)) {
    throw FileError(ErrorCode::kUnreadable,
                    "not-a-file",
                    name + ": expected a file, found a folder, a pipe or a device");
  }
}

bool is_dicom_file(const fs::path& file) {
  std::vector<std::byte> head(8192);
  const Descriptor opened(::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  const ssize_t count = opened ? ::pread(opened.get(), head.data(), head.size(), 0) : -1;
  if (count < 0) {
    throw FileError(ErrorCode::kUnreadable,
                    "no-permission",
                    printable(file.string(), 400) + ": the file cannot be opened: " +
                        std::error_code(errno, std::generic_category()).message());
  }
  head.resize(static_cast<std::size_t>(count));
  return !is_nifti(head) && is_dicom(head);
}

// A NIfTI pair may be given as both of its files.
std::optional<fs::path> nifti_file(const std::vector<fs::path>& files) {
  for (const fs::path& file : files) {
    check_data_file(file);
  }
  if (is_dicom_file(files.front())) {
    return std::nullopt;
  }
  if (files.size() == 1) {
    return files.front();
  }
  for (std::size_t i = 0; files.size() == 2 && i < 2; ++i) {
    if (nifti_header_beside(files[i])) {
      return files[1 - i];
    }
  }
  throw FileError(
      ErrorCode::kUnsupported,
      "not-an-image",
      fmt::format("{}: expected one NIfTI file or the DICOM files of one stack, found {} "
                  "files of which the first is no DICOM",
                  printable(files.front().string(), 400),
                  files.size()));
}

// The voxels in a memory file that can change no more.
Descriptor sealed_voxels(std::span<const std::byte> bytes) {
  Descriptor file(::memfd_create("voxels", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file) {
    throw FileError(ErrorCode::kResources, "out-of-memory", "no memory file for the voxels");
  }
  while (!bytes.empty()) {
    const ssize_t written = ::write(file.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written <= 0) {
      throw FileError(ErrorCode::kResources,
                      "out-of-memory",
                      "no memory left for " + format_bytes(bytes.size()) + " of voxels");
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  ::fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
  return file;
}

template <class T>
VoxelAnswer voxel_answer(Grid<T> grid, std::vector<std::string> warnings) {
  VoxelAnswer answer;
  answer.reply.geometry = grid.geometry;
  answer.reply.warnings = std::move(warnings);
  answer.voxels = std::move(grid.voxels);
  return answer;
}

void check_single_volume(const NiftiBytes& bytes, const std::string& name) {
  const NiftiHeader header = decode_nifti_header(bytes, name);
  if (header.volumes != 1) {
    throw FileError(
        ErrorCode::kUnsupported,
        "several-volumes",
        fmt::format("{}: expected one volume, found {}; say which one or split the file",
                    name,
                    header.volumes));
  }
}

std::optional<std::int64_t> dicom_volume(std::int64_t index) {
  return index < 0 ? std::nullopt : std::optional(index);
}

// The one file that a request names when that is NRRD or MetaImage.
std::optional<fs::path> volume_file_of(const std::vector<fs::path>& files) {
  check_data_file(files.front());
  return files.size() == 1 && is_volume_file(files.front()) ? std::optional(files.front())
                                                            : std::nullopt;
}

std::optional<fs::path> picture_of(const std::vector<fs::path>& files) {
  return files.size() == 1 && is_picture(files.front()) ? std::optional(files.front())
                                                        : std::nullopt;
}

// The archive that was asked about last stays open, so that its images are checked once: they are
// asked for one by one.
NpzFile& opened_npz(const fs::path& file, const RequestLimits& limits) {
  struct Opened {
    fs::path file;
    fs::file_time_type time;
    std::unique_ptr<NpzFile> npz;
  };

  static Opened last;

  const fs::file_time_type time = fs::last_write_time(file);
  if (last.npz == nullptr || last.file != file || last.time != time) {
    last.npz.reset();
    last = {file, time, std::make_unique<NpzFile>(file, limits.memory_bytes / 4)};
  }
  return *last.npz;
}

// To be asked before the other kinds: those map the file, which an archive may be too large for.
std::optional<fs::path> npz_of(const std::vector<fs::path>& files) {
  check_data_file(files.front());
  return files.size() == 1 && is_npz(files.front()) ? std::optional(files.front()) : std::nullopt;
}

void check_volume_index(std::int64_t index, const fs::path& file) {
  if (index > 0) {
    throw FileError(ErrorCode::kInvalidArgument,
                    "no-such-volume",
                    fmt::format("{}: expected a volume number that the file has, found {}, but it "
                                "holds one volume",
                                printable(file.string(), 400),
                                index));
  }
}

VoxelAnswer answer_dicom_volume(const std::vector<fs::path>& files,
                                std::optional<std::int64_t> index) {
  std::variant<PlainStack, Volume> opened = open_dicom_stack(files, index);
  if (auto* const volume = std::get_if<Volume>(&opened)) {
    return voxel_answer(std::move(*volume), {});
  }
  VoxelAnswer answer;
  answer.reply.plain = std::get<PlainStack>(std::move(opened));
  answer.reply.geometry = answer.reply.plain->geometry;
  return answer;
}

VoxelAnswer answer_volume(const std::vector<fs::path>& files,
                          std::int64_t index,
                          const RequestLimits& limits) {
  if (const auto npz = npz_of(files)) {
    return voxel_answer(opened_npz(*npz, limits).image(index), {});
  }
  if (const auto other = volume_file_of(files)) {
    check_volume_index(index, *other);
    VolumeFileImage image = read_volume_file(*other, limits.memory_bytes);
    return voxel_answer(std::move(image.volume), std::move(image.warnings));
  }
  if (const auto picture = picture_of(files)) {
    return voxel_answer(read_picture(*picture, index, limits.memory_bytes), {});
  }
  const auto file = nifti_file(files);
  if (!file) {
    return answer_dicom_volume(files, dicom_volume(index));
  }
  const NiftiFiles mapped(*file);
  if (index < 0) {
    check_single_volume(mapped.bytes(), mapped.name());
  }
  NiftiImage image = decode_nifti(
      mapped.bytes(), mapped.name(), std::max<std::int64_t>(index, 0), limits.memory_bytes);
  return voxel_answer(std::move(image.volume), std::move(image.warnings));
}

// A DICOM series that holds labels, such as a tumour mask stored as MR.
LabelMap labels_of(const Volume& volume, const fs::path& file) {
  LabelMap labels = make_grid<std::uint16_t>(volume.geometry);
  for (std::size_t i = 0; i < volume.voxels.size(); ++i) {
    const float value = volume.voxels[i];
    if (!(value >= 0 && value <= 65535) || value != std::nearbyint(value)) {
      throw FileError(
          ErrorCode::kRefused,
          "not-labels",
          fmt::format("{}: expected labels to be integers from 0 to 65535, found {}; is this "
                      "the image instead of its label map?",
                      printable(file.string(), 400),
                      value));
    }
    labels.voxels[i] = static_cast<std::uint16_t>(value);
  }
  return labels;
}

VoxelAnswer answer_labels(const std::vector<fs::path>& files,
                          std::int64_t index,
                          const RequestLimits& limits) {
  if (const auto other = volume_file_of(files)) {
    VolumeFileLabels result = read_volume_file_labels(*other, limits.memory_bytes);
    return voxel_answer(std::move(result.labels), std::move(result.warnings));
  }
  if (const auto picture = picture_of(files)) {
    return voxel_answer(read_picture_labels(*picture, limits.memory_bytes), {});
  }
  const auto file = nifti_file(files);
  if (!file) {
    return voxel_answer(labels_of(read_dicom_stack(files, dicom_volume(index)), files.front()), {});
  }
  const NiftiFiles mapped(*file);
  NiftiLabels result = decode_nifti_labels(mapped.bytes(), mapped.name(), limits.memory_bytes);
  return voxel_answer(std::move(result.labels), std::move(result.warnings));
}

VoxelAnswer answer_geometry(const std::vector<fs::path>& files,
                            std::int64_t index,
                            const RequestLimits& limits) {
  VoxelAnswer answer;
  if (const auto npz = npz_of(files)) {
    answer.reply.geometry = opened_npz(*npz, limits).image(index).geometry;
    return answer;
  }
  if (const auto other = volume_file_of(files)) {
    answer.reply.geometry = VolumeFile(*other).header().geometry;
    return answer;
  }
  if (const auto picture = picture_of(files)) {
    answer.reply.geometry = picture_geometry(read_picture_header(*picture));
    return answer;
  }
  const auto file = nifti_file(files);
  if (file) {
    answer.reply.geometry = read_nifti_header(*file).geometry;
    return answer;
  }
  answer.reply.geometry = dicom_stack_geometry(read_dicom_headers(files), dicom_volume(index));
  return answer;
}

VoxelAnswer answer_object_labels(const std::vector<fs::path>& files, const LabelTarget& target) {
  PaintedLabels painted = read_object_labels(files, target);
  return voxel_answer(std::move(painted.labels), std::move(painted.warnings));
}

VoxelAnswer answer_label_object(const fs::path& file) {
  check_data_file(file);
  VoxelAnswer answer;
  answer.reply.object = read_label_object(file);
  return answer;
}

VoxelAnswer answer_npz_labels(const fs::path& file,
                              std::int64_t part,
                              const RequestLimits& limits) {
  check_data_file(file);
  if (!is_npz(file) || part < 0 || part >= NpzFile::kParts) {
    throw FileError(
        ErrorCode::kUnsupported,
        "not-an-image",
        printable(file.string(), 400) + ": expected a .npz of NumPy, found other bytes");
  }
  return voxel_answer(opened_npz(file, limits).labels(static_cast<int>(part)), {});
}

VoxelAnswer answer_voxels(const WorkerRequest& request,
                          const std::vector<fs::path>& files,
                          const RequestLimits& limits) {
  switch (request.operation) {
    case WorkerOperation::kVolume:
      return answer_volume(files, request.volume, limits);
    case WorkerOperation::kLabels:
      return request.target ? answer_object_labels(files, *request.target)
                            : answer_labels(files, request.volume, limits);
    case WorkerOperation::kLabelObject:
      return answer_label_object(files.front());
    case WorkerOperation::kNpzLabels:
      return answer_npz_labels(files.front(), request.volume, limits);
    case WorkerOperation::kGeometry:
      return answer_geometry(files, request.volume, limits);
    case WorkerOperation::kInspect:
      break;
  }
  throw Error(ErrorCode::kInternal, "worker: expected a request for voxels, found one to inspect");
}

// Misbehaves as the file's name asks for.
void run_test_request(const fs::path& file) {
  const std::string name = file.filename().string();
  if (name == "crash.test") {
    std::raise(SIGSEGV);
  } else if (name == "abort.test") {
    std::abort();
  } else if (name == "spin.test") {
    while (std::clock() != static_cast<std::clock_t>(-1)) {
    }
  } else if (name == "hang.test") {
    std::this_thread::sleep_for(std::chrono::hours(1));
  } else if (name == "allocate.test") {
    // NOLINTNEXTLINE(clang-analyzer-cplusplus.NewDeleteLeaks): the allocation is meant to fail.
    const std::vector<char> large(std::size_t{1} << 40, 'x');
    MARROW_CHECK(large.back() == 'x');
  } else if (name == "connect.test") {
    throw FileError(
        ErrorCode::kUnsupported,
        ::open("/dev/null", O_WRONLY | O_CLOEXEC) < 0 ? "writing-denied" : "writing-allowed",
        "tried to open a file for writing");
  } else if (name == "nonsense.test") {
    throw std::runtime_error("nonsense");
  }
}

FileRefusal memory_refusal(const fs::path& file, const RequestLimits& limits) {
  return {
      ErrorCode::kResources,
      "out-of-memory",
      fmt::format("{}: reading needs more than the {} of memory that the parser is allowed; raise "
                  "the memory limit or leave the file out",
                  printable(file.string(), 400),
                  format_bytes(limits.memory_bytes)),
      "raise the memory limit"};
}

FileFacts inspect_within_limits(const fs::path& file, const RequestLimits& limits) {
  if (limits.test_requests) {
    try {
      run_test_request(file);
    } catch (const Error& error) {
      return {file, refusal_of(error, file)};
    } catch (const std::bad_alloc&) {
      return {file, memory_refusal(file, limits)};
    }
  }
  return inspect_file(file);
}

// The answers to one request to inspect. They are sent together, but never later than before the
// next file that takes a library to read: should that one end the child, they are known.
class Inspector {
 public:
  Inspector(const RequestLimits& limits, Channel& channel) : limits_(limits), channel_(channel) {
    grant();
  }

  [[nodiscard]] bool answer(const std::vector<std::string>& files) {
    return std::all_of(
               files.begin(), files.end(), [&](const std::string& file) { return answer(file); }) &&
           send(false);
  }

 private:
  static constexpr std::size_t kBytesPerMessage = 32768;

  [[nodiscard]] bool answer(const std::string& file) {
    if (std::optional<DicomHeader> ordinary =
            test_request(file) ? std::nullopt : inspect_ordinary_file(file)) {
      facts_.content = *std::move(ordinary);
    } else {
      if (!send(true)) {
        return false;
      }
      grant();
      facts_ = inspect_within_limits(file, limits_);
    }
    write_facts(facts_, answers_);
    ++count_;
    if (seconds_since_grant() < kGrantSeconds) {
      return answers_.size() < kBytesPerMessage || send(false);
    }
    grant();
    return send(false);
  }

  [[nodiscard]] bool test_request(const std::string& file) const {
    return limits_.test_requests && file.ends_with(".test");
  }

  [[nodiscard]] bool send(bool next_is_alone) {
    if (count_ == 0 && !next_is_alone) {
      return true;
    }
    std::string message;
    write_answers_head({count_, next_is_alone}, message);
    message += answers_;
    answers_.clear();
    count_ = 0;
    return channel_.send(message);
  }

  // Two system calls, so not for every file: the limit is for a file that takes all of it.
  void grant() {
    grant_cpu_seconds(limits_.seconds);
    granted_ = coarse_seconds();
  }

  [[nodiscard]] double seconds_since_grant() const { return coarse_seconds() - granted_; }

  // Good to some milliseconds and much cheaper than the exact one.
  static double coarse_seconds() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
  }

  static constexpr double kGrantSeconds = 0.05;

  const RequestLimits& limits_;
  Channel& channel_;
  FileFacts facts_;
  std::string answers_;
  std::uint64_t count_ = 0;
  double granted_ = 0;
};

}  // namespace

bool answer_request(std::string_view message, const RequestLimits& limits, Channel& channel) {
  static VoxelAnswer answer;  // its voxels are read by the other side once it has the reply

  answer = {};
  const WorkerRequest request = read_request(message);
  if (request.operation == WorkerOperation::kInspect) {
    return Inspector(limits, channel).answer(request.files);
  }
  const std::vector<fs::path> files(request.files.begin(), request.files.end());
  grant_cpu_seconds(limits.seconds);
  Descriptor file;
  try {
    if (limits.test_requests) {
      run_test_request(files.front());
    }
    answer = answer_voxels(request, files, limits);
    answer.reply.voxels_at = reinterpret_cast<std::uintptr_t>(answer.bytes().data());
    if (request.memory_file && !answer.bytes().empty()) {
      file = sealed_voxels(answer.bytes());
      answer.voxels = {};
    }
  } catch (const Error& error) {
    answer.reply.refusal = refusal_of(error, files.front());
  } catch (const std::bad_alloc&) {
    answer.reply.refusal = memory_refusal(files.front(), limits);
  }
  return channel.send(reply_bytes(answer.reply), file.get());
}

}  // namespace marrow
