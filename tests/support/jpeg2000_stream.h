#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <openjpeg.h>

namespace marrow::testing {

inline OPJ_SIZE_T append_stream(void* bytes, OPJ_SIZE_T count, void* user) {
  static_cast<std::string*>(user)->append(static_cast<const char*>(bytes), count);
  return count;
}

// A lossless JPEG 2000 code stream of grey samples of 12 bits.
inline std::string encode_jpeg2000(const std::vector<std::uint16_t>& words,
                                   unsigned rows,
                                   unsigned columns) {
  opj_cparameters_t parameters;
  opj_set_default_encoder_parameters(&parameters);
  parameters.tcp_numlayers = 1;
  parameters.cp_disto_alloc = 1;
  parameters.numresolution = 3;
  opj_image_cmptparm_t component{};
  component.dx = component.dy = 1;
  component.w = columns;
  component.h = rows;
  component.prec = 12;
  opj_image_t* const image = opj_image_create(1, &component, OPJ_CLRSPC_GRAY);
  image->x1 = columns;
  image->y1 = rows;
  std::copy(words.begin(), words.end(), image->comps[0].data);
  opj_codec_t* const codec = opj_create_compress(OPJ_CODEC_J2K);
  std::string bytes;
  opj_stream_t* const stream = opj_stream_default_create(OPJ_FALSE);
  opj_stream_set_user_data(stream, &bytes, nullptr);
  opj_stream_set_write_function(stream, append_stream);
  EXPECT_TRUE(opj_setup_encoder(codec, &parameters, image) &&
              opj_start_compress(codec, image, stream) && opj_encode(codec, stream) &&
              opj_end_compress(codec, stream));
  opj_stream_destroy(stream);
  opj_destroy_codec(codec);
  opj_image_destroy(image);
  return bytes;
}

}  // namespace marrow::testing
