#include <csetjmp>
#include <cstdio>
#include <utility>

#include <jpeglib.h>

#include "io/file_error.h"
#include "io/images/picture_samples.h"

namespace marrow {

namespace {

// What libjpeg's callbacks see; it leaves by longjmp, as libpng does.
struct JpegState {
  jpeg_decompress_struct jpeg{};
  jpeg_error_mgr errors{};
  char message[JMSG_LENGTH_MAX] = {};
  jmp_buf leave;

  ~JpegState() { jpeg_destroy_decompress(&jpeg); }
};

JpegState& jpeg_state(j_common_ptr jpeg) {
  return *static_cast<JpegState*>(jpeg->client_data);
}

[[noreturn]] void leave_jpeg(j_common_ptr jpeg) {
  JpegState& state = jpeg_state(jpeg);
  jpeg->err->format_message(jpeg, state.message);
  std::longjmp(state.leave, 1);
}

// libjpeg only warns of files that end early or hold damage and makes something up; so a warning
// (level -1) is the end here.
void hear_jpeg(j_common_ptr jpeg, int level) {
  if (level < 0) {
    leave_jpeg(jpeg);
  }
}

bool read_jpeg_header(JpegState& state, std::span<const std::byte> bytes) {
  if (setjmp(state.leave) != 0) {
    return false;
  }
  jpeg_create_decompress(&state.jpeg);
  state.jpeg.client_data = &state;
  jpeg_mem_src(&state.jpeg,
               reinterpret_cast<const unsigned char*>(bytes.data()),
               static_cast<unsigned long>(bytes.size()));
  jpeg_read_header(&state.jpeg, TRUE);
  return true;
}

bool read_jpeg_rows(JpegState& state, unsigned char* out) {
  if (setjmp(state.leave) != 0) {
    return false;
  }
  state.jpeg.out_color_space = state.jpeg.num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
  state.jpeg.dct_method = JDCT_ISLOW;
  jpeg_start_decompress(&state.jpeg);
  const auto row_bytes = static_cast<std::size_t>(state.jpeg.output_width) *
                         static_cast<std::size_t>(state.jpeg.output_components);
  while (state.jpeg.output_scanline < state.jpeg.output_height) {
    JSAMPROW row = out + row_bytes * state.jpeg.output_scanline;
    jpeg_read_scanlines(&state.jpeg, &row, 1);
  }
  jpeg_finish_decompress(&state.jpeg);
  return true;
}

[[noreturn]] void refuse_jpeg(const JpegState& state, const std::string& name) {
  throw FileError(ErrorCode::kUnreadable,
                  "damaged-picture",
                  name + ": expected a whole JPEG picture, but the decoder says \"" +
                      state.message + "\"; copy the file again from its source");
}

}  // namespace

PictureSamples decode_jpeg(std::span<const std::byte> bytes,
                           const std::string& name,
                           std::uint64_t max_bytes,
                           bool header_only) {
  JpegState state;
  state.jpeg.err = jpeg_std_error(&state.errors);
  state.errors.error_exit = leave_jpeg;
  state.errors.emit_message = hear_jpeg;
  state.jpeg.client_data = &state;
  if (!read_jpeg_header(state, bytes)) {
    refuse_jpeg(state, name);
  }
  const int components = state.jpeg.num_components;
  if ((components != 1 && components != 3) || state.jpeg.data_precision != 8) {
    throw FileError(ErrorCode::kUnsupported,
                    "unsupported-type",
                    name + ": expected a grey or colour JPEG picture of 8 bits, found " +
                        std::to_string(components) + " components of " +
                        std::to_string(state.jpeg.data_precision) + " bits");
  }
  PictureSamples picture;
  picture.header.width = state.jpeg.image_width;
  picture.header.height = state.jpeg.image_height;
  picture.header.channels = components;
  picture.samples = components;
  // A progressive picture is held as coefficients of 16 bits until its last scan.
  check_picture_size(picture.header.width, picture.header.height, components * 2, max_bytes, name);
  if (header_only) {
    return picture;
  }
  std::vector<unsigned char> raw(static_cast<std::size_t>(picture.header.width) *
                                 static_cast<std::size_t>(picture.header.height) *
                                 static_cast<std::size_t>(components));
  if (!read_jpeg_rows(state, raw.data())) {
    refuse_jpeg(state, name);
  }
  picture.values.assign(raw.begin(), raw.end());
  return picture;
}

}  // namespace marrow
