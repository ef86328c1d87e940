#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace marrow {

struct Rgb {
  std::uint8_t r = 0;
  std::uint8_t g = 0;
  std::uint8_t b = 0;

  [[nodiscard]] friend bool operator==(const Rgb&, const Rgb&) = default;
};

// Colour pixels, row by row from the top left.
struct Picture {
  std::int64_t width = 0;
  std::int64_t height = 0;
  std::vector<Rgb> pixels;

  [[nodiscard]] Rgb& at(std::int64_t x, std::int64_t y) {
    return pixels[static_cast<std::size_t>(x + width * y)];
  }

  [[nodiscard]] const Rgb& at(std::int64_t x, std::int64_t y) const {
    return pixels[static_cast<std::size_t>(x + width * y)];
  }

  [[nodiscard]] bool contains(std::int64_t x, std::int64_t y) const {
    return x >= 0 && y >= 0 && x < width && y < height;
  }
};

[[nodiscard]] Picture make_picture(std::int64_t width, std::int64_t height, Rgb colour);

// PNG file: with a palette when there are at most 256 colours, else 24-bit. Holds no text and no
// date. Throws Error{kInternal} when libpng refuses.
[[nodiscard]] std::vector<std::byte> encode_png(const Picture& picture);
// "data:image/png;base64,...".
[[nodiscard]] std::string png_data_uri(const Picture& picture);

}  // namespace marrow
