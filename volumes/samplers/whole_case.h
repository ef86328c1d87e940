#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/config/options.h"
#include "volumes/samplers/sampler.h"

namespace marrow {

struct WholeCaseOptions {
  static constexpr std::string_view kName = "whole_case";

  double shift = 0.0;
  std::string balance = "none";

  template <class Visit>
  void describe(Visit&& visit) {
    visit("shift",
          shift,
          Range{0.0, 1.0},
          "largest random shift off the centre along every axis, as a share of the way to where "
          "the borders of box and case meet; 0: always centred, 1: every place is equally likely");
    visit("balance",
          balance,
          OneOf{{"none", "classes"}},
          "none: an epoch visits every case once; classes: every class equally often, whatever the "
          "number of its cases");
  }
};

// Boxes for classification: one of `patch_size` for each visit of a case, centred on it. Where a
// case is larger than the box, the box stays inside it; where it is smaller, it stays inside the
// box, which reaches outside. A size of 1 along k gives the middle slice (moved by `shift` like any
// axis), a larger one a bag of neighbouring slices or a 3D box. Of a case that was reduced, single
// slices are drawn among those left: in reach of the shift, or else the one nearest to the middle.
//
// With `balance: classes` any K positions from a multiple of K on visit each of the K classes of
// the cases once, and every class goes through its cases in an order of its own, again and again.
// Throws Error{kInvalidArgument} then for a case that has no class, an unknown one, or several
// targets.
[[nodiscard]] std::unique_ptr<Sampler> make_whole_case(const ConfigSection& options,
                                                       const SamplerInput& input);

}  // namespace marrow
