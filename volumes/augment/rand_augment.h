#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/geometry.h"
#include "volumes/augment/augmenter.h"
#include "volumes/augment/picture_operations.h"

namespace marrow {

// The strength of an operation at `magnitude` (0 to 10), which grows with it; of operations that go
// both ways, in the negative direction when `negative`.
[[nodiscard]] double operation_value(PictureOperation operation, double magnitude, bool negative);

// What RandAugment draws for the example of `seed`: `options.randaugment` operations with
// replacement, each then left out with a chance of one half. Magnitudes are `randaugment_magnitude`
// plus normal noise of `randaugment_std`, clipped to 0 to 10.
//
// Source: Cubuk et al. 2020 (RandAugment) in the variant that timm calls "rand-mX-mstdY-inc1", but
// for Color, which changes nothing in a grey picture, and posterizing to no bit at all, of which
// the smallest is one.
[[nodiscard]] std::vector<PictureChange> draw_rand_augment(const AugmentOptions& options,
                                                           std::uint64_t seed);

// Changes one channel of a patch, i fastest. The range of its values is mapped to grey levels 0 to
// 255, not rounded, the changes are made to every slice along k as to a picture of its own, and the
// grey levels are mapped back. What comes in from outside is the smallest value. A constant patch
// is left alone.
void change_pictures(std::span<float> values,
                     const Size3& size,
                     std::span<const PictureChange> changes);

// The label map of the same patch: follows what moves the picture (nearest voxel); 0 comes in from
// outside.
void move_picture_labels(std::span<std::uint8_t> labels,
                         const Size3& size,
                         std::span<const PictureChange> changes);

}  // namespace marrow
