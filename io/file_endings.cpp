#include "io/file_endings.h"

#include <algorithm>
#include <array>

#include "core/text.h"

namespace marrow {

namespace {

constexpr std::array<std::string_view, 3> kPictureEndings{".png", ".jpg", ".jpeg"};
// Longer ones first, of which others are the end.
constexpr std::array<std::string_view, 11> kOtherEndings{".nii.gz",
                                                         ".hdr.gz",
                                                         ".img.gz",
                                                         ".nii",
                                                         ".hdr",
                                                         ".img",
                                                         ".nrrd",
                                                         ".nhdr",
                                                         ".mha",
                                                         ".mhd",
                                                         ".dcm"};

template <class Endings>
std::size_t length_of_ending(std::string_view name, const Endings& endings) {
  const std::string lower = lower_case(name);
  const auto found = std::find_if(endings.begin(), endings.end(), [&](std::string_view ending) {
    return lower.size() > ending.size() && lower.ends_with(ending);
  });
  return found == endings.end() ? 0 : found->size();
}

}  // namespace

bool has_image_ending(std::string_view name) {
  return length_of_ending(name, kOtherEndings) > 0 || has_picture_ending(name);
}

bool has_picture_ending(std::string_view name) {
  return length_of_ending(name, kPictureEndings) > 0;
}

std::string without_image_ending(std::string_view name) {
  const std::size_t length =
      std::max(length_of_ending(name, kOtherEndings), length_of_ending(name, kPictureEndings));
  return std::string(name.substr(0, name.size() - length));
}

}  // namespace marrow
