#include "volumes/reduction/slice_similarity.h"

#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

#include <fmt/format.h>

#include "core/error.h"
#include "volumes/reduction/ssim_kernel.h"

namespace marrow {

namespace {

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

// From its edge to its middle; the other half is the same.
const std::array<double, kSsimRadius + 1>& gaussian_window() {
  static const auto window = [] {
    constexpr double kSigma = 1.5;
    std::array<double, kSsimRadius + 1> made{};
    double sum = 0;
    for (std::size_t n = 0; n < made.size(); ++n) {
      const double distance = static_cast<double>(kSsimRadius - n);
      made[n] = std::exp(-0.5 * distance * distance / (kSigma * kSigma));
      sum += n < kSsimRadius ? 2 * made[n] : made[n];
    }
    for (double& weight : made) {
      weight /= sum;
    }
    return made;
  }();
  return window;
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
  const auto columns = static_cast<std::size_t>(a.columns);
  const auto rows = static_cast<std::size_t>(a.rows);
  const double sum = ssim_kernels().front().sum(
      a.pixels.data(), b.pixels.data(), columns, rows, gaussian_window().data());
  return sum / static_cast<double>((columns - 2 * kSsimRadius) * (rows - 2 * kSsimRadius));
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
