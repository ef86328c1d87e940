#pragma once

#include <cstdint>

namespace marrow {

// Sum of products of `count` values each, a multiple of kLanczosVector; sums stay in 32 bits.
inline constexpr std::int64_t kLanczosVector = 32;
using LanczosDot = std::int32_t (*)(const std::int16_t* pixels,
                                    const std::int16_t* weights,
                                    std::int64_t count);

// Compiled for three kinds of processor; lanczos_dot() is the best that this one runs.
[[nodiscard]] LanczosDot lanczos_dot_baseline();
[[nodiscard]] LanczosDot lanczos_dot_avx2();
[[nodiscard]] LanczosDot lanczos_dot_avx512();
[[nodiscard]] LanczosDot lanczos_dot();

}  // namespace marrow
