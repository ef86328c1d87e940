#include "clinical/report/png.h"

#include <cstring>
#include <map>

#include <png.h>

#include "clinical/report/html.h"
#include "core/error.h"

namespace marrow {

namespace {

constexpr std::size_t kPaletteColours = 256;

struct IndexedPicture {
  std::vector<std::uint8_t> palette;  // r g b ...
  std::vector<std::uint8_t> indices;
  bool fits = true;
};

IndexedPicture indexed(const Picture& picture) {
  IndexedPicture result;
  std::map<std::uint32_t, std::uint8_t> known;
  result.indices.reserve(picture.pixels.size());
  for (const Rgb& pixel : picture.pixels) {
    const std::uint32_t key = static_cast<std::uint32_t>(pixel.r) << 16 |
                              static_cast<std::uint32_t>(pixel.g) << 8 | pixel.b;
    const auto [place, added] = known.try_emplace(key, static_cast<std::uint8_t>(known.size()));
    if (added) {
      if (known.size() > kPaletteColours) {
        result.fits = false;
        return result;
      }
      result.palette.insert(result.palette.end(), {pixel.r, pixel.g, pixel.b});
    }
    result.indices.push_back(place->second);
  }
  return result;
}

std::vector<std::byte> encoded(png_image& image,
                               const std::vector<std::uint8_t>& samples,
                               const void* palette) {
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
  std::vector<std::byte> file(size);
  if (png_image_write_to_memory(&image, file.data(), &size, 0, samples.data(), 0, palette) == 0) {
    throw Error(ErrorCode::kInternal,
                std::string("png: cannot encode a picture: ") + image.message);
  }
  file.resize(size);
  return file;
}

}  // namespace

Picture make_picture(std::int64_t width, std::int64_t height, Rgb colour) {
  MARROW_CHECK(width > 0 && height > 0);
  return {width, height, std::vector<Rgb>(static_cast<std::size_t>(width * height), colour)};
}

std::vector<std::byte> encode_png(const Picture& picture) {
  MARROW_CHECK(picture.width > 0 && picture.height > 0);
  png_image image;
  std::memset(&image, 0, sizeof image);
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(picture.width);
  image.height = static_cast<png_uint_32>(picture.height);
  const IndexedPicture index = indexed(picture);
  if (index.fits) {
    image.format = PNG_FORMAT_RGB_COLORMAP;
    image.colormap_entries = static_cast<png_uint_32>(index.palette.size() / 3);
    return encoded(image, index.indices, index.palette.data());
  }
  image.format = PNG_FORMAT_RGB;
  std::vector<std::uint8_t> samples;
  samples.reserve(picture.pixels.size() * 3);
  for (const Rgb& pixel : picture.pixels) {
    samples.insert(samples.end(), {pixel.r, pixel.g, pixel.b});
  }
  return encoded(image, samples, nullptr);
}

std::string png_data_uri(const Picture& picture) {
  return "data:image/png;base64," + base64(encode_png(picture));
}

}  // namespace marrow
