#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <vector>

#include "volumes/fingerprints/unit_vectors.h"
#include "volumes/reduction/cosine_kernel.h"

namespace marrow {

struct CosinePair {
  std::int64_t a = 0, b = 0;
  float cosine = 0;
};

// Rows are taken in blocks of so many on the left and on the right: a multiple of every kernel's
// strips, so that all deliver in one order.
inline constexpr std::int64_t kCosineLeftBlock = 384;
inline constexpr std::int64_t kCosineRightBlock = 4096;

struct CosineMemoryRelease {
  void operator()(std::byte* memory) const { std::free(memory); }
};

// Rows packed for the right side of a kernel, in 2 or 4 bytes a value; grows by blocks and moves
// nothing.
class CosinePanels {
 public:
  CosinePanels(const CosineKernel& kernel, std::int64_t dimensions);

  void append(std::span<const float> row);

  [[nodiscard]] std::int64_t count() const { return count_; }

  [[nodiscard]] const std::byte* strip(std::int64_t first_row) const;

 private:
  const CosineKernel& kernel_;
  std::int64_t dimensions_, depth_, strip_bytes_, count_ = 0;
  std::vector<std::unique_ptr<std::byte, CosineMemoryRelease>> blocks_;
};

// Finds the pairs between blocks; one for each thread. Its memory: a packed left block, and the
// pairs of one block, at most 384 x 4096.
class CosineBlocks {
 public:
  enum class Pairs {
    kAll,
    kAscending,  // only a < b, of rows against themselves
  };

  CosineBlocks(const CosineKernel& kernel, float threshold, Pairs pairs);

  // Rows first_left to first_left + 383 of `left` with rows first_right to first_right + 4095 of
  // `right`, of which `panels` holds the packed copy; by a, then b. Valid until the next call.
  [[nodiscard]] const std::vector<CosinePair>& find(const UnitRows& left,
                                                    std::int64_t first_left,
                                                    const UnitRows& right,
                                                    const CosinePanels& panels,
                                                    std::int64_t first_right);

 private:
  void pack_left(const UnitRows& left, std::int64_t first);

  const CosineKernel& kernel_;
  float threshold_;
  Pairs pairs_;
  const float* packed_ = nullptr;  // the row that left_ begins with
  std::int64_t strips_ = 0;
  std::unique_ptr<std::byte, CosineMemoryRelease> left_;
  std::size_t left_bytes_ = 0;
  std::vector<std::uint32_t> hits_;
  std::vector<CosinePair> found_;
};

// The cosine that the screen of this kernel must reach lest a pair with `threshold` be missed.
[[nodiscard]] float cosine_screen_bound(const CosineKernel& kernel,
                                        std::int64_t dimensions,
                                        float threshold);

}  // namespace marrow
