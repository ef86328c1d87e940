#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "io/images/picture.h"

namespace marrow {

// The decoded samples of a picture: rows from the top, samples of one pixel side by side.
struct PictureSamples {
  PictureHeader header;
  int samples = 1;  // per pixel: 1 grey, 2 grey and alpha, 3 colour, 4 colour and alpha
  std::vector<std::uint16_t> values;
};

// Throw FileError; `max_bytes` bounds what is allocated before it is. With `header_only` no
// pixel is decoded and `values` stays empty.
[[nodiscard]] PictureSamples decode_png(std::span<const std::byte> bytes,
                                        const std::string& name,
                                        std::uint64_t max_bytes,
                                        bool header_only);
[[nodiscard]] PictureSamples decode_jpeg(std::span<const std::byte> bytes,
                                         const std::string& name,
                                         std::uint64_t max_bytes,
                                         bool header_only);

// Refuses a picture of more pixels than are sensible or than fit in `max_bytes`.
void check_picture_size(std::int64_t width,
                        std::int64_t height,
                        int samples,
                        std::uint64_t max_bytes,
                        const std::string& name);

}  // namespace marrow
