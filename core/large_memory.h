#pragma once

#include <cstddef>
#include <limits>
#include <new>
#include <span>
#include <utility>
#include <vector>

namespace marrow {

// Blocks from this size on come in large pages: a volume in small ones costs more time in page
// faults than in computing.
inline constexpr std::size_t kLargeBlock = std::size_t{4} << 20;

// Memory of at least `bytes` (kLargeBlock or more), not cleared. A freed block stays with the
// program for the next volume, since having the kernel clear its pages anew costs as much as
// filling them; at most kKeptBytes of the whole program are kept so. Thread-safe. Throws
// std::bad_alloc.
[[nodiscard]] void* allocate_large(std::size_t bytes);
void free_large(void* memory, std::size_t bytes) noexcept;
inline constexpr std::size_t kKeptBytes = std::size_t{256} << 20;

// Copies to memory that nobody reads again soon, such as that of a large volume: on x86 past the
// caches, which saves reading it first. Before another thread sees it, finish_stream_copies().
void stream_copy(std::span<const float> from, float* to) noexcept;
void finish_stream_copies() noexcept;

// Memory of voxels. resize() without a value leaves new elements as they come, so that who fills
// all of them anyway does not fill them twice.
template <class T>
class VoxelAllocator {
 public:
  using value_type = T;

  VoxelAllocator() = default;

  template <class U>
  explicit(false) VoxelAllocator(const VoxelAllocator<U>& /*other*/) noexcept {}

  [[nodiscard]] T* allocate(std::size_t count) {
    if (count > std::numeric_limits<std::size_t>::max() / sizeof(T)) {
      throw std::bad_array_new_length();
    }
    const std::size_t bytes = count * sizeof(T);
    return static_cast<T*>(bytes < kLargeBlock ? ::operator new(bytes) : allocate_large(bytes));
  }

  void deallocate(T* memory, std::size_t count) noexcept {
    const std::size_t bytes = count * sizeof(T);
    if (bytes < kLargeBlock) {
      ::operator delete(memory);
    } else {
      free_large(memory, bytes);
    }
  }

  template <class U>
  void construct(U* place) noexcept {
    ::new (static_cast<void*>(place)) U;
  }

  template <class U, class... Arguments>
  void construct(U* place, Arguments&&... arguments) {
    ::new (static_cast<void*>(place)) U(std::forward<Arguments>(arguments)...);
  }

  friend bool operator==(const VoxelAllocator&, const VoxelAllocator&) { return true; }
};

template <class T>
using VoxelVector = std::vector<T, VoxelAllocator<T>>;

}  // namespace marrow
