#pragma once

#include <bit>
#include <cstdint>

// Elementary functions in float that compilers turn into vector code: no tables, no branches, the
// same bits on every machine of one instruction set. Relative errors stay below 1e-6 over the
// stated ranges.
namespace marrow::fast {

// x positive and normal (>= 1.2e-38).
[[nodiscard]] inline float log2(float x) {
  const auto bits = std::bit_cast<std::int32_t>(x);
  const std::int32_t exponent =
      (bits - 0x3f3504f3) >> 23;  // leaves a mantissa in [sqrt(1/2), sqrt(2))
  const auto mantissa = std::bit_cast<float>(bits - exponent * (1 << 23));
  const float s = (mantissa - 1.0F) / (mantissa + 1.0F);
  const float s2 = s * s;
  // 2 atanh(s) / ln 2; |s| <= 0.172, so that the term left out (s^11) is below 1e-9.
  const float series =
      2.8853900818F +
      s2 * (0.9617966939F + s2 * (0.5770780164F + s2 * (0.4121985831F + s2 * 0.3205988980F)));
  return static_cast<float>(exponent) + s * series;
}

// Saturates outside [-126, 126].
[[nodiscard]] inline float exp2(float x) {
  x = x < -126.0F ? -126.0F : x;
  x = x > 126.0F ? 126.0F : x;
  constexpr float kRound =
      12582912.0F;  // 1.5 * 2^23: adding and subtracting it rounds to an integer
  const float whole = (x + kRound) - kRound;
  const float f = x - whole;
  const float power =
      1.0F + f * (0.6931471806F +
                  f * (0.2402265070F +
                       f * (0.0555041087F +
                            f * (0.0096181291F +
                                 f * (0.0013333558F + f * (0.0001540353F + f * 0.0000152527F))))));
  const auto scale = std::bit_cast<float>((static_cast<std::int32_t>(whole) + 127) * (1 << 23));
  return power * scale;
}

// x in [0, 1], exponent > 0.
[[nodiscard]] inline float pow(float x, float exponent) {
  const float safe = x < 1.2e-38F ? 1.2e-38F : x;
  const float result = exp2(exponent * log2(safe));
  return x > 0.0F ? result : 0.0F;
}

// 32 well mixed bits of a counter (Wellons' lowbias32 with a second key).
[[nodiscard]] inline std::uint32_t hash(std::uint32_t counter,
                                        std::uint32_t key_a,
                                        std::uint32_t key_b) {
  std::uint32_t h = counter ^ key_a;
  h ^= h >> 16;
  h *= 0x7feb352dU;
  h ^= h >> 15;
  h += key_b;
  h *= 0x846ca68bU;
  h ^= h >> 16;
  h *= 0x7feb352dU;
  h ^= h >> 15;
  return h;
}

struct NormalPair {
  float first;
  float second;
};

// Two independent standard normals from 64 random bits (Box and Muller 1958); at most 5.8 standard
// deviations out.
[[nodiscard]] inline NormalPair normals(std::uint32_t a, std::uint32_t b) {
  // (a >> 8) + 1 fits 25 bits: through int32, which vector units convert.
  const float u = static_cast<float>(static_cast<std::int32_t>(a >> 8) + 1) * 0x1p-24F;
  const float square = -1.3862943611F * log2(u);  // -2 ln u
  const float radius = __builtin_sqrtf(square > 0.0F ? square : 0.0F);
  // Half the angle, in [-pi / 2, pi / 2); doubled below.
  const float t = static_cast<float>(static_cast<std::int32_t>(b >> 8) - (1 << 23)) *
                  (3.1415926536F * 0x1p-24F);
  const float t2 = t * t;
  const float sine =
      t *
      (1.0F +
       t2 * (-1.6666666667e-1F +
             t2 * (8.3333333333e-3F +
                   t2 * (-1.9841269841e-4F + t2 * (2.7557319224e-6F + t2 * -2.5052108385e-8F)))));
  const float cosine =
      1.0F + t2 * (-0.5F + t2 * (4.1666666667e-2F +
                                 t2 * (-1.3888888889e-3F +
                                       t2 * (2.4801587302e-5F +
                                             t2 * (-2.7557319224e-7F + t2 * 2.0876756988e-9F)))));
  return {radius * (1.0F - 2.0F * sine * sine), radius * (2.0F * sine * cosine)};
}

}  // namespace marrow::fast
