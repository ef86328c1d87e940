#pragma once

#include <cstddef>
#include <vector>

namespace marrow {

// Tells the kernel that memory which nothing has touched yet should come in large pages: a volume
// in small ones costs more time in page faults than in computing. A hint; does nothing for little
// memory or where the kernel does not know it.
void prefer_large_pages(void* memory, std::size_t bytes);

// A vector of `count` times `value`, its memory in large pages.
template <class T>
[[nodiscard]] std::vector<T> large_vector(std::size_t count, T value = T{}) {
  std::vector<T> values;
  values.reserve(count);
  prefer_large_pages(values.data(), count * sizeof(T));
  values.resize(count, value);
  return values;
}

}  // namespace marrow
