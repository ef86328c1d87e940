#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <new>
#include <optional>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

#include "core/text.h"
#include "io/dicom/fast_header.h"
#include "io/file_error.h"
#include "io/nifti/gzip_reader.h"
#include "io/nifti/nifti_fields.h"
#include "io/nifti/nifti_files.h"
#include "io/volume_files/volume_file.h"
#include "io/worker/read_ahead.h"
#include "io/worker/requests.h"

namespace marrow {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kHeadBytes = 8192;

std::string advice_for(std::string_view reason_code) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kAdvice{{
      {"cut-short", "copy the file again from its source"},
      {"bad-checksum", "copy the file again from its source"},
      {"damaged-gzip", "copy the file again from its source"},
      {"empty", "copy the file again from its source"},
      {"no-permission", "make the file readable for the user who runs the scan"},
      {"analyze", "convert it to NIfTI with a tool that knows its orientation"},
      {"missing-pair", "copy the header and the file with its voxels together"},
      {"out-of-memory", "raise the memory limit"},
      {"symlink", "give the folder that the link points to"},
      {"not-an-image", "nothing to do, unless it should be an image: then export it again"},
      {"not-a-file", "leave it out of the archive"},
  }};
  for (const auto& [code, advice] : kAdvice) {
    if (code == reason_code) {
      return std::string(advice);
    }
  }
  return {};
}

FileRefusal make_refusal(ErrorCode code, std::string reason_code, std::string sentence) {
  FileRefusal refusal{code, std::move(reason_code), std::move(sentence), {}};
  refusal.advice = advice_for(refusal.reason_code);
  return refusal;
}

// What people keep among images, by its first bytes, for the sentence only.
std::string_view known_kind(std::span<const std::byte> head) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kKinds{{
      {"\x89PNG", "a PNG picture"},
      {"\xff\xd8\xff", "a JPEG picture"},
      {"%PDF", "a PDF document"},
      {"PK\x03\x04", "a ZIP archive"},
      {"\x1f\x8b", "gzip data that holds no NIfTI image"},
      {"II*", "a TIFF picture"},
      {"MM", "a TIFF picture"},
      {"SQLite format 3", "an SQLite database"},
  }};
  for (const auto& [start, kind] : kKinds) {
    if (head.size() >= start.size() && std::memcmp(head.data(), start.data(), start.size()) == 0) {
      return kind;
    }
  }
  const bool text = !head.empty() && std::all_of(head.begin(), head.end(), [](std::byte b) {
    const auto c = std::to_integer<unsigned>(b);
    return c >= 0x20 || c == '\t' || c == '\n' || c == '\r';
  });
  return text ? "text" : "other bytes";
}

std::optional<FileRefusal> refuse_open(int failure, const std::string& name) {
  switch (failure) {
    case ELOOP:
      return make_refusal(ErrorCode::kUnsupported,
                          "symlink",
                          name + ": expected a file, found a symbolic link, which is not followed");
    case EACCES:
    case EPERM:
      return make_refusal(ErrorCode::kUnreadable,
                          "no-permission",
                          name + ": there is no permission to read the file");
    case ENOENT:
    case ENOTDIR:
      return make_refusal(ErrorCode::kUnreadable, "missing", name + ": there is no such file");
    case ENXIO:
    case ENODEV:
      return make_refusal(ErrorCode::kUnsupported,
                          "not-a-file",
                          name + ": expected a file, found a pipe, a socket or a device");
    default:
      return make_refusal(ErrorCode::kUnreadable,
                          "unreadable",
                          name + ": the file cannot be opened: " +
                              std::error_code(failure, std::generic_category()).message());
  }
}

