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
#include <unistd.h>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/progress.h"
#include "core/text.h"
#include "io/file_error.h"
#include "io/nifti/gzip_reader.h"
#include "io/nifti/nifti_files.h"
#include "io/worker/limits.h"
#include "io/worker/wire.h"

namespace marrow {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

struct VoxelAnswer {
  json wire;
  Descriptor voxels;
};

std::vector<fs::path> requested_files(const json& request) {
  std::vector<fs::path> files;
  for (const json& file : request.at("files")) {
    files.emplace_back(from_wire_text(file.get_ref<const std::string&>()));
  }
  MARROW_CHECK(!files.empty());
  return files;
}

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

json wire_warnings(const std::vector<std::string>& warnings) {
  json list = json::array();
  for (const std::string& warning : warnings) {
    list.push_back(to_wire_text(warning));
  }
  return list;
}

template <class T>
VoxelAnswer voxel_answer(const Grid<T>& grid, const std::vector<std::string>& warnings) {
  VoxelAnswer answer;
  answer.wire = {{"geometry", to_wire(grid.geometry)}, {"warnings", wire_warnings(warnings)}};
  answer.voxels = sealed_voxels(std::as_bytes(std::span(grid.voxels)));
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

VoxelAnswer answer_volume(const std::vector<fs::path>& files,
                          std::int64_t index,
                          const RequestLimits& limits) {
  const auto file = nifti_file(files);
  if (!file) {
    return voxel_answer(read_dicom_stack(files, dicom_volume(index)), {});
  }
  const NiftiFiles mapped(*file);
  if (index < 0) {
    check_single_volume(mapped.bytes(), mapped.name());
  }
  const NiftiImage image = decode_nifti(
      mapped.bytes(), mapped.name(), std::max<std::int64_t>(index, 0), limits.memory_bytes);
  return voxel_answer(image.volume, image.warnings);
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
  const auto file = nifti_file(files);
  if (!file) {
    return voxel_answer(labels_of(read_dicom_stack(files, dicom_volume(index)), files.front()), {});
  }
  const NiftiFiles mapped(*file);
  const NiftiLabels result =
      decode_nifti_labels(mapped.bytes(), mapped.name(), limits.memory_bytes);
  return voxel_answer(result.labels, result.warnings);
}

VoxelAnswer answer_geometry(const std::vector<fs::path>& files, std::int64_t index) {
  VoxelAnswer answer;
  const auto file = nifti_file(files);
  if (file) {
    answer.wire = {{"geometry", to_wire(read_nifti_header(*file).geometry)}};
    return answer;
  }
  std::vector<DicomHeader> headers;
  headers.reserve(files.size());
  for (const fs::path& slice : files) {
    headers.push_back(read_dicom_header(slice));
  }
  answer.wire = {{"geometry", to_wire(dicom_stack_geometry(headers, dicom_volume(index)))}};
  return answer;
}

VoxelAnswer answer_voxels(const json& request,
                          const std::vector<fs::path>& files,
                          const RequestLimits& limits) {
  const auto& operation = request.at("op").get_ref<const std::string&>();
  const auto index = request.at("volume").get<std::int64_t>();
  if (operation == "volume") {
    return answer_volume(files, index, limits);
  }
  if (operation == "labels") {
    return answer_labels(files, index, limits);
  }
  MARROW_CHECK(operation == "geometry");
  return answer_geometry(files, index);
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

bool answer_inspect(const std::vector<fs::path>& files,
                    const RequestLimits& limits,
                    Channel& channel) {
  for (const fs::path& file : files) {
    grant_cpu_seconds(limits.seconds);
    if (!channel.send(to_wire(inspect_within_limits(file, limits)).dump())) {
      return false;
    }
  }
  return true;
}

}  // namespace

bool answer_request(std::string_view line, const RequestLimits& limits, Channel& channel) {
  const json request = json::parse(line);
  const std::vector<fs::path> files = requested_files(request);
  if (request.at("op") == "inspect") {
    return answer_inspect(files, limits, channel);
  }
  grant_cpu_seconds(limits.seconds);
  VoxelAnswer answer;
  try {
    if (limits.test_requests) {
      run_test_request(files.front());
    }
    answer = answer_voxels(request, files, limits);
  } catch (const Error& error) {
    answer.wire = {{"refusal", to_wire(refusal_of(error, files.front()))}};
  } catch (const std::bad_alloc&) {
    answer.wire = {{"refusal", to_wire(memory_refusal(files.front(), limits))}};
  }
  return channel.send(answer.wire.dump(), answer.voxels.get());
}

}  // namespace marrow
