#include "volumes/reduction/slice_similarity.h"

#include <array>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <vector>

#include <fmt/format.h>

#include "core/error.h"

namespace marrow {

namespace {

constexpr int kSsimRadius = 5;
constexpr std::size_t kSsimWindow = 2 * kSsimRadius + 1;
constexpr std::size_t kInformationBins = 64;

void check_sizes(const GreyPicture& a, const GreyPicture& b) {
  if (a.columns != b.columns || a.rows != b.rows) {
    throw Error(
        ErrorCode::kInvalidArgument,
        fmt::format("similarity: expected two pictures of one size, found {} x {} and {} x {}",
                    a.columns,
                    a.rows,
                    b.columns,
                    b.rows));
  }
  for (const GreyPicture* const picture : {&a, &b}) {
    MARROW_CHECK(static_cast<std::int64_t>(picture->pixels.size()) ==
                 picture->columns * picture->rows);
  }
}

const std::array<double, kSsimWindow>& gaussian_window() {
  static const auto window = [] {
    constexpr double kSigma = 1.5;
    std::array<double, kSsimWindow> made{};
    for (std::size_t n = 0; n < made.size(); ++n) {
      const double distance = static_cast<double>(n) - kSsimRadius;
      made[n] = std::exp(-0.5 * distance * distance / (kSigma * kSigma));
    }
    const double sum = std::accumulate(made.begin(), made.end(), 0.0);
    for (double& weight : made) {
      weight /= sum;
    }
    return made;
  }();
  return window;
}

// Sums under the window of the moments of two pictures.
struct Moments {
  double a = 0, b = 0, aa = 0, bb = 0, ab = 0;

  void add(double weight, const Moments& other) {
    a += weight * other.a;
    b += weight * other.b;
    aa += weight * other.aa;
    bb += weight * other.bb;
    ab += weight * other.ab;
  }
};

double local_similarity(const Moments& m) {
  constexpr double kRange = 255;
  constexpr double kC1 = 0.01 * kRange * 0.01 * kRange;
  constexpr double kC2 = 0.03 * kRange * 0.03 * kRange;
  const double variance_a = m.aa - m.a * m.a;
  const double variance_b = m.bb - m.b * m.b;
  const double covariance = m.ab - m.a * m.b;
  return (2 * m.a * m.b + kC1) * (2 * covariance + kC2) /
         ((m.a * m.a + m.b * m.b + kC1) * (variance_a + variance_b + kC2));
}

double entropy_of(std::span<const double> shares) {
  double bits = 0;
  for (const double share : shares) {
    bits -= share > 0 ? share * std::log2(share) : 0;
  }
  return bits;
}

}  // namespace

double structural_similarity(const GreyPicture& a, const GreyPicture& b) {
  check_sizes(a, b);
  if (std::min(a.columns, a.rows) < static_cast<std::int64_t>(kSsimWindow)) {
    throw Error(
        ErrorCode::kInvalidArgument,
        fmt::format("similarity: expected pictures of at least {} pixels a side, found {} x {}",
                    kSsimWindow,
                    a.columns,
                    a.rows));
  }
  const auto& window = gaussian_window();
  const auto columns = static_cast<std::size_t>(a.columns);
  const auto rows = static_cast<std::size_t>(a.rows);
  const std::size_t inside = columns - 2 * kSsimRadius;
  // Along the rows first; then down the columns, where a window lies inside.
  std::vector<Moments> along(inside * rows);
  for (std::size_t y = 0; y < rows; ++y) {
    for (std::size_t x = 0; x < inside; ++x) {
      Moments& sum = along[y * inside + x];
      for (std::size_t n = 0; n < kSsimWindow; ++n) {
        const double va = a.pixels[y * columns + x + n];
        const double vb = b.pixels[y * columns + x + n];
        sum.add(window[n], {va, vb, va * va, vb * vb, va * vb});
      }
    }
  }
  double total = 0;
  for (std::size_t y = 0; y + 2 * kSsimRadius < rows; ++y) {
    for (std::size_t x = 0; x < inside; ++x) {
      Moments sum;
      for (std::size_t n = 0; n < kSsimWindow; ++n) {
        sum.add(window[n], along[(y + n) * inside + x]);
      }
      total += local_similarity(sum);
    }
  }
  return total / static_cast<double>(inside * (rows - 2 * kSsimRadius));
}

SharedInformation mutual_information(const GreyPicture& a, const GreyPicture& b) {
  check_sizes(a, b);
  constexpr int kBinWidth = 256 / kInformationBins;
  std::vector<double> joint(kInformationBins * kInformationBins);
  std::array<double, kInformationBins> of_a{};
  std::array<double, kInformationBins> of_b{};
  const auto pixels = static_cast<double>(a.pixels.size());
  for (std::size_t n = 0; n < a.pixels.size(); ++n) {
    ++joint[static_cast<std::size_t>(a.pixels[n] / kBinWidth) * kInformationBins +
            static_cast<std::size_t>(b.pixels[n] / kBinWidth)];
  }
  for (std::size_t i = 0; i < kInformationBins; ++i) {
    for (std::size_t j = 0; j < kInformationBins; ++j) {
      double& both = joint[i * kInformationBins + j];
      both /= pixels;
      of_a[i] += both;
      of_b[j] += both;
    }
  }
  const double of_both = entropy_of(of_a) + entropy_of(of_b);
  const double bits = std::max(of_both - entropy_of(joint), 0.0);
  return {bits, of_both > 0 ? 2 * bits / of_both : 1};
}

double entropy_bits(const GreyPicture& picture) {
  std::array<double, 256> shares{};
  for (const std::uint8_t pixel : picture.pixels) {
    ++shares[pixel];
  }
  for (double& share : shares) {
    share /= static_cast<double>(picture.pixels.size());
  }
  return entropy_of(shares);
}

}  // namespace marrow