// The file's first bytes, without ever waiting for a pipe or touching a device.
std::optional<FileRefusal> read_head(const fs::path& file,
                                     const std::string& name,
                                     std::vector<std::byte>& head) {
  const Descriptor opened = open_to_inspect(file.native());
  if (!opened) {
    return refuse_open(errno, name);
  }

  struct stat status {};

  if (::fstat(opened.get(), &status) != 0) {
    return refuse_open(errno, name);
  }
  if (S_ISDIR(status.st_mode)) {
    return make_refusal(
        ErrorCode::kUnsupported, "folder", name + ": expected a file, found a folder");
  }
  if (!S_ISREG(status.st_mode)) {
    return refuse_open(ENXIO, name);
  }
  if (status.st_size == 0) {
    return make_refusal(ErrorCode::kUnreadable, "empty", name + ": the file is empty");
  }
  head.resize(kHeadBytes);
  const ssize_t count = ::pread(opened.get(), head.data(), head.size(), 0);
  if (count < 0) {
    return refuse_open(errno, name);
  }
  head.resize(static_cast<std::size_t>(count));
  return std::nullopt;
}

bool has_dicom_prefix(std::span<const std::byte> head) {
  return head.size() >= 132 && std::memcmp(head.data() + 128, "DICM", 4) == 0;
}

bool in_nifti_family(std::span<const std::byte> head) {
  std::array<std::byte, 544> inflated{};
  if (is_gzip(head)) {
    head = inflate_prefix(head, inflated);
  }
  return nifti_signature(head).kind != NiftiKind::kNone;
}

FileFacts inspect_regular_file(const fs::path& file) {
  const std::string name = printable(file.string(), 400);
  std::vector<std::byte> head;
  if (auto refusal = read_head(file, name, head)) {
    return {file, *std::move(refusal)};
  }
  if (!has_dicom_prefix(head) && in_nifti_family(head)) {
    return {file, read_nifti_header(file)};
  }
  if (!has_dicom_prefix(head) && volume_file_kind(head) != VolumeFileKind::kNone) {
    return {file, VolumeFile(file).header()};
  }
  if (is_dicom(head)) {
    return {file, read_dicom_header(file)};
  }
  if (volume_header_beside(file)) {
    return {file,
            make_refusal(ErrorCode::kUnsupported,
                         "pair-voxels",
                         name + ": the voxels of a volume whose header lies beside it")};
  }
  if (nifti_header_beside(file)) {
    return {file,
            make_refusal(ErrorCode::kUnsupported,
                         "pair-voxels",
                         name + ": the voxels of a NIfTI pair, read with the header beside it")};
  }
  return {file,
          make_refusal(ErrorCode::kUnsupported,
                       "not-an-image",
                       name + ": expected a DICOM, NIfTI, NRRD or MetaImage image, found " +
                           std::string(known_kind(head)))};
}

bool is_reason_code(std::string_view word) {
  return word.size() >= 3 && word.size() <= 40 && std::all_of(word.begin(), word.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

}  // namespace

FileRefusal refusal_of(const Error& error, const fs::path& file) {
  const std::string name = printable(file.string(), 400);
  if (const auto* file_error = dynamic_cast<const FileError*>(&error)) {
    return make_refusal(error.code(), file_error->reason_code(), error.what());
  }
  std::string sentence = error.what();
  std::string reason_code(error_name(error.code()));
  const std::size_t colon = sentence.find(": ");
  if (colon != std::string::npos && is_reason_code(std::string_view(sentence).substr(0, colon))) {
    reason_code = sentence.substr(0, colon);
    sentence = sentence.substr(colon + 2);
  }
  if (sentence.find(name) == std::string::npos) {
    sentence = name + ": " + sentence;
  }
  return make_refusal(error.code(), std::move(reason_code), std::move(sentence));
}

std::optional<DicomHeader> inspect_ordinary_file(const Descriptor& opened) {
  thread_local FastHeaderReader reader;

  struct stat status {};

  if (!opened || ::fstat(opened.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return std::nullopt;
  }
  try {
    return reader.read(opened.get(), status.st_size);
  } catch (const std::bad_alloc&) {
    return std::nullopt;
  }
}

FileFacts inspect_file(const fs::path& file) {
  try {
    return inspect_regular_file(file);
  } catch (const Error& error) {
    return {file, refusal_of(error, file)};
  } catch (const std::bad_alloc&) {
    return {file,
            make_refusal(ErrorCode::kResources,
                         "out-of-memory",
                         printable(file.string(), 400) +
                             ": reading the header needs more memory than the parser is allowed")};
  }
}

}  // namespace marrow
