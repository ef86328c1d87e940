#include "tests/volumes/preprocess/itk_resampler.h"

#include <algorithm>

#include <gtest/gtest.h>
#include <itkBSplineInterpolateImageFunction.h>
#include <itkDiscreteGaussianImageFilter.h>
#include <itkImage.h>
#include <itkResampleImageFilter.h>

namespace marrow::testing {
namespace {

using ItkVolume = itk::Image<float, 3>;

struct ItkGrid {
  itk::Point<double, 3> origin;
  itk::Vector<double, 3> spacing;
  itk::Matrix<double, 3, 3> direction;
  ItkVolume::SizeType size;
};

ItkGrid to_itk(const PlainGrid& grid) {
  ItkGrid result;
  for (unsigned row = 0; row < 3; ++row) {
    result.origin[row] = grid.origin[row];
    result.spacing[row] = grid.spacing[row];
    result.size[row] = static_cast<itk::SizeValueType>(grid.size[row]);
    for (unsigned column = 0; column < 3; ++column) {
      result.direction(row, column) = grid.direction[3 * row + column];
    }
  }
  return result;
}

}  // namespace

std::vector<float> itk_resampled(const PlainGrid& grid,
                                 const std::vector<float>& values,
                                 const PlainGrid& target,
                                 const std::array<double, 3>& sigma_mm) {
  const ItkGrid from = to_itk(grid);
  const ItkGrid to = to_itk(target);
  ItkVolume::Pointer image = ItkVolume::New();
  image->SetRegions(from.size);
  image->SetOrigin(from.origin);
  image->SetSpacing(from.spacing);
  image->SetDirection(from.direction);
  image->Allocate();
  std::copy(values.begin(), values.end(), image->GetBufferPointer());
  if (sigma_mm[0] > 0) {
    auto gaussian = itk::DiscreteGaussianImageFilter<ItkVolume, ItkVolume>::New();
    itk::FixedArray<double, 3> variance;
    for (unsigned axis = 0; axis < 3; ++axis) {
      variance[axis] = sigma_mm[axis] * sigma_mm[axis];
    }
    gaussian->SetInput(image);
    gaussian->SetVariance(variance);
    gaussian->SetMaximumKernelWidth(64);
    gaussian->Update();
    image = gaussian->GetOutput();
  }
  auto spline = itk::BSplineInterpolateImageFunction<ItkVolume, double, double>::New();
  spline->SetSplineOrder(3);
  auto filter = itk::ResampleImageFilter<ItkVolume, ItkVolume>::New();
  filter->SetInterpolator(spline);
  filter->SetInput(image);
  filter->SetSize(to.size);
  filter->SetOutputOrigin(to.origin);
  filter->SetOutputSpacing(to.spacing);
  filter->SetOutputDirection(to.direction);
  filter->Update();
  const float* result = filter->GetOutput()->GetBufferPointer();
  return {result, result + filter->GetOutput()->GetLargestPossibleRegion().GetNumberOfPixels()};
}

TEST(ItkResamplerPeer, GivesBackAVolumeOnItsOwnGrid) {
  const PlainGrid grid{{4, 3, 5}, {0.5, 2, 3}, {1, 2, 3}, {1, 0, 0, 0, 1, 0, 0, 0, 1}};
  std::vector<float> values(60);
  for (std::size_t at = 0; at < values.size(); ++at) {
    values[at] = static_cast<float>(at * at % 17);
  }

  const std::vector<float> result = itk_resampled(grid, values, grid, {0, 0, 0});

  ASSERT_EQ(result.size(), values.size());
  for (std::size_t at = 0; at < values.size(); ++at) {
    EXPECT_NEAR(result[at], values[at], 1e-3F);
  }
}

}  // namespace marrow::testing
