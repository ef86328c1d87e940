#pragma once

#include <ATen/core/Tensor.h>

namespace marrow {

// The memory of a tensor as a kernel wants it; T is std::uint16_t for bfloat16, whose bits it is.
// Null when undefined.
template <class T>
[[nodiscard]] const T* values(const at::Tensor& x) {
  return x.defined() ? static_cast<const T*>(x.const_data_ptr()) : nullptr;
}

template <class T>
[[nodiscard]] T* mutable_values(const at::Tensor& x) {
  return x.defined() ? static_cast<T*>(x.mutable_data_ptr()) : nullptr;
}

// Moves a pointer that may be null.
template <class T>
[[nodiscard]] T* moved(T* start, std::int64_t by) {
  return start == nullptr ? nullptr : start + by;
}

}  // namespace marrow
