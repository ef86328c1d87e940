#include <csetjmp>
#include <cstring>
#include <utility>

#include <png.h>

#include "io/file_error.h"
#include "io/images/picture_samples.h"

namespace marrow {

namespace {

constexpr png_uint_32 kLargestPngSide = 1U << 16;
constexpr std::size_t kLargestPngChunk = std::size_t{8} << 20;  // of text, profiles and the like

// What libpng's callbacks see. libpng leaves by longjmp, so that the functions which call it hold
// nothing that needs destroying.
struct PngState {
  png_structp png = nullptr;
  png_infop info = nullptr;
  const std::byte* next = nullptr;
  std::size_t left = 0;
  bool cut_short = false;
  char message[160] = {};
  jmp_buf leave;

  ~PngState() { png_destroy_read_struct(&png, &info, nullptr); }
};

PngState& png_state(png_structp png) {
  return *static_cast<PngState*>(png_get_error_ptr(png));
}

[[noreturn]] void leave_png(png_structp png, png_const_charp message) {
  PngState& state = png_state(png);
  std::strncpy(state.message, message, sizeof(state.message) - 1);
  std::longjmp(state.leave, 1);
}

void ignore_png_warning(png_structp /*png*/, png_const_charp /*message*/) {}

void feed_png(png_structp png, png_bytep out, std::size_t count) {
  PngState& state = png_state(png);
  if (count > state.left) {
    state.cut_short = true;
    png_error(png, "the file ends early");
  }
  std::memcpy(out, state.next, count);
  state.next += count;
  state.left -= count;
}

bool read_png_info(PngState& state) {
  if (setjmp(state.leave) != 0) {
    return false;
  }
  png_set_read_fn(state.png, &state, feed_png);
  png_set_user_limits(state.png, kLargestPngSide, kLargestPngSide);
  png_set_chunk_malloc_max(state.png, kLargestPngChunk);
  png_set_chunk_cache_max(state.png, 64);
  png_set_crc_action(state.png, PNG_CRC_ERROR_QUIT, PNG_CRC_WARN_DISCARD);
  png_read_info(state.png, state.info);
  return true;
}

// Everything becomes grey or colour of 8 or 16 bits, with alpha where there is transparency.
bool expand_png(PngState& state) {
  if (setjmp(state.leave) != 0) {
    return false;
  }
  png_set_expand(state.png);
  if (png_get_bit_depth(state.png, state.info) == 16) {
    png_set_swap(state.png);
  }
  png_set_interlace_handling(state.png);
  png_read_update_info(state.png, state.info);
  return true;
}

bool read_png_rows(PngState& state, png_bytepp rows) {
  if (setjmp(state.leave) != 0) {
    return false;
  }
  png_read_image(state.png, rows);
  png_read_end(state.png, nullptr);
  return true;
}

[[noreturn]] void refuse_png(const PngState& state, const std::string& name) {
  throw FileError(ErrorCode::kUnreadable,
                  state.cut_short ? "cut-short" : "damaged-picture",
                  name + ": expected a whole PNG picture, but " + state.message +
                      "; copy the file again from its source");
}

std::vector<std::uint16_t> widened(const std::vector<png_byte>& bytes, bool sixteen_bits) {
  std::vector<std::uint16_t> values(bytes.size() / (sixteen_bits ? 2 : 1));
  if (sixteen_bits) {
    std::memcpy(values.data(), bytes.data(), bytes.size());
  } else {
    std::copy(bytes.begin(), bytes.end(), values.begin());
  }
  return values;
}

}  // namespace

PictureSamples decode_png(std::span<const std::byte> bytes,
                          const std::string& name,
                          std::uint64_t max_bytes,
                          bool header_only) {
  PngState state;
  state.next = bytes.data();
  state.left = bytes.size();
  state.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &state, leave_png, ignore_png_warning);
  state.info = state.png == nullptr ? nullptr : png_create_info_struct(state.png);
  if (state.info == nullptr) {
    throw std::bad_alloc();
  }
  if (!read_png_info(state)) {
    refuse_png(state, name);
  }
  PictureSamples picture;
  picture.header.width = png_get_image_width(state.png, state.info);
  picture.header.height = png_get_image_height(state.png, state.info);
  const auto type = png_get_color_type(state.png, state.info);
  const bool sixteen_bits = png_get_bit_depth(state.png, state.info) == 16;
  picture.header.palette = type == PNG_COLOR_TYPE_PALETTE;
  picture.header.channels = (type & PNG_COLOR_MASK_COLOR) != 0 ? 3 : 1;
  picture.header.largest = sixteen_bits ? 65535 : 255;
  if (!expand_png(state)) {
    refuse_png(state, name);
  }
  picture.samples = png_get_channels(state.png, state.info);
  check_picture_size(picture.header.width, picture.header.height, picture.samples, max_bytes, name);
  if (header_only) {
    return picture;
  }
  const std::size_t row_bytes = png_get_rowbytes(state.png, state.info);
  std::vector<png_byte> raw(row_bytes * static_cast<std::size_t>(picture.header.height));
  std::vector<png_bytep> rows(static_cast<std::size_t>(picture.header.height));
  for (std::size_t row = 0; row < rows.size(); ++row) {
    rows[row] = raw.data() + row * row_bytes;
  }
  if (!read_png_rows(state, rows.data())) {
    refuse_png(state, name);
  }
  picture.values = widened(raw, sixteen_bits);
  return picture;
}

}  // namespace marrow
