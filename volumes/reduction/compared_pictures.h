#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

#include "volumes/reduction/slice_similarity.h"

namespace marrow {

// Pictures of kComparedSide x kComparedSide in a file of `folder` that nobody else sees, mapped
// into memory: however many there are, the system keeps only those in memory that are looked at.
// Throws Error{kResources} when the disk cannot hold them.
class ComparedPictures {
 public:
  ComparedPictures(const std::filesystem::path& folder, std::size_t count);
  ~ComparedPictures();
  ComparedPictures(const ComparedPictures&) = delete;
  ComparedPictures& operator=(const ComparedPictures&) = delete;

  [[nodiscard]] std::span<std::uint8_t> pixels(std::size_t n) const;
  [[nodiscard]] GreyPicture picture(std::size_t n) const;

 private:
  std::uint8_t* bytes_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace marrow
