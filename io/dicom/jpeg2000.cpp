#include "io/dicom/jpeg2000.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include <fmt/format.h>
#include <openjpeg.h>

#include "core/error.h"

namespace marrow {

namespace {

// What OpenJPEG reads from.
struct StreamBytes {
  std::span<const std::byte> bytes;
  std::size_t at = 0;
};

OPJ_SIZE_T read_stream(void* buffer, OPJ_SIZE_T count, void* user) {
  auto& stream = *static_cast<StreamBytes*>(user);
  const std::size_t rest = stream.bytes.size() - stream.at;
  if (rest == 0) {
    return static_cast<OPJ_SIZE_T>(-1);
  }
  const std::size_t given = std::min<std::size_t>(rest, count);
  std::memcpy(buffer, stream.bytes.data() + stream.at, given);
  stream.at += given;
  return given;
}

OPJ_OFF_T skip_stream(OPJ_OFF_T count, void* user) {
  auto& stream = *static_cast<StreamBytes*>(user);
  const auto rest = static_cast<OPJ_OFF_T>(stream.bytes.size() - stream.at);
  if (count < 0 || rest == 0) {
    return -1;
  }
  const OPJ_OFF_T skipped = std::min(count, rest);
  stream.at += static_cast<std::size_t>(skipped);
  return skipped;
}

OPJ_BOOL seek_stream(OPJ_OFF_T place, void* user) {
  auto& stream = *static_cast<StreamBytes*>(user);
  if (place < 0 || static_cast<std::size_t>(place) > stream.bytes.size()) {
    return OPJ_FALSE;
  }
  stream.at = static_cast<std::size_t>(place);
  return OPJ_TRUE;
}

void ignore_message(const char* /*message*/, void* /*user*/) {}

[[noreturn]] void stream_unreadable(const std::string& name, const std::string& what) {
  throw Error(ErrorCode::kUnreadable,
              fmt::format("bad-pixels: {}: JPEG 2000: {}; get the file again", name, what));
}

using ImageOwner = std::unique_ptr<opj_image_t, decltype(&opj_image_destroy)>;

ImageOwner decode_image(StreamBytes& bytes,
                        std::int64_t rows,
                        std::int64_t columns,
                        const std::string& name) {
  const bool bare = bytes.bytes.size() > 2 && bytes.bytes[0] == std::byte{0xFF} &&
                    bytes.bytes[1] == std::byte{0x4F};
  const std::unique_ptr<opj_codec_t, decltype(&opj_destroy_codec)> codec(
      opj_create_decompress(bare ? OPJ_CODEC_J2K : OPJ_CODEC_JP2), opj_destroy_codec);
  const std::unique_ptr<opj_stream_t, decltype(&opj_stream_destroy)> stream(
      opj_stream_default_create(OPJ_TRUE), opj_stream_destroy);
  MARROW_CHECK(codec != nullptr && stream != nullptr);
  for (const auto set : {opj_set_info_handler, opj_set_warning_handler, opj_set_error_handler}) {
    set(codec.get(), ignore_message, nullptr);
  }
  opj_stream_set_user_data(stream.get(), &bytes, nullptr);
  opj_stream_set_user_data_length(stream.get(), bytes.bytes.size());
  opj_stream_set_read_function(stream.get(), read_stream);
  opj_stream_set_skip_function(stream.get(), skip_stream);
  opj_stream_set_seek_function(stream.get(), seek_stream);
  opj_dparameters_t parameters;
  opj_set_default_decoder_parameters(&parameters);
  opj_image_t* raw = nullptr;
  // Strict: a stream that ends early is damaged, not a picture with a grey rest.
  const bool ready = opj_setup_decoder(codec.get(), &parameters) == OPJ_TRUE &&
                     opj_decoder_set_strict_mode(codec.get(), OPJ_TRUE) == OPJ_TRUE &&
                     opj_read_header(stream.get(), codec.get(), &raw) == OPJ_TRUE;
  ImageOwner image(raw, opj_image_destroy);
  if (!ready || image == nullptr) {
    stream_unreadable(name, "its header cannot be read");
  }
  // Before anything as large as the picture is allocated.
  if (static_cast<std::int64_t>(image->x1) - image->x0 != columns ||
      static_cast<std::int64_t>(image->y1) - image->y0 != rows) {
    stream_unreadable(name,
                      fmt::format("{} rows and {} columns where the DICOM header says {} and {}",
                                  static_cast<std::int64_t>(image->y1) - image->y0,
                                  static_cast<std::int64_t>(image->x1) - image->x0,
                                  rows,
                                  columns));
  }
  if (opj_decode(codec.get(), stream.get(), image.get()) != OPJ_TRUE ||
      opj_end_decompress(codec.get(), stream.get()) != OPJ_TRUE) {
    stream_unreadable(name, "the picture cannot be decoded");
  }
  return image;
}

}  // namespace

Jpeg2000Picture decode_jpeg2000(std::span<const std::byte> stream,
                                std::int64_t rows,
                                std::int64_t columns,
                                const std::string& name) {
  StreamBytes bytes{stream, 0};
  const ImageOwner image = decode_image(bytes, rows, columns, name);
  Jpeg2000Picture picture;
  picture.rows = rows;
  picture.columns = columns;
  picture.components = image->numcomps;
  if (picture.components < 1 || picture.components > 4) {
    stream_unreadable(name, fmt::format("{} components", picture.components));
  }
  const opj_image_comp_t& first = image->comps[0];
  picture.bits = static_cast<int>(first.prec);
  picture.is_signed = first.sgnd != 0;
  if (picture.bits < 1 || picture.bits > 32) {
    stream_unreadable(name, fmt::format("{} bits a sample", picture.bits));
  }
  picture.bytes_a_sample = picture.bits <= 8 ? 1 : picture.bits <= 16 ? 2 : 4;
  const auto pixels = static_cast<std::size_t>(rows * columns);
  const auto components = static_cast<std::size_t>(picture.components);
  const auto size = static_cast<std::size_t>(picture.bytes_a_sample);
  picture.samples.resize(pixels * components * size);
  for (std::size_t c = 0; c < components; ++c) {
    const opj_image_comp_t& component = image->comps[c];
    if (component.w != columns || component.h != rows || component.data == nullptr ||
        component.prec != first.prec || component.sgnd != first.sgnd) {
      stream_unreadable(name, "its components differ in size or bits");
    }
    for (std::size_t n = 0; n < pixels; ++n) {
      auto value = static_cast<std::uint32_t>(component.data[n]);
      for (std::size_t byte = 0; byte < size; ++byte, value >>= 8) {
        picture.samples[(n * components + c) * size + byte] = static_cast<std::byte>(value & 0xFF);
      }
    }
  }
  return picture;
}

}  // namespace marrow
