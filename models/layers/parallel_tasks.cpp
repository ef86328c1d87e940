#include "models/layers/parallel_tasks.h"

#include <ATen/TensorIterator.h>
#include <ATen/ops/arange.h>

namespace marrow {

// at::parallel_for is inline and serial unless the including file is compiled with OpenMP; the loop
// of a tensor iterator is compiled inside LibTorch and uses the same threads.
void parallel_tasks(std::int64_t tasks, c10::function_ref<void(std::int64_t)> body) {
  if (tasks <= 1) {
    if (tasks == 1) {
      body(0);
    }
    return;
  }
  at::Tensor index = at::arange(tasks, at::kLong);
  auto iterator = at::TensorIterator::borrowing_nullary_op(index);
  iterator.for_each(
      [&](char** data, const std::int64_t* strides, std::int64_t inner, std::int64_t outer) {
        for (std::int64_t o = 0; o < outer; ++o) {
          for (std::int64_t i = 0; i < inner; ++i) {
            const char* const at = data[0] + i * strides[0] + o * strides[1];
            body(*reinterpret_cast<const std::int64_t*>(at));
          }
        }
      },
      1);
}

}  // namespace marrow
