#include "core/large_memory.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <mutex>
#include <sys/mman.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace marrow {

namespace {

constexpr std::size_t kLargePage = std::size_t{2} << 20;

std::size_t whole_large_pages(std::size_t bytes) {
  if (bytes > std::numeric_limits<std::size_t>::max() - 2 * kLargePage) {
    throw std::bad_alloc();
  }
  return (bytes + kLargePage - 1) / kLargePage * kLargePage;
}

// Starts at a large page, or the kernel would give small ones at both ends. Null when there is no
// room.
void* map_large(std::size_t bytes) {
  const std::size_t room = bytes + kLargePage;
  void* const mapped =
      ::mmap(nullptr, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) {
    return nullptr;
  }
  auto* const first = static_cast<std::byte*>(mapped);
  const std::size_t before =
      (kLargePage - reinterpret_cast<std::uintptr_t>(mapped) % kLargePage) % kLargePage;
  if (before > 0) {
    ::munmap(first, before);
  }
  ::munmap(first + before + bytes, room - before - bytes);
  // A hint: without large pages it works all the same.
  static_cast<void>(::madvise(first + before, bytes, MADV_HUGEPAGE));
  return first + before;
}

// Freed blocks, the last freed last. A block is taken again only for its very size: volumes of one
// archive are often alike.
class KeptBlocks {
 public:
  void* take(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(
        blocks_.rbegin(), blocks_.rend(), [&](const Block& block) { return block.bytes == bytes; });
    if (found == blocks_.rend()) {
      return nullptr;
    }
    void* const memory = found->memory;
    kept_ -= bytes;
    blocks_.erase(std::next(found).base());
    return memory;
  }

  // False when it is too large to be kept.
  bool keep(void* memory, std::size_t bytes) {
    if (bytes > kKeptBytes) {
      return false;
    }
    const std::lock_guard lock(mutex_);
    while (kept_ + bytes > kKeptBytes) {
      drop_first();
    }
    blocks_.push_back({memory, bytes});
    kept_ += bytes;
    return true;
  }

  void drop_all() {
    const std::lock_guard lock(mutex_);
    while (!blocks_.empty()) {
      drop_first();
    }
  }

 private:
  struct Block {
    void* memory;
    std::size_t bytes;
  };

  void drop_first() {
    ::munmap(blocks_.front().memory, blocks_.front().bytes);
    kept_ -= blocks_.front().bytes;
    blocks_.erase(blocks_.begin());
  }

  std::mutex mutex_;
  std::vector<Block> blocks_;
  std::size_t kept_ = 0;
};

KeptBlocks& kept_blocks() {
  static auto* const blocks = new KeptBlocks;  // never destroyed: volumes may go at the very end
  return *blocks;
}

}  // namespace

void* allocate_large(std::size_t bytes) {
  const std::size_t size = whole_large_pages(bytes);
  if (void* const kept = kept_blocks().take(size)) {
    return kept;
  }
  void* memory = map_large(size);
  if (memory == nullptr) {
    kept_blocks().drop_all();
    memory = map_large(size);
  }
  if (memory == nullptr) {
    throw std::bad_alloc();
  }
  return memory;
}

void free_large(void* memory, std::size_t bytes) noexcept {
  const std::size_t size = whole_large_pages(bytes);
  try {
    if (kept_blocks().keep(memory, size)) {
      return;
    }
  } catch (const std::bad_alloc&) {  // no room for the note of it
  }
  ::munmap(memory, size);
}

void stream_copy(std::span<const float> from, float* to) noexcept {
  std::size_t done = 0;
#if defined(__SSE2__)
  constexpr std::size_t kStore = 4;  // floats, and they must be aligned
  while (done < from.size() &&
         reinterpret_cast<std::uintptr_t>(to + done) % (kStore * sizeof(float)) != 0) {
    to[done] = from[done];
    ++done;
  }
  for (; done + kStore <= from.size(); done += kStore) {
    _mm_stream_ps(to + done, _mm_loadu_ps(from.data() + done));
  }
#endif
  if (done < from.size()) {
    std::memcpy(to + done, from.data() + done, (from.size() - done) * sizeof(float));
  }
}

void finish_stream_copies() noexcept {
#if defined(__SSE2__)
  _mm_sfence();
#endif
}

}  // namespace marrow
