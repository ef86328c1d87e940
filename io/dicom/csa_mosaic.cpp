#include "io/dicom/csa_mosaic.h"

#include <cstdint>
#include <cstring>

namespace marrow {

namespace {

constexpr std::size_t kCsaMosaicName = 64;    // bytes of a name
constexpr std::size_t kCsaMosaicHeader = 84;  // bytes in front of the items

std::uint32_t csa_mosaic_word(std::string_view csa, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t byte = 4; byte > 0; --byte) {
    value = value << 8 | static_cast<unsigned char>(csa[at + byte - 1]);
  }
  return value;
}

// Of the entry whose name begins at `at`: whether all its values are empty.
bool empty_csa_entry(std::string_view csa, std::size_t at) {
  constexpr std::size_t kItemHeader = 16;
  constexpr std::uint32_t kMostItems = 256;
  if (csa.size() - at < kCsaMosaicHeader) {
    return false;
  }
  const std::uint32_t items = csa_mosaic_word(csa, at + kCsaMosaicName + 12);
  if (items > kMostItems || csa.size() - at - kCsaMosaicHeader < items * kItemHeader) {
    return false;
  }
  for (std::uint32_t n = 0; n < items; ++n) {
    if (csa_mosaic_word(csa, at + kCsaMosaicHeader + n * kItemHeader + 4) != 0) {
      return false;
    }
  }
  return true;
}

}  // namespace

bool perhaps_csa_mosaic(std::string_view csa) {
  constexpr std::string_view kName = "NumberOfImagesInMosaic";
  const bool second_layout = csa.starts_with("SV10");
  std::size_t at = 0;
  for (;;) {
    const void* const found =
        ::memmem(csa.data() + at, csa.size() - at, kName.data(), kName.size());
    if (found == nullptr) {
      return false;
    }
    at = static_cast<std::size_t>(static_cast<const char*>(found) - csa.data());
    // A blank in front would belong to the name, and its field begin earlier.
    const bool field =
        at > 0 && std::string_view(" \t\r\n").find(csa[at - 1]) == std::string_view::npos;
    if (!second_layout || !field || !empty_csa_entry(csa, at)) {
      return true;
    }
    at += kName.size();
  }
}

}  // namespace marrow
