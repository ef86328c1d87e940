#include "io/worker/voxel_answers.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <fcntl.h>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "core/error.h"
#include "core/text.h"
#include "io/dicom/dicom_picture.h"
#include "io/dicom/plain_stack.h"
#include "io/file_error.h"
#include "io/images/npz_file.h"
#include "io/images/picture.h"
#include "io/nifti/nifti_files.h"
#include "io/volume_files/volume_file.h"
#include "io/worker/channel.h"

namespace marrow {

namespace {

namespace fs = std::filesystem;

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
        fmt::format("{}: expected one volume, found {}; `marrow convert` makes a file of each",
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

bool is_one_picture(const std::vector<DicomHeader>& headers) {
  return headers.size() == 1 && is_dicom_picture(headers.front());
}

VoxelAnswer answer_dicom_volume(const std::vector<fs::path>& files,
                                std::int64_t volume,
                                const RequestLimits& limits) {
  const std::vector<DicomHeader> headers = read_dicom_headers(files);
  if (is_one_picture(headers)) {
    return voxel_answer(read_dicom_picture(headers.front(), volume, limits.memory_bytes), {});
  }
  std::variant<PlainStack, Volume> opened = open_dicom_stack(headers, dicom_volume(volume));
  if (auto* const read = std::get_if<Volume>(&opened)) {
    return voxel_answer(std::move(*read), {});
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
    return answer_dicom_volume(files, index, limits);
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
  const std::vector<DicomHeader> headers = read_dicom_headers(files);
  answer.reply.geometry = is_one_picture(headers)
                              ? dicom_picture_geometry(headers.front())
                              : dicom_stack_geometry(headers, dicom_volume(index));
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

}  // namespace

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

}  // namespace marrow
