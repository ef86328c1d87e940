#pragma once

#include <cctype>
#include <cstdint>
#include <cstring>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <png.h>

#include "clinical/report/png.h"

namespace marrow {

// Empty when every element is closed in the right order and every attribute value is quoted; else
// what is wrong and where. Knows the void elements of HTML; elements ending in "/>" are closed.
inline std::string nesting_fault(std::string_view page) {
  static const std::set<std::string> kVoid{"meta", "img", "input", "br", "hr", "link"};
  std::vector<std::string> open;
  for (std::size_t at = 0; at < page.size();) {
    const std::size_t start = page.find('<', at);
    if (start == std::string_view::npos) {
      break;
    }
    if (page.substr(start, 2) == "<!") {
      at = page.find('>', start) + 1;
      continue;
    }
    const bool closing = page.substr(start, 2) == "</";
    const std::size_t name_at = start + (closing ? 2 : 1);
    std::size_t end = name_at;
    while (end < page.size() && std::isalnum(static_cast<unsigned char>(page[end])) != 0) {
      ++end;
    }
    const std::string name(page.substr(name_at, end - name_at));
    if (name.empty()) {
      return "a bare < at " + std::to_string(start);
    }
    bool quoted = false;
    while (end < page.size() && (quoted || page[end] != '>')) {
      if (page[end] == '"') {
        quoted = !quoted;
      } else if (page[end] == '<') {
        return "a < inside the tag " + name;
      }
      ++end;
    }
    if (end == page.size()) {
      return "the tag " + name + " is not closed";
    }
    if (closing) {
      if (open.empty() || open.back() != name) {
        return "</" + name + "> closes " + (open.empty() ? std::string("nothing") : open.back());
      }
      open.pop_back();
    } else if (page[end - 1] != '/' && kVoid.count(name) == 0) {
      open.push_back(name);
      if (name == "script" || name == "style") {
        end = page.find("</" + name, end) - 1;
      }
    }
    at = end + 1;
  }
  return open.empty() ? "" : open.back() + " is left open";
}

inline Picture decode_png(std::span<const std::byte> file) {
  png_image image;
  std::memset(&image, 0, sizeof image);
  image.version = PNG_IMAGE_VERSION;
  if (png_image_begin_read_from_memory(&image, file.data(), file.size()) == 0) {
    throw std::runtime_error(image.message);
  }
  image.format = PNG_FORMAT_RGB;
  std::vector<std::uint8_t> samples(PNG_IMAGE_SIZE(image));
  if (png_image_finish_read(&image, nullptr, samples.data(), 0, nullptr) == 0) {
    throw std::runtime_error(image.message);
  }
  Picture picture = make_picture(image.width, image.height, {});
  for (std::size_t i = 0; i < picture.pixels.size(); ++i) {
    picture.pixels[i] = {samples[3 * i], samples[3 * i + 1], samples[3 * i + 2]};
  }
  return picture;
}

inline std::size_t occurrences(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos;
       at = text.find(part, at + part.size())) {
    ++count;
  }
  return count;
}

}  // namespace marrow
