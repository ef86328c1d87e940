#pragma once

#include <cstdio>
#include <cstdlib>
#include <vector>

#include <jpeglib.h>

#include "tests/support/nifti_bytes.h"

namespace marrow::testing {

// A JPEG of one colour, of one component or three.
inline Bytes jpeg_bytes(int width, int height, std::vector<unsigned char> colour) {
  jpeg_compress_struct jpeg{};
  jpeg_error_mgr errors{};
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  unsigned char* memory = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&jpeg, &memory, &size);
  jpeg.image_width = static_cast<JDIMENSION>(width);
  jpeg.image_height = static_cast<JDIMENSION>(height);
  jpeg.input_components = static_cast<int>(colour.size());
  jpeg.in_color_space = colour.size() == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&jpeg);
  jpeg_set_quality(&jpeg, 100, TRUE);
  jpeg_start_compress(&jpeg, TRUE);
  std::vector<unsigned char> row;
  for (int i = 0; i < width; ++i) {
    row.insert(row.end(), colour.begin(), colour.end());
  }
  JSAMPROW pointer = row.data();
  while (jpeg.next_scanline < jpeg.image_height) {
    jpeg_write_scanlines(&jpeg, &pointer, 1);
  }
  jpeg_finish_compress(&jpeg);
  jpeg_destroy_compress(&jpeg);
  const auto* start = reinterpret_cast<const std::byte*>(memory);
  Bytes out(start, start + size);
  std::free(memory);
  return out;
}

}  // namespace marrow::testing
