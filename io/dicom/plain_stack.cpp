#include "io/dicom/plain_stack.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <map>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>

#include "core/error.h"
#include "core/text.h"
#include "io/dicom/dicom_pixels.h"
#include "io/dicom/frames.h"
#include "io/dicom/sop_classes.h"
#include "io/file_error.h"

namespace marrow {

namespace {

namespace fs = std::filesystem;

// Rows are read in pieces that stay in the cache between reading and scaling.
constexpr std::int64_t kBytesARead = std::int64_t{256} << 10;

bool has_plain_pixels(const DicomHeader& file) {
  return (file.transfer_syntax_uid == kImplicitSyntax ||
          file.transfer_syntax_uid == kExplicitSyntax) &&
         file.pixel_offset >= 0 && file.pixel_bytes >= 0 && !file.traits.contains("modality_lut") &&
         !file.traits.contains("float_pixels");
}

PixelLayout layout_of(const DicomHeader& file) {
  return {.bits_allocated = file.bits_allocated,
          .bits_stored = file.bits_stored,
          .high_bit = file.high_bit,
          .samples = static_cast<int>(file.samples_per_pixel),
          .is_signed = file.pixel_representation == 1};
}

std::optional<PlainSlice> plain_slice(const DicomHeader& file, const DicomHeader& slice) {
  PlainSlice plain;
  plain.coding = {layout_of(file), stated_padding(file), slice_scale(slice)};
  if (!has_plain_pixels(file) || !is_grey_layout(plain.coding.layout) || file.rows <= 0 ||
      file.columns <= 0 || file.frames <= 0) {
    return std::nullopt;
  }
  const std::int64_t bytes = file.bits_allocated / 8;
  // Not multiplied out: rows, columns and frames are the file's word.
  if (file.pixel_bytes / bytes / file.rows / file.columns < file.frames) {
    return std::nullopt;
  }
  const SlicePlace place = slice_place(file, slice.frame);
  plain.row_bytes = file.columns * bytes;
  plain.offset = file.pixel_offset + (place.frame * file.rows + place.first_row) * plain.row_bytes +
                 place.first_column * bytes;
  return plain;
}

[[noreturn]] void throw_changed(const fs::path& file, const char* code, const std::string& what) {
  throw FileError(ErrorCode::kUnreadable,
                  code,
                  printable(file.string(), 400) + ": " + what +
                      "; was it changed meanwhile? Try again, or scan the archive again");
}

class OpenFile {
 public:
  explicit OpenFile(const fs::path& file)
      : file_(file), descriptor_(::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)) {
    struct stat status {};

    if (descriptor_ < 0) {
      throw_changed(file,
                    errno == ENOENT ? "missing" : "no-permission",
                    "the file cannot be opened: " +
                        std::error_code(errno, std::generic_category()).message());
    }
    if (::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) {
      ::close(descriptor_);
      throw_changed(file, "not-a-file", "expected a file, found a folder, a pipe or a device");
    }
  }

  ~OpenFile() { ::close(descriptor_); }

  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  void read(std::span<std::byte> into, std::int64_t offset) const {
    while (!into.empty()) {
      const ssize_t count = ::pread(descriptor_, into.data(), into.size(), offset);
      if (count < 0 && errno == EINTR) {
        continue;
      }
      if (count < 0) {
        throw_changed(
            file_,
            "input-output",
            "reading fails: " + std::error_code(errno, std::generic_category()).message());
      }
      if (count == 0) {
        throw_changed(file_,
                      "cut-short",
                      fmt::format("the file ends after {} bytes, within its pixels", offset));
      }
      into = into.subspan(static_cast<std::size_t>(count));
      offset += count;
    }
  }

 private:
  const fs::path& file_;
  int descriptor_;
};

// Nothing of this comes from where it can be relied on.
void check_numbers(const PlainStack& stack, std::size_t files) {
  const auto& size = stack.geometry.size;
  MARROW_CHECK(size[0] > 0 && size[1] > 0 && size[2] > 0);
  MARROW_CHECK(stack.geometry.voxels() <= kMaxStackVoxels);
  MARROW_CHECK(static_cast<std::int64_t>(stack.slices.size()) == size[2]);
  constexpr std::int64_t kMostRowBytes = 1 << 24;
  for (const PlainSlice& slice : stack.slices) {
    const std::int64_t bytes = slice.coding.layout.bits_allocated / 8;
    MARROW_CHECK(slice.file < files && slice.offset >= 0);
    MARROW_CHECK(is_grey_layout(slice.coding.layout));
    MARROW_CHECK(slice.row_bytes >= size[0] * bytes && slice.row_bytes <= kMostRowBytes);
  }
}

}  // namespace

std::optional<PlainStack> plain_stack(std::span<const DicomHeader> files,
                                      std::span<const DicomHeader> slices,
                                      const StackCheck& check) {
  if (check.shear_mm || !check.geometry) {
    return std::nullopt;
  }
  std::map<fs::path, std::size_t> places;
  for (std::size_t n = 0; n < files.size(); ++n) {
    places.emplace(files[n].file, n);
  }
  PlainStack stack{*check.geometry, slices[0].modality == "CT", {}};
  stack.slices.reserve(slices.size());
  for (const std::size_t index : check.order) {
    const std::size_t file = places.at(slices[index].file);
    std::optional<PlainSlice> slice = plain_slice(files[file], slices[index]);
    if (!slice) {
      return std::nullopt;
    }
    slice->file = file;
    stack.slices.push_back(*std::move(slice));
  }
  return stack;
}

Volume read_plain_stack(const PlainStack& stack, std::span<const fs::path> files) {
  check_numbers(stack, files.size());
  Volume volume = make_unfilled_grid<float>(stack.geometry);
  const std::int64_t columns = stack.geometry.size[0];
  const std::int64_t rows = stack.geometry.size[1];
  const auto area = static_cast<std::size_t>(columns * rows);
  const bool large = volume.voxels.size() * sizeof(float) >= kLargeBlock;
  OutsidePixels outside(stack.is_ct);
  std::vector<std::byte> bytes;
  std::optional<OpenFile> file;
  for (std::size_t k = 0; k < stack.slices.size(); ++k) {
    const PlainSlice& slice = stack.slices[k];
    if (!file || stack.slices[k - 1].file != slice.file) {
      file.emplace(files[slice.file]);
    }
    const std::int64_t rows_a_read =
        std::clamp<std::int64_t>(kBytesARead / slice.row_bytes, 1, rows);
    bytes.resize(static_cast<std::size_t>(rows_a_read * slice.row_bytes));
    const std::int64_t last_row_bytes = columns * (slice.coding.layout.bits_allocated / 8);
    for (std::int64_t row = 0; row < rows; row += rows_a_read) {
      const std::int64_t count = std::min(rows_a_read, rows - row);
      // Behind the last row of a tile the file may end.
      const std::int64_t wanted = (count - 1) * slice.row_bytes + last_row_bytes;
      file->read(std::span(bytes).first(static_cast<std::size_t>(wanted)),
                 slice.offset + row * slice.row_bytes);
      outside.found |= convert_rows({bytes.data(), count, columns, slice.row_bytes},
                                    slice.coding,
                                    nullptr,
                                    outside.marker,
                                    large,
                                    std::span(volume.voxels)
                                        .subspan(k * area + static_cast<std::size_t>(row * columns),
                                                 static_cast<std::size_t>(count * columns)));
    }
  }
  outside.settle(volume.voxels);
  return volume;
}

}  // namespace marrow
